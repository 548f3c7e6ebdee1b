"""Whole compilations, for tests from a model file to a program's outputs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from pqc.api import CompileRequest, compile_model
from pqc.interpreter.machine import Machine
from pqc.interpreter.reference import dequantize_outputs, names_of, quantize_inputs, run_reference
from pqc.isa.program import Program
from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.passes.attributes import set_target
from pqc.passes.pipeline import pipeline_names
from pqc.passes.text import load_module, save_module
from pqc.planning.target import load_target

QUANTIZED = pipeline_names().index("quantize") + 1
"""The number of the first dump whose network computes in integers."""


def level(dump: Path) -> int:
    """The number in a dump's name."""
    return int(dump.name[:2])


@dataclass(frozen=True)
class Compiled:
    """A program and the dumps of its compilation."""

    program: Program
    folder: Path

    @cached_property
    def machine(self) -> Machine:
        """The machine, made from the bytes of the program file."""
        return Machine(Program.from_bytes(self.program.to_bytes(), "compiled.bin"))

    @property
    def dumps(self) -> list[Path]:
        """All dumps, in the order of the passes."""
        return sorted(self.folder.glob("*.mlir"))

    def module(self, number: int) -> ModuleOp:
        """The dump with this number."""
        (found,) = [dump for dump in self.dumps if level(dump) == number]
        return load_module(found)

    @cached_property
    def quantized(self) -> ModuleOp:
        """The network at the quantized level."""
        return self.module(QUANTIZED)

    def integers(self, images: FloatArray) -> dict[str, IntArray]:
        """Images, as the network takes them, on the grid of the only input."""
        (integers,) = quantize_inputs(self.quantized, [images])
        return {self.program.inputs[0].name: integers}

    def run(self, images: FloatArray) -> IntArray:
        """What the machine gives for the only output."""
        return self.machine.run(self.integers(images))[self.program.outputs[0].name]

    def reference(self, images: FloatArray) -> IntArray:
        """What the reference interpreter gives at the quantized level."""
        return run_reference(self.quantized, list(self.integers(images).values()))[0]

    def accuracy(self, images: FloatArray, labels: IntArray) -> float:
        """The machine's share of images with the right class."""
        return float((self.run(images).argmax(axis=1) == labels).mean())


def compile_dumped(request: CompileRequest) -> Compiled:
    """Compile what ``request`` asks for, which says where its dumps go."""
    assert request.dump_ir is not None
    return Compiled(compile_model(request).program, request.dump_ir)


def for_other_target(compiled: Compiled, target: str, folder: Path) -> Compiled:
    """The same quantized network for another target, lowered from its dump, which is all that ``folder`` gets."""
    module = compiled.module(QUANTIZED)
    set_target(module, load_target(target))
    retargeted = folder / f"{QUANTIZED:02d}-quantize.mlir"
    save_module(module, retargeted, "")
    return Compiled(compile_model(CompileRequest(retargeted, None)).program, folder)


def float_outputs(module: ModuleOp, images: FloatArray) -> AnyArray:
    """The only output of a module at any level above the accelerator's, as real numbers."""
    names_of(module, "pqc.outputs")
    outputs = run_reference(module, quantize_inputs(module, [images]))
    return np.asarray(dequantize_outputs(module, outputs)[0])
