"""Evaluating nodes whose inputs are known, so that an exporter's shape arithmetic disappears."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, cast

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import onnx.shape_inference

from pqc.frontend.loader import DOMAINS
from pqc.frontend.remedies import AGAIN
from pqc.frontend.values import RefusalError
from pqc.numerics.arrays import AnyArray
from pqc.numerics.shapes import FRAMES, Shape

RANDOM = frozenset(
    {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)
"""Operators that compute something else each time."""

FAULTS = (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, TypeError, ValueError)
"""What onnx.reference raises for nodes that are malformed or that it does not implement."""

LARGEST = 2**28
"""Elements of a tensor that is computed from constants; a few numbers in a file can ask for any size."""

_DEQUANTIZED = 19
"""The oldest operator set for which the reference implementation has DequantizeLinear."""

_FEW = 1024
"""Elements of an input that may be a shape or a count, and is given to shape inference."""


def is_foldable(node: onnx.NodeProto) -> bool:
    """Whether the node, its inputs known, is a constant: it is standard, not random, and holds no graph of its own."""
    holds_graph = any(attribute.HasField("g") or attribute.graphs for attribute in node.attribute)
    return node.domain in DOMAINS and node.op_type not in RANDOM and not holds_graph


def fold(node: onnx.NodeProto, opset: int, inputs: Mapping[str, AnyArray]) -> list[AnyArray]:
    """The node's outputs, by the reference implementation in the onnx package.

    Raises:
        RefusalError: the node is malformed, its operator has no reference implementation, or a result is too large.
    """
    if node.op_type == "DequantizeLinear" and opset < _DEQUANTIZED:
        return [_dequantized(node, [inputs[name] for name in node.input if name])]
    # most models have nothing to fold, and importing it takes as long as lowering a layer
    from onnx.reference import ReferenceEvaluator

    names = [name for name in node.output if name]
    taken, given = ([onnx.helper.make_empty_tensor_value_info(name) for name in side] for side in (inputs, names))
    graph = onnx.helper.make_graph([node], "fold", taken, given)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    _check_sizes(model, inputs)
    try:
        results: Any = cast("Any", ReferenceEvaluator(model)).run(None, dict(inputs))
    except FAULTS as error:
        raise RefusalError(
            f"its inputs are constants, and evaluating it fails: {error or type(error).__name__}", remedy=AGAIN
        ) from error
    return [np.asarray(result) for result in results]


def _dequantized(node: onnx.NodeProto, operands: Sequence[AnyArray]) -> AnyArray:
    """(x - zero point) * scale, scales along one axis or one for all."""
    x, scale, *zero = operands
    if x.dtype.kind not in "iu" or scale.dtype != np.float32:
        raise RefusalError(f"a constant of {x.dtype} with scales of {scale.dtype}; integers and float32 are wanted")
    axes = [attribute.i for attribute in node.attribute if attribute.name == "axis"]
    axis = axes[0] if axes else 1
    if scale.size != 1 and (not -x.ndim <= axis < x.ndim or scale.shape != (x.shape[axis],)):
        raise RefusalError(f"{list(scale.shape)} scales for a constant {list(x.shape)} along axis {axis}", remedy=AGAIN)
    if zero and zero[0].size != scale.size:
        raise RefusalError(f"{list(zero[0].shape)} zero points for {list(scale.shape)} scales", remedy=AGAIN)
    shape = [1] * x.ndim
    if scale.size != 1:
        shape[axis] = -1
    start = zero[0].reshape(shape).astype(np.int64) if zero else np.int64(0)
    return ((x.astype(np.int64) - start).astype(np.float32) * scale.reshape(shape)).astype(np.float32)


def _check_sizes(model: onnx.ModelProto, inputs: Mapping[str, AnyArray]) -> None:
    """Refuse results that are known to be too large before they are made."""
    asked = onnx.ModelProto()
    asked.CopyFrom(model)
    del asked.graph.input[:]
    for name, array in inputs.items():
        kind = onnx.helper.np_dtype_to_tensor_dtype(array.dtype)
        asked.graph.input.append(onnx.helper.make_tensor_value_info(name, kind, array.shape))
        if array.size <= _FEW:
            asked.graph.initializer.append(onnx.numpy_helper.from_array(array, name))
    try:
        inferred = onnx.shape_inference.infer_shapes(asked, data_prop=True)
    except (RuntimeError, ValueError, onnx.shape_inference.InferenceError) as error:
        raise RefusalError(f"malformed: {' '.join(str(error).split())}") from error
    for output in inferred.graph.output:
        size = prod(max(1, dimension.dim_value) for dimension in output.type.tensor_type.shape.dim)
        if size > LARGEST:
            raise RefusalError(f"its result '{output.name}' would have {size} elements; at most {LARGEST} are computed")


def shape_of_activation(node: onnx.NodeProto, shape: Shape, frames: int) -> AnyArray:
    """What the Shape or Size ``node`` says of an activation: the frames count as ``frames``."""
    known = np.array([frames if size == FRAMES else size for size in shape], np.int64)
    if node.op_type == "Size":
        return np.array(known.prod(), np.int64)
    limits = {attribute.name: attribute.i for attribute in node.attribute}
    return known[limits.get("start", 0) : limits.get("end", len(known))]
