"""Every dump of real networks is a place to go on from: the program has the same bytes, whichever it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import pqc

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits"
OPTIONS = ("--prototypes", "16", "--length", "9", "--images", "8", "--tune", "0")


def check_every_dump(model: Path, calibration: Path, folder: Path) -> None:
    """Compile once, and again behind each pass that left a dump.

    What is fitted is fitted once: the cache finds it only for what has the same digest.
    """
    ir, whole, again, cache = folder / "ir", folder / "whole.bin", folder / "again.bin", ("--cache", folder / "cache")
    done = pqc("compile", model, "--calibrate", calibration, *OPTIONS, *cache, "--dump-ir", ir, "-o", whole)
    assert done.code == 0, done.talk
    dumps = sorted(ir.glob("*.mlir"))
    assert len(dumps) > 8
    for dump in dumps:
        done = pqc("compile", ir, "--from", dump.stem[3:], *cache, "-o", again)
        assert done.code == 0, done.talk
        assert done.talk.count("\n") == 1, "there is a dump, so that none is taken in its place"
        assert again.read_bytes() == whole.read_bytes(), dump.name


def test_digits(tmp_path: Path) -> None:
    subprocess.run([sys.executable, EXAMPLE / "data.py", tmp_path], check=True)
    check_every_dump(EXAMPLE / "digits.onnx", tmp_path / "calibration.npz", tmp_path)


def test_resnet20(shared: Path, tmp_path: Path) -> None:
    check_every_dump(shared / "data" / "resnet20.onnx", shared / "data" / "cifar10_calibration.npz", tmp_path)
