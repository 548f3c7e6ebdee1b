"""What a graph declares: its inputs and its initializers."""

from __future__ import annotations

from dataclasses import dataclass

import onnx
import onnx.helper
import onnx.numpy_helper

from pqc.errors import ModelError
from pqc.frontend.loader import LoadedModel
from pqc.frontend.values import Constant
from pqc.numerics import shapes
from pqc.numerics.shapes import FRAMES, Shape, ShapeError


@dataclass(frozen=True)
class ModelInput:
    """A float32 input whose first dimension is the frames."""

    name: str
    shape: Shape
    """Starts with ``FRAMES``."""
    frames: int
    """The number of frames the file declares; 1 where it leaves it open."""


def model_inputs(loaded: LoadedModel) -> tuple[ModelInput, ...]:
    """The graph's inputs, without those that only give an initializer a name.

    Raises:
        ModelError: there is none, one is not float32, has not 2 or 4 dimensions, or leaves open any but the first,
            or two declare different numbers of frames.
    """
    graph = loaded.model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = tuple(_input(loaded, entry) for entry in graph.input if entry.name not in constants)
    if not inputs:
        raise ModelError(f"{loaded.path}: the graph has no inputs")
    if len({entry.frames for entry in inputs}) > 1:
        declared = ", ".join(f"'{entry.name}' {entry.frames}" for entry in inputs)
        raise ModelError(f"{loaded.path}: the inputs differ in their first dimension, the frames: {declared}")
    return inputs


def _input(loaded: LoadedModel, entry: onnx.ValueInfoProto) -> ModelInput:
    where = f"{loaded.path}: input '{entry.name}'"
    kind = entry.type.tensor_type
    if not entry.type.HasField("tensor_type") or kind.elem_type != onnx.TensorProto.FLOAT:
        raise ModelError(f"{where} is {_element(entry)}; only float32 tensors are supported")
    if not kind.HasField("shape") or not kind.shape.dim:
        raise ModelError(f"{where} has no shape; [frames, channels, height, width] or [frames, features] is wanted")
    first, *rest = kind.shape.dim
    for place, size in enumerate(rest, start=1):
        if not size.HasField("dim_value") or size.dim_value < 1:
            raise ModelError(
                f"{where} leaves dimension {place} ('{size.dim_param or '?'}') open; only the first, the frames, "
                "may be: export the model with a fixed size"
            )
    try:
        shape = shapes.activation((FRAMES, *(size.dim_value for size in rest)))
    except ShapeError as error:
        raise ModelError(f"{where}: {error}") from error
    return ModelInput(entry.name, shape, max(1, first.dim_value))


def _element(entry: onnx.ValueInfoProto) -> str:
    if not entry.type.HasField("tensor_type"):
        return f"a {entry.type.WhichOneof('value') or 'value without a type'}"
    return onnx.helper.tensor_dtype_to_string(entry.type.tensor_type.elem_type).removeprefix("TensorProto.").lower()


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
