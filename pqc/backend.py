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
from onnx.backend.base import Backend, BackendRep, namedtupledict

from pqc.errors import ModelError
from pqc.frontend.constant_inputs import as_one_frame, constant_inputs, shape_of_elements, with_constants
from pqc.frontend.importer import ImportedModel, import_loaded
from pqc.frontend.loader import loaded_from_memory
from pqc.interpreter.reference import boundary_types, run_reference
from pqc.numerics.arrays import AnyArray
from pqc.quantized_execution import run_quantized

__all__ = [
    "PqcBackend",
    "PqcModel",
    "prepare",
    "run_model",
    "run_node",
    "supports_device",
]

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
        self._bound = constant_inputs(model.graph).intersection(self._inputs)
        self._shape = shape_of_elements(model.graph, self._bound)
        if self._shape is not None:
            self._model = as_one_frame(model, self._bound, prod(self._shape))
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
        imported = self._imported or _import(with_constants(self._model, self._bound, arrays))
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
        _no_options(kwargs, "'level'")
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


def _no_options(options: Mapping[str, Any], allowed: str = "none") -> None:
    if options:
        raise ModelError(f"there is no option {_listed(options)}, allowed is {allowed}")
