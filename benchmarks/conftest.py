"""Fixtures shared by all benchmarks: ResNet-20, compiled once, and images to run it on."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.compiled import Compiled, compile_dumped
from support.shared import shared
from timing import Benchmark, Say

from pqc.api import CompileRequest
from pqc.data import load_dataset
from pqc.frontend import import_model
from pqc.numerics.arrays import FloatArray
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target

__all__ = ["shared"]

CALIBRATION_IMAGES = 32
IMAGES = 256


def _images(data: Path, dataset: str, count: int) -> FloatArray:
    """The first images of a data set as the network takes them."""
    preprocessing = import_model(data / "resnet20.onnx").preprocessing
    return load_dataset(data / dataset, {"input": (3, 32, 32)}, count).prepare(preprocessing)["input"]


@pytest.fixture(scope="session")
def resnet20(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """ResNet-20 with 16 prototypes of length 9; fitted on few images, because accuracy plays no part here."""
    calibration = _images(shared / "data", "cifar10_calibration.npz", CALIBRATION_IMAGES)
    return compile_dumped(
        CompileRequest(
            shared / "data" / "resnet20.onnx",
            load_target("pqa"),
            PqOptions(prototypes=16, length=9),
            {"input": calibration},
            dump_ir=tmp_path_factory.mktemp("resnet20"),
        )
    )


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], benchmark: Benchmark) -> Say:
    return Say(capsys, benchmark)


@pytest.fixture(scope="session")
def images(shared: Path) -> FloatArray:
    return _images(shared / "data", "cifar10_test.npz", IMAGES)
