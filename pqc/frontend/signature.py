"""What a graph declares: its inputs and its initializers."""

from __future__ import annotations

from dataclasses import dataclass

import onnx
import onnx.numpy_helper

from pqc.errors import ModelError
from pqc.frontend.loader import LoadedModel
from pqc.frontend.refused import refused
from pqc.frontend.remedies import FIXED_SIZES
from pqc.frontend.values import Constant
from pqc.numerics import shapes
from pqc.numerics.shapes import FRAMES, Shape, ShapeError
from pqc.problems import INPUT, NodeProblem

_FLOAT = "convert or normalize in front of the network, and export it with float32 inputs"

_DIMENSIONS = "give every frame 1 to 8 dimensions: [frames, 1] for single numbers"

_SMALLER = "export the network for smaller inputs"


@dataclass(frozen=True)
class ModelInput:
    """A float32 input whose first dimension is the frames."""

    name: str
    shape: Shape
    """Starts with ``FRAMES``."""
    frames: int
    """The number of frames the file declares; 1 where it leaves it open."""


def declared_inputs(loaded: LoadedModel) -> tuple[ModelInput | NodeProblem, ...]:
    """The graph's inputs, without those that only give an initializer a name, or what is wrong with them.

    Raises:
        ModelError: there is none.
    """
    graph = loaded.model.graph
    constants = {tensor.name for tensor in graph.initializer}
    declared = tuple(_input(entry) for entry in graph.input if entry.name not in constants)
    if not declared:
        raise ModelError(f"{loaded.path}: the graph has no inputs")
    frames = {entry.name: entry.frames for entry in declared if isinstance(entry, ModelInput)}
    if len(set(frames.values())) > 1:
        text = ", ".join(f"'{name}' {count}" for name, count in frames.items())
        raise ModelError(f"{loaded.path}: the inputs differ in their first dimension, the frames: {text}")
    return declared


def model_inputs(loaded: LoadedModel) -> tuple[ModelInput, ...]:
    """The graph's inputs, without those that only give an initializer a name.

    Raises:
        ModelError: there is none, one is not float32, has no dimension behind the frames, or leaves open any but
            the first, or two declare different numbers of frames.
    """
    declared = declared_inputs(loaded)
    problems = [entry for entry in declared if isinstance(entry, NodeProblem)]
    if problems:
        raise refused(loaded.path, problems)
    return tuple(entry for entry in declared if isinstance(entry, ModelInput))


def _input(entry: onnx.ValueInfoProto) -> ModelInput | NodeProblem:
    kind = entry.type.tensor_type
    if not entry.type.HasField("tensor_type") or kind.elem_type != onnx.TensorProto.FLOAT:
        return _problem(entry, f"is {_element(entry)}; only float32 tensors are supported", _FLOAT)
    if not kind.HasField("shape") or not kind.shape.dim:
        found = "has no shape; [frames, channels, height, width] or [frames, features] is wanted"
        return _problem(entry, found, FIXED_SIZES)
    first, *rest = kind.shape.dim
    for place, size in enumerate(rest, start=1):
        if not size.HasField("dim_value") or size.dim_value < 1:
            found = f"leaves dimension {place} ('{size.dim_param or '?'}') open; only the first, the frames, may be"
            return _problem(entry, found, FIXED_SIZES)
    try:
        shape = shapes.framed((FRAMES, *(size.dim_value for size in rest)))
    except ShapeError as error:
        return _problem(entry, str(error), _SMALLER if 1 <= len(rest) < shapes.MOST_DIMENSIONS else _DIMENSIONS)
    return ModelInput(entry.name, shape, max(1, first.dim_value))


def _problem(entry: onnx.ValueInfoProto, found: str, remedy: str) -> NodeProblem:
    return NodeProblem(entry.name, INPUT, found, remedy=remedy)


def _element(entry: onnx.ValueInfoProto) -> str:
    if not entry.type.HasField("tensor_type"):
        return f"a {entry.type.WhichOneof('value') or 'value without a type'}"
    kind = entry.type.tensor_type.elem_type
    names = onnx.TensorProto.DataType.items()
    return next((name.lower() for name, value in names if value == kind), f"of the unknown element type {kind}")


def initializers(loaded: LoadedModel) -> dict[str, Constant]:
    """The graph's initializers by name.

    Raises:
        ModelError: one is malformed, or there are sparse ones.
    """
    graph = loaded.model.graph
    if graph.sparse_initializer:
        raise ModelError(f"{loaded.path}: sparse initializers are not supported; export the model with dense ones")
    return {tensor.name: Constant(_array(loaded, tensor), tensor.name) for tensor in graph.initializer}


def _array(loaded: LoadedModel, tensor: onnx.TensorProto):
    try:
        return onnx.numpy_helper.to_array(tensor)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{loaded.path}: the initializer '{tensor.name}' is malformed: {error}") from error
