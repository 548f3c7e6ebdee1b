"""What ONNX knows of the results of nodes that are refused, so that the nodes behind them can be checked as well."""

from __future__ import annotations

from functools import cached_property
from math import prod

import onnx
import onnx.checker
import onnx.helper
import onnx.shape_inference

from pqc.frontend.loader import LoadedModel
from pqc.numerics.shapes import FRAMES, Shape

SMALL = 4096
"""Elements of a constant whose values are shown to the inference: shapes, axes and repeats, no weights."""

LARGEST = 1 << 30
"""Bytes of a graph that is inferred at all: protobuf holds no message of 2 GiB."""


class InferredShapes:
    """Shapes of float tensors and element types of all, by ONNX name; inferred when the first one is asked for."""

    def __init__(self, loaded: LoadedModel, frames: int) -> None:
        """Remember what to infer.

        Args:
            loaded: the model.
            frames: what is taken for the number of frames.
        """
        self._model = loaded.model
        self._frames = frames

    def shape(self, name: str) -> Shape | None:
        """The shape of a float32 tensor with the frames in front, None where it is none or not known."""
        kind = self._kinds.get(name)
        return None if kind is None else self._shape(kind)

    def element_type(self, name: str) -> int:
        """The element type of a tensor as ONNX numbers them, 0 where it is not known."""
        kind = self._kinds.get(name)
        return 0 if kind is None else kind.tensor_type.elem_type

    @cached_property
    def _kinds(self) -> dict[str, onnx.TypeProto]:
        bare = _without_weights(self._model, self._frames)
        if bare.ByteSize() > LARGEST:
            return {}
        try:
            graph = onnx.shape_inference.infer_shapes(bare, data_prop=True).graph
        except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError, RuntimeError, ValueError):
            # the model is malformed: the nodes that are say so themselves, and what hangs on them stays unknown
            return {}
        return {entry.name: entry.type for entry in (*graph.value_info, *graph.output)}

    def _shape(self, kind: onnx.TypeProto) -> Shape | None:
        tensor = kind.tensor_type
        if tensor.elem_type != onnx.TensorProto.FLOAT or len(tensor.shape.dim) < 2:
            return None
        sizes = [size.dim_value if size.HasField("dim_value") else 0 for size in tensor.shape.dim]
        if sizes[0] != self._frames or min(sizes) < 1:
            return None
        return (FRAMES, *sizes[1:])


def _without_weights(model: onnx.ModelProto, frames: int) -> onnx.ModelProto:
    """A model of the same graph, for ``frames`` frames, that names its large constants as inputs."""
    graph, bare = model.graph, onnx.ModelProto()
    bare.ir_version = model.ir_version
    bare.opset_import.extend(model.opset_import)
    bare.functions.extend(model.functions)
    bare.graph.name = graph.name or "graph"
    bare.graph.node.extend(graph.node)
    bare.graph.output.extend(onnx.helper.make_empty_tensor_value_info(entry.name) for entry in graph.output)
    constants = {tensor.name for tensor in graph.initializer}
    for entry in graph.input:
        if entry.name not in constants:
            bare.graph.input.append(entry)
            _fix_frames(bare.graph.input[-1], frames)
    for tensor in graph.initializer:
        if prod(tensor.dims) <= SMALL:
            bare.graph.initializer.append(tensor)
        else:
            bare.graph.input.append(onnx.helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))
    return bare


def _fix_frames(entry: onnx.ValueInfoProto, frames: int) -> None:
    sizes = entry.type.tensor_type.shape.dim
    if entry.type.HasField("tensor_type") and sizes:
        sizes[0].dim_value = frames
