"""Models that onnxruntime quantized, compiled without calibration: the same classes as in onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.network import residual_network
from support.onnx_models import save
from support.qdq import quantized

import pqc
from pqc.numerics.arrays import FloatArray
from pqc.report.float_model import FloatModel

FORMS: dict[str, dict[str, Any]] = {
    "unsigned": {},
    "unsigned, weights by output": {"per_channel": True},
    "signed, zero points 0": {"activations": "QInt8", "symmetric": True, "per_channel": True},
    "16 bits": {"activations": "QInt16", "symmetric": True},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_a_small_network_gives_the_same_classes(form: dict[str, Any], tmp_path: Path) -> None:
    network = residual_network()
    frames = network.data(200)
    path = quantized(save(network.proto, tmp_path), frames, tmp_path / "quantized.onnx", **form)
    program = pqc.compile(path)
    assert program.contents.provenance["calibration"] == "none"
    found, wanted = program.run(frames)["output0"], FloatModel(path).run(frames)["output0"]
    assert agreement(found, wanted) >= 0.95
    assert np.abs(found - wanted).mean() <= 2 * program.contents.outputs[0].scale


def agreement(found: FloatArray, wanted: FloatArray) -> float:
    return float((found.argmax(axis=1) == wanted.argmax(axis=1)).mean())


@pytest.mark.slow
def test_resnet8_gives_the_same_classes(shared: Path, tmp_path: Path) -> None:
    frames = np.load(shared / "data/cifar10_calibration.npz")["images"][:232].astype(np.float32)
    path = tmp_path / "resnet8.onnx"
    quantized(shared / "data/mlperf_resnet8_cifar10.onnx", {"input": frames[:32]}, path, per_channel=True)
    program = pqc.compile(path)
    found = program.run({"input": frames[32:]})["logits"]
    assert agreement(found, FloatModel(path).run({"input": frames[32:]})["logits"]) >= 0.95
