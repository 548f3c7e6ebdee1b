"""The networks of MLPerf Tiny in 8 bits, nothing product-quantized, classify as the float networks in onnxruntime."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from photographs import photograph_pieces
from support.command_line import pqc

from pqc.data import read_arrays
from pqc.numerics.arrays import AnyArray

pytestmark = pytest.mark.e2e

AGREEMENT = 0.98
"""Of the inputs, at least."""


def agreement(model: Path, calibration: AnyArray, tested: AnyArray, folder: Path) -> float:
    """The share of ``tested`` that the machine and onnxruntime give the same class."""
    for name, images in {"calibration": calibration, "tested": tested}.items():
        np.savez(folder / f"{name}.npz", images=images)
    program = folder / "program.bin"
    options = ("--calibrate", folder / "calibration.npz", "--exclude", "*", "-o", program)
    result = pqc("compile", model, *options)
    assert result.code == 0, result.talk
    result = pqc("run", program, "--input", folder / "tested.npz", "--against", model, "--json")
    assert result.code == 0, result.talk
    (output,) = json.loads(result.text)["against"]["outputs"].values()
    return float(output["agreement"])


@pytest.mark.parametrize("calibrated", [0, 1])
def test_keyword_spotting(shared: Path, calibrated: int, tmp_path: Path) -> None:
    samples = read_arrays(shared / "data" / "kws_mfcc.npz")["images"]
    halves = np.split(samples, 2)
    model = shared / "data" / "mlperf_dscnn_kws.onnx"
    assert agreement(model, halves[calibrated], halves[1 - calibrated], tmp_path) >= AGREEMENT


def test_visual_wake_words(shared: Path, tmp_path: Path) -> None:
    # pieces of photographs: there is no data set with persons at hand
    images = photograph_pieces(600, 96)
    model = shared / "data" / "mlperf_mobilenetv1_025_vww96.onnx"
    assert agreement(model, images[:100], images[100:], tmp_path) >= AGREEMENT


def test_image_classification(shared: Path, tmp_path: Path) -> None:
    data = shared / "data"
    calibration = read_arrays(data / "cifar10_calibration.npz")["images"][:512]
    tested = read_arrays(data / "cifar10_test.npz")["images"][:2000]
    assert agreement(data / "mlperf_resnet8_cifar10.onnx", calibration, tested, tmp_path) >= AGREEMENT
