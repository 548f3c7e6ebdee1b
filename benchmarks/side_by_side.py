"""The machine beside onnxruntime: images a second of a program and of the float network, on the same two threads.

    python benchmarks/side_by_side.py [--shared FOLDER] [--rounds N] [--images N] [--lengths 9,3]

ResNet-20 is compiled by ``pqc compile`` with 16 prototypes, fitted on few images: speed does not depend on accuracy.
The two take turns, so that whatever else the computer does slows both down; medians are over pairs of turns. The
machine executes the bytes of the program file, with all its checks. ``PQC_KERNELS`` chooses its means of computing.
"""

from __future__ import annotations

import argparse
import importlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from timing import ROOT, pqc_process

from pqc.data import load_dataset
from pqc.frontend import import_model
from pqc.interpreter import machine as machine_module
from pqc.interpreter.machine import Machine
from pqc.isa.program import load_program
from pqc.numerics.arrays import FloatArray
from pqc.numerics.choice import in_words

onnxruntime: Any = importlib.import_module("onnxruntime")
"""It has no types."""

THREADS = 2
PROTOTYPES = 16
CALIBRATION_IMAGES = 32
WARM_UP = 2
"""Turns that are not counted: the machine compiles its kernels, both fill their caches."""


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compiled(data: Path, length: int, folder: Path) -> Path:
    """The program file of ResNet-20."""
    calibration, program = folder / "calibration.npz", folder / f"{PROTOTYPES}-{length}.bin"
    if not calibration.exists():
        with np.load(data / "cifar10_calibration.npz") as file:
            np.savez(calibration, images=file["images"][:CALIBRATION_IMAGES])
    options = ("--calibrate", calibration, "--prototypes", str(PROTOTYPES), "--length", str(length))
    pqc_process("compile", data / "resnet20.onnx", *options, "-o", program)
    return program


def float_network(model: Path) -> Callable[[FloatArray], object]:
    """The float network in onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})


def paired(rounds: int, first: Callable[[], object], second: Callable[[], object]) -> list[tuple[float, float]]:
    """Times of the two, taken in turns."""
    times = [(seconds(first), seconds(second)) for _ in range(WARM_UP + rounds)]
    return times[WARM_UP:]


@dataclass(frozen=True)
class Speeds:
    """Images a second, and the median of the ratios of paired turns."""

    length: int
    onnxruntime: float
    machine: float
    ratio: float


def held_out_images(data: Path, count: int) -> FloatArray:
    """The first test images as the network takes them."""
    images = load_dataset(data / "cifar10_test.npz", {"input": (3, 32, 32)}, count)
    return images.prepare(import_model(data / "resnet20.onnx").preprocessing)["input"]


def compare(data: Path, length: int, images: FloatArray, rounds: int) -> Speeds:
    """Both speeds, on two threads also where there are more processors."""
    machine_module.os.cpu_count = lambda: THREADS
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(load_program(compiled(data, length, Path(folder))))
    network = float_network(data / "resnet20.onnx")
    (tensor,) = machine.program.inputs
    integers = {tensor.name: tensor.element.quantize(images, tensor.scale)}
    times = paired(rounds, lambda: network(images), lambda: machine.run(integers))
    float_speed, machine_speed = (len(images) / statistics.median(column) for column in zip(*times, strict=True))
    ratio = statistics.median(first / second for first, second in times)
    return Speeds(length, float_speed, machine_speed, ratio)


def main() -> int:
    """Compare for each length."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path(os.environ.get("PQC_SHARED", ROOT.parent / "shared")))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=1024)
    parser.add_argument("--lengths", default="9,3")
    arguments = parser.parse_args()
    data: Path = arguments.shared / "data"
    images = held_out_images(data, arguments.images)
    print(f"images a second on {THREADS} threads, medians of {arguments.rounds} pairs; kernels: {in_words()}")
    for length in arguments.lengths.split(","):
        found = compare(data, int(length), images, arguments.rounds)
        print(
            f"{PROTOTYPES}/{length}  onnxruntime {found.onnxruntime:7.0f}  machine {found.machine:7.0f}  "
            f"ratio {found.ratio:.2f}"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
