"""Models as ONNX's own tests have them, with weights, axes and bounds as inputs: made such that they can be imported.

What is read only where pqc demands a constant becomes one, of the value that a run is given. A model of elements in one
dimension alone, which would be frames, becomes one of a single frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import onnx
import onnx.helper
import onnx.numpy_helper

from pqc.frontend.loader import DOMAINS
from pqc.numerics.arrays import AnyArray
from pqc.numerics.functions import FUNCTIONS

CONSTANT_OPERANDS: Mapping[str, frozenset[int]] = {
    "BatchNormalization": frozenset({1, 2, 3, 4}),
    "Clip": frozenset({1, 2}),
    "Conv": frozenset({1, 2}),
    "DequantizeLinear": frozenset({1, 2}),
    "Dropout": frozenset({1, 2}),
    "Expand": frozenset({1}),
    "Gather": frozenset({1}),
    "Gemm": frozenset({1, 2}),
    "GroupNormalization": frozenset({1, 2}),
    "InstanceNormalization": frozenset({1, 2}),
    "LayerNormalization": frozenset({1, 2}),
    "MatMul": frozenset({1}),
    "PRelu": frozenset({1}),
    "Pad": frozenset({1, 2, 3}),
    "Pow": frozenset({1}),
    "QuantizeLinear": frozenset({1, 2}),
    "ReduceMax": frozenset({1}),
    "ReduceMean": frozenset({1}),
    "Reshape": frozenset({1}),
    "Resize": frozenset({1, 2, 3}),
    "Slice": frozenset({1, 2, 3, 4}),
    "Split": frozenset({1}),
    "Squeeze": frozenset({1}),
    "Tile": frozenset({1}),
    "Unsqueeze": frozenset({1}),
}
"""By operator, the places of the inputs that must be constant."""

ELEMENTWISE = frozenset(
    {"Add", "Clip", "Div", "Dropout", "Gelu", "HardSwish", "Identity", "Mish", "Mul", "Pow", "Relu", "Sub", "Swish"}
).union(definition.operator for definition in FUNCTIONS.values())
"""Operators that treat each element by itself, where their constants are single numbers."""


def constant_inputs(graph: onnx.GraphProto) -> set[str]:
    """What nodes read, and only where it must be constant."""
    constant: set[str] = set()
    free: set[str] = {output.name for output in graph.output}
    for node in graph.node:
        places = CONSTANT_OPERANDS.get(node.op_type, frozenset()) if node.domain in DOMAINS else frozenset[int]()
        for place, name in enumerate(node.input):
            (constant if place in places else free).add(name)
    return constant - free


def shape_of_elements(graph: onnx.GraphProto, bound: set[str]) -> tuple[int, ...] | None:
    """The shape that all activations have, where no node looks at it and it is one dimension alone; None otherwise."""
    if any(node.op_type not in ELEMENTWISE or node.domain not in DOMAINS for node in graph.node):
        return None
    if any(prod(tensor.dims) != 1 for tensor in graph.initializer):
        return None
    constant = bound.union(tensor.name for tensor in graph.initializer)
    if any(prod(_declared_shape(entry)) != 1 for entry in graph.input if entry.name in constant):
        return None
    shapes = {_declared_shape(entry) for entry in graph.input if entry.name not in constant}
    shape = shapes.pop() if len(shapes) == 1 else ()
    return shape if len(shape) == 1 and shape[0] > 0 else None


def _declared_shape(entry: onnx.ValueInfoProto) -> tuple[int, ...]:
    """The shape of an input; 0 stands for a dimension that is open."""
    return tuple(dimension.dim_value for dimension in entry.type.tensor_type.shape.dim)


def as_one_frame(model: onnx.ModelProto, bound: set[str], features: int) -> onnx.ModelProto:
    """A copy of ``model`` whose inputs are one frame of ``features``, all but those that are ``bound``."""
    framed = onnx.ModelProto()
    framed.CopyFrom(model)
    for entry in framed.graph.input:
        if entry.name not in bound:
            kind = onnx.helper.make_tensor_type_proto(entry.type.tensor_type.elem_type, (1, features))
            entry.type.CopyFrom(kind)
    return framed


def with_constants(model: onnx.ModelProto, names: set[str], arrays: Mapping[str, AnyArray]) -> onnx.ModelProto:
    """A copy of ``model`` in which ``names`` are initializers instead of inputs."""
    bound = onnx.ModelProto()
    bound.CopyFrom(model)
    kept = [entry for entry in bound.graph.input if entry.name not in names]
    del bound.graph.input[:]
    bound.graph.input.extend(kept)
    bound.graph.initializer.extend(onnx.numpy_helper.from_array(arrays[name], name) for name in sorted(names))
    return bound
