"""Models in the hands of others: what onnx says of them, and what onnxruntime computes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import onnx

from pqc.numerics.arrays import AnyArray, FloatArray


def check_onnx(model: onnx.ModelProto) -> None:
    """Everything that the package onnx can check of a model, shapes and functions included."""
    checker: Any = importlib.import_module("onnx.checker")
    checker.check_model(model, full_check=True)


def run_onnx(model: onnx.ModelProto, inputs: Mapping[str, AnyArray]) -> list[FloatArray]:
    """The outputs of a model, in order, as its own optimizations compute them."""
    runtime: Any = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    results: list[FloatArray] = session.run(None, dict(inputs))
    return results
