"""ONNX models of parts of a graph: the nodes as they are, with what enters and leaves as inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import onnx
import onnx.helper
import onnx.numpy_helper

from pqc.errors import ModelError
from pqc.frontend.inferred_shapes import InferredShapes
from pqc.frontend.loader import LoadedModel
from pqc.frontend.node import values_read
from pqc.frontend.signature import ModelInput, declared_inputs
from pqc.frontend.values import Activation, Constant, ImportedValue
from pqc.isa.stages import MOST_FRAMES


class Submodels:
    """Makes models of parts of ``loaded``; ``values`` is what its import made of every value.

    Raises:
        ModelError: the model is made for too many frames at once.
    """

    def __init__(self, loaded: LoadedModel, values: Mapping[str, ImportedValue]) -> None:
        self._loaded = loaded
        self._values = values
        declared = [entry for entry in declared_inputs(loaded) if isinstance(entry, ModelInput)]
        self.inputs = tuple(entry.name for entry in declared)
        """The names of the inputs that are no initializers."""
        self.frames = declared[0].frames
        """How many frames the model is made for, 1 where it leaves that open."""
        if self.frames > MOST_FRAMES:
            raise ModelError(f"{loaded.path}: it is made for {self.frames} frames, the host takes up to {MOST_FRAMES}")
        self._entries = {entry.name: entry for entry in loaded.model.graph.input}
        self._inferred = InferredShapes(loaded, self.frames)
        sizes = self._entries[declared[0].name].type.tensor_type.shape.dim
        self._first = sizes[0].dim_value or sizes[0].dim_param or None

    def model(self, nodes: Sequence[onnx.NodeProto], inputs: Sequence[str], outputs: Sequence[str]) -> LoadedModel:
        """The model of ``nodes``; what they read and the import knows is an initializer."""
        whole, made = self._loaded.model, onnx.ModelProto()
        made.ir_version = whole.ir_version
        made.opset_import.extend(whole.opset_import)
        made.functions.extend(whole.functions)
        made.graph.name = whole.graph.name or "graph"
        made.graph.node.extend(nodes)
        made.graph.input.extend(self._declared(name) for name in inputs)
        made.graph.output.extend(self._declared(name) for name in outputs)
        for name in dict.fromkeys(name for node in nodes for name in values_read(node)):
            value = self._values.get(name)
            if isinstance(value, Constant):
                made.graph.initializer.append(onnx.numpy_helper.from_array(value.array, name))
        return replace(self._loaded, model=made)

    def _declared(self, name: str) -> onnx.ValueInfoProto:
        """What enters or leaves: as the graph declares it, or with the frames in front where its shape is known."""
        if name in self._entries:
            return self._entries[name]
        value = self._values.get(name)
        if not isinstance(value, Activation) or value.stored is not None:
            return self._typed(name)
        shape = [self._first, *value.shape[1:]]
        return onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    def _typed(self, name: str) -> onnx.ValueInfoProto:
        """A value of the element type that ONNX infers, of any shape."""
        kind = self._inferred.element_type(name) or onnx.TensorProto.FLOAT
        return onnx.helper.make_tensor_value_info(name, kind, None)
