"""The command line in this process: what it prints and the code it exits with."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

import numpy as np
import onnx
from support.onnx_models import model, node
from support.programs import PqLayer, pq_program

from pqc.cli.group import Settings
from pqc.cli.main import run
from pqc.interpreter.machine import Machine
from pqc.interpreter.selftest import digest, self_test_inputs
from pqc.isa.program import Program, SelfTest
from pqc.numerics.arrays import AnyArray


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    output: bytes
    talk: str

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.output.decode()


def pqc(*words: str | Path, stdin: bytes = b"") -> Result:
    """Execute one command line; both streams are captured."""
    output, talk = io.BytesIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        stdout = io.TextIOWrapper(output, encoding="utf-8", write_through=True)
        stack.enter_context(contextlib.redirect_stdout(stdout))
        stack.enter_context(contextlib.redirect_stderr(talk))
        stack.enter_context(mock.patch("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8")))
        code = run([str(word) for word in words], Settings())
        stdout.flush()
        return Result(code, output.getvalue(), talk.getvalue())


def with_self_test(program: Program, seed: int = 1, frames: int = 2) -> Program:
    """``program`` with the self-test that the machine itself passes."""
    outputs = Machine(program).run(self_test_inputs(program.inputs, seed, frames))
    return replace(program, self_test=SelfTest(seed, frames, digest(outputs)))


def classifier() -> Program:
    """Two product-quantized layers from 3 numbers to 5 classes, on images of one pixel."""
    rng = np.random.default_rng(0)
    return with_self_test(pq_program([PqLayer.random(rng, 3, 4, 1), PqLayer.random(rng, 4, 5, 1)]))


def small_network() -> onnx.ModelProto:
    """Two 3x3 convolutions, the second to be product-quantized, and a classifier; from [N, 3, 8, 8] to 5 classes."""
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> AnyArray:
        return (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)

    constants = {"w1": weights(4, 3, 3, 3), "w2": weights(6, 4, 3, 3), "w3": weights(5, 6)}
    nodes = [
        node("Conv", ["x", "w1"], ["a"], name="conv1", pads=[1, 1, 1, 1]),
        node("Relu", ["a"], ["b"], name="relu1"),
        node("Conv", ["b", "w2"], ["c"], name="conv2", pads=[1, 1, 1, 1]),
        node("Relu", ["c"], ["d"], name="relu2"),
        node("GlobalAveragePool", ["d"], ["e"], name="pool"),
        node("Flatten", ["e"], ["f"], name="flatten"),
        node("Gemm", ["f", "w3"], ["y"], name="fc", transB=1),
    ]
    return model(nodes, constants, {"x": ("N", 3, 8, 8)})


def write_inputs(path: Path, program: Program, frames: int = 6, **arrays: AnyArray) -> None:
    """Random uint8 images for the only input of ``program``; ``arrays`` are written too, or instead."""
    shape = program.inputs[0].shape
    images: AnyArray = np.random.default_rng(1).integers(0, 256, (frames, *shape)).astype(np.uint8)
    np.savez(path, allow_pickle=True, **{"images": images, **arrays})
