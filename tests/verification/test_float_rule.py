"""The imported network against onnxruntime: to the last bits, or close to it where the model itself rounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from support.network import residual_network
from support.onnx_models import save
from support.qdq import quantized

from pqc.frontend import import_model
from pqc.verification.execution import executed
from pqc.verification.float_rule import as_the_runtime_says


def test_a_float_model_is_compared_element_by_element(tmp_path: Path) -> None:
    network = residual_network()
    path = save(network.proto, tmp_path)
    finding = as_the_runtime_says(path, executed(import_model(path).module, list(network.data(8).values())))
    assert finding.rule.startswith("onnxruntime, equal to")
    assert finding.failure is None


def test_a_quantized_model_is_compared_on_the_mean(tmp_path: Path) -> None:
    network = residual_network()
    frames = network.data(64)
    path = quantized(save(network.proto, tmp_path), frames, tmp_path / "quantized.onnx")
    imported = executed(import_model(path).module, list(frames.values()))
    finding = as_the_runtime_says(path, imported)
    assert finding.rule == "onnxruntime, on the mean within 0.05 of the largest"
    assert finding.failure is None
    assert 0 < finding.worst < 0.05

    failure = as_the_runtime_says(path, replace(imported, inputs=[-array for array in frames.values()])).failure
    assert failure is not None
    assert failure.sentence.startswith("output 'output0' is 0.")
