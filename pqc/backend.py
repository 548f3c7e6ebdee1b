"""The float level as a backend of ONNX: ``pqc.backend.prepare(model).run(inputs)``.

It computes with real numbers what an imported network says, before anything is quantized; ONNX's own tests run on it.
With ``level="quantized"`` it computes with integers, as the accelerator will: without product quantization, on grids of
8 bits (16 for outputs) that hold what occurs in the frames of the very run.

ONNX's tests hand over weights, axes and bounds as inputs of the graph. pqc demands that these are constants. So an
input that is read only where pqc demands a constant becomes one: ``run`` puts its value into the model, and imports
the model with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, cast

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
from onnx.backend.base import Backend, BackendRep, namedtupledict

from pqc.errors import ModelError
from pqc.frontend.importer import ImportedModel, import_loaded
from pqc.frontend.loader import DOMAINS, loaded_from_memory
from pqc.interpreter.reference import boundary_types, run_reference
from pqc.numerics.arrays import AnyArray
from pqc.numerics.functions import FUNCTIONS
from pqc.quantized_execution import run_quantized

__all__ = [
    "CONSTANT_OPERANDS",
    "ELEMENTWISE",
    "PqcBackend",
    "PqcModel",
    "prepare",
    "run_model",
    "run_node",
    "supports_device",
]

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


FLOAT = "float"

LEVELS = (FLOAT, "quantized")
"""What a model may be executed as: real numbers, or the integers of the accelerator."""


class PqcModel(BackendRep):
    """A model that is ready to run; one whose weights are inputs is imported anew by each run."""

    def __init__(self, model: onnx.ModelProto, level: str = FLOAT) -> None:
        self._model = model
        self._level = level
        given = {tensor.name for tensor in model.graph.initializer}
        self._inputs = [entry.name for entry in model.graph.input if entry.name not in given]
        self._bound = _constant_inputs(model.graph).intersection(self._inputs)
        self._shape = _shape_of_elements(model.graph, self._bound)
        if self._shape is not None:
            self._model = _as_one_frame(model, self._bound, prod(self._shape))
        self._imported = None if self._bound else _import(self._model)

    def run(self, inputs: Any, **kwargs: Any) -> tuple[AnyArray, ...]:
        """The outputs of the graph, in its order, which may also be asked for by name.

        Args:
            inputs: one array for each input of the graph that is no initializer: a sequence in the graph's order, a
                mapping by name, or one array for the only input. The first dimension of what is no constant, the
                frames, may have any size.
            kwargs: taken as ONNX's interface has it; there are no options.

        Raises:
            ModelError: the model cannot be imported with these constants, an option is given, or an input is
                missing, too many, not float32, or of another shape.
        """
        _no_options(kwargs)
        arrays = _named("the model", self._inputs, inputs)
        if self._shape is not None:
            arrays = self._framed(arrays)
        imported = self._imported or _import(_with_constants(self._model, self._bound, arrays))
        kinds, _ = boundary_types(imported.module)
        frames = [_checked(name, arrays[name], kind) for name, kind in zip(imported.input_names, kinds, strict=True)]
        if len({len(array) for array in frames}) > 1:
            counts = ", ".join(f"'{n}' {len(a)}" for n, a in zip(imported.input_names, frames, strict=True))
            raise ModelError(f"the inputs differ in their first dimension, the frames: {counts}")
        results = run_reference(imported.module, frames) if self._level == FLOAT else run_quantized(imported, frames)
        if self._shape is not None:
            results = [result.reshape(self._shape) for result in results]
        return namedtupledict("Outputs", list(imported.output_names))(*results)

    def _framed(self, arrays: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """The arrays with each that is no constant as one frame of features."""
        for name in set(arrays) - self._bound:
            if arrays[name].shape != self._shape:
                raise ModelError(f"input '{name}': an array {list(arrays[name].shape)}, allowed is {self._shape}")
        return {name: array if name in self._bound else array.reshape(1, -1) for name, array in arrays.items()}


class PqcBackend(Backend):
    """pqc as ``onnx.backend.base.Backend`` describes it."""

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """Whether models run on ``device``: on ``CPU``, with or without a number behind a colon."""
        return device.partition(":")[0] == "CPU"

    @classmethod
    def is_compatible(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether :meth:`prepare` takes ``model``; one whose weights are inputs may be refused later, by its run."""
        try:
            cls.prepare(model, device, **kwargs)
        except ModelError:
            return False
        return True

    @classmethod
    def prepare(cls, model: onnx.ModelProto, device: str = "CPU", **kwargs: Any) -> PqcModel:
        """Import ``model``, or keep it for :meth:`PqcModel.run` where inputs of it must become constants.

        Args:
            model: the model.
            device: ``CPU``.
            kwargs: ``level``, ``float`` where it is left out, or ``quantized``.

        Raises:
            ModelError: the device or the level is not supported, another option is given, or the model cannot be
                imported.
        """
        level = str(kwargs.pop("level", FLOAT))
        _no_options(kwargs)
        if level not in LEVELS:
            raise ModelError(f"level '{level}' is not supported, allowed are {_listed(LEVELS)}")
        if not cls.supports_device(device):
            raise ModelError(f"device '{device}' is not supported; only CPU is")
        return PqcModel(model, level)

    @classmethod
    def run_model(cls, model: onnx.ModelProto, inputs: Any, device: str = "CPU", **kwargs: Any) -> tuple[AnyArray, ...]:
        """Prepare ``model`` and run it once; see :meth:`PqcModel.run`."""
        return cls.prepare(model, device, **kwargs).run(inputs)

    @classmethod
    def run_node(
        cls,
        node: onnx.NodeProto,
        inputs: Any,
        device: str = "CPU",
        outputs_info: Sequence[tuple[np.dtype[Any], tuple[int, ...]]] | None = None,
        **kwargs: Any,
    ) -> tuple[AnyArray, ...]:
        """Run one node on ``inputs``, one array for each input that it names.

        Args:
            node: the node.
            inputs: a sequence in the node's order, or a mapping by name.
            device: see :meth:`prepare`.
            outputs_info: not looked at; the results say their types and shapes.
            kwargs: ``opset_version``, the newest that the package onnx knows where it is left out.

        Raises:
            ModelError: as for :meth:`run_model`.
        """
        del outputs_info
        opset = int(kwargs.pop("opset_version", onnx.defs.onnx_opset_version()))
        names = list(dict.fromkeys(name for name in node.input if name))
        arrays = _named("the node", names, inputs)
        taken = [_declared(name, array) for name, array in arrays.items()]
        outputs = [onnx.helper.make_empty_tensor_value_info(name) for name in node.output if name]
        graph = onnx.helper.make_graph([node], "node", taken, outputs)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
        return cls.run_model(model, arrays, device, **kwargs)


