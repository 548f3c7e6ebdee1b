"""Small ONNX models written by hand, for tests of the importer."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper

from pqc.dialects.onnx_base import FloatOp
from pqc.frontend import ImportedModel, import_model
from pqc.interpreter.reference import run_reference
from pqc.numerics.arrays import AnyArray

FloatShape = Sequence[int | str | None]
IMAGE: Mapping[str, FloatShape] = {"x": ("N", 4, 6, 5)}


def node(
    kind: str, inputs: Sequence[str] = ("x",), outputs: Sequence[str] = ("y",), **attributes: Any
) -> onnx.NodeProto:
    """A node named as its type; ``name`` gives it another name, ``domain`` another domain."""
    return onnx.helper.make_node(kind, list(inputs), list(outputs), **{"name": kind.lower(), **attributes})


def model(
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, AnyArray] | None = None,
    inputs: Mapping[str, FloatShape] = IMAGE,
    outputs: Sequence[str] = ("y",),
    opset: int = 13,
) -> onnx.ModelProto:
    """A model from ``inputs`` to ``outputs`` whose initializers are ``constants``."""
    taken = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    given = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in outputs]
    kept = [onnx.numpy_helper.from_array(array, name) for name, array in (constants or {}).items()]
    graph = onnx.helper.make_graph(list(nodes), "test", taken, given, kept)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)], ir_version=8)


def save(proto: onnx.ModelProto, folder: Path) -> Path:
    """Write ``proto`` to ``folder``."""
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def float_ops(imported: ImportedModel) -> list[FloatOp]:
    """The operations of the function, without constants and return."""
    return [op for op in imported.module.walk() if isinstance(op, FloatOp)]


def op_names(imported: ImportedModel) -> list[str]:
    """Their names without ``onnx.``."""
    return [op.name.removeprefix("onnx.") for op in float_ops(imported)]


def random_inputs(imported: ImportedModel, path: Path, frames: int) -> list[AnyArray]:
    """Normally distributed inputs for the model at ``path``."""
    random = np.random.default_rng(7)
    declared = {
        entry.name: entry.type.tensor_type.shape.dim
        for entry in onnx.load_model_from_string(path.read_bytes()).graph.input
    }
    shapes = [[size.dim_value for size in declared[name]][1:] for name in imported.input_names]
    return [random.normal(size=(frames, *shape)).astype(np.float32) for shape in shapes]


def import_and_compare(path: Path, frames: int = 3, tolerance: float = 1e-5) -> ImportedModel:
    """Import the model at ``path`` and require that it computes what onnxruntime does."""
    imported = import_model(path)
    inputs = random_inputs(imported, path, frames)
    session: Any = importlib.import_module("onnxruntime").InferenceSession(
        str(path), providers=["CPUExecutionProvider"]
    )
    expected = session.run(list(imported.output_names), dict(zip(imported.input_names, inputs, strict=True)))
    for found, wanted in zip(run_reference(imported.module, inputs), expected, strict=True):
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=tolerance * np.nanmax(np.abs(wanted)))
    return imported