prepare = PqcBackend.prepare
run_model = PqcBackend.run_model
run_node = PqcBackend.run_node
supports_device = PqcBackend.supports_device


def _named(taker: str, names: Sequence[str], inputs: Any) -> dict[str, AnyArray]:
    """The arrays given to ``taker``, by the ``names`` of its inputs and in their order."""
    if isinstance(inputs, Mapping):
        given = cast("Mapping[str, Any]", inputs)
        if set(given) != set(names):
            raise ModelError(f"arrays for {_listed(given)} are given, {taker} takes {_listed(names)}")
        return {name: np.asarray(given[name]) for name in names}
    listed: list[Any] = [inputs] if isinstance(inputs, np.ndarray) else list(inputs)
    if len(listed) != len(names):
        raise ModelError(f"{len(listed)} arrays are given, {taker} takes {_listed(names)}")
    return {name: np.asarray(array) for name, array in zip(names, listed, strict=True)}


def _constant_inputs(graph: onnx.GraphProto) -> set[str]:
    """What nodes read, and only where it must be constant."""
    constant: set[str] = set()
    free: set[str] = {output.name for output in graph.output}
    for node in graph.node:
        places = CONSTANT_OPERANDS.get(node.op_type, frozenset()) if node.domain in DOMAINS else frozenset[int]()
        for place, name in enumerate(node.input):
            (constant if place in places else free).add(name)
    return constant - free


def _shape_of_elements(graph: onnx.GraphProto, bound: set[str]) -> tuple[int, ...] | None:
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


def _as_one_frame(model: onnx.ModelProto, bound: set[str], features: int) -> onnx.ModelProto:
    """A copy of ``model`` whose inputs are one frame of ``features``, all but those that are ``bound``."""
    framed = onnx.ModelProto()
    framed.CopyFrom(model)
    for entry in framed.graph.input:
        if entry.name not in bound:
            kind = onnx.helper.make_tensor_type_proto(entry.type.tensor_type.elem_type, (1, features))
            entry.type.CopyFrom(kind)
    return framed


def _with_constants(model: onnx.ModelProto, names: set[str], arrays: Mapping[str, AnyArray]) -> onnx.ModelProto:
    """A copy of ``model`` in which ``names`` are initializers instead of inputs."""
    bound = onnx.ModelProto()
    bound.CopyFrom(model)
    kept = [entry for entry in bound.graph.input if entry.name not in names]
    del bound.graph.input[:]
    bound.graph.input.extend(kept)
    bound.graph.initializer.extend(onnx.numpy_helper.from_array(arrays[name], name) for name in sorted(names))
    return bound


def _import(model: onnx.ModelProto) -> ImportedModel:
    digest = hashlib.sha256(model.SerializeToString(deterministic=True)).hexdigest()
    return import_loaded(loaded_from_memory(model, digest))


def _checked(name: str, array: AnyArray, kind: Any) -> AnyArray:
    wanted: tuple[int, ...] = kind.get_shape()
    if array.dtype != np.float32:
        raise ModelError(f"input '{name}' is {array.dtype}; float32 is wanted")
    if array.ndim != len(wanted) or array.shape[1:] != wanted[1:] or len(array) == 0:
        raise ModelError(f"input '{name}': an array {list(array.shape)}, allowed is [n, {str(wanted[1:])[1:-1]}]")
    return array


def _declared(name: str, array: AnyArray) -> onnx.ValueInfoProto:
    return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)


def _listed(names: Any) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"


def _no_options(options: Mapping[str, Any]) -> None:
    if options:
        raise ModelError(f"there is no option {_listed(options)}; the float level has none")
