"""Executing all stages: the machine takes the programs, the reference implementation of ONNX the graphs between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pqc.errors import ModelError, ProgramError
from pqc.frames import checked_frames
from pqc.interpreter.machine import Machine
from pqc.isa.program import Program
from pqc.isa.stages import Stage, StagedProgram
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.numerics.element import dequantize
from pqc.staging.host_graph import HostGraph, parse_host_model


@dataclass(frozen=True)
class StagedResults:
    """What came out, by name: real numbers, or whatever the host gives; ``raw`` integers for what the machine gives."""

    outputs: Mapping[str, AnyArray]
    raw: Mapping[str, IntArray]


class StagedMachine:
    """The stages of ``staged``, checked once, ready to run any number of frames.

    Raises:
        ProgramError: a program breaks a rule of the machine, or a graph is none; ``origin`` names the file.
        ModelError: a graph cannot be executed, or a target is none.
    """

    def __init__(self, staged: StagedProgram, origin: str) -> None:
        self.staged = staged
        self._origin = origin
        named = zip(staged.names, staged.stages, strict=True)
        self._ready = {name: self._prepared(stage, f"{origin}: stage {name}") for name, stage in named}

    @property
    def machines(self) -> dict[str, Machine]:
        """The machines of the accelerator's stages, by name."""
        return {name: ready for name, ready in self._ready.items() if isinstance(ready, Machine)}

    def run(self, inputs: Mapping[str, AnyArray]) -> StagedResults:
        """Execute all frames.

        Args:
            inputs: float32 [frames, *shape] by the names of the model's inputs, as the network takes them.

        Raises:
            ModelError: an input is missing or has the wrong shape, or a stage gives what the next one cannot take.
        """
        values: dict[str, AnyArray] = {
            entry.name: checked_frames(inputs, entry.name, entry.shape) for entry in self.staged.inputs
        }
        if len({len(array) for array in values.values()}) > 1:
            raise ModelError(f"{[len(array) for array in values.values()]} frames of the inputs, they must be as many")
        raw: dict[str, IntArray] = {}
        for stage, (name, ready) in zip(self.staged.stages, self._ready.items(), strict=True):
            given = {value: values[value] for value in stage.inputs}
            if isinstance(ready, HostGraph):
                values |= ready.run(given)
            else:
                made = self._run_machine(ready, given, name)
                raw |= made
                values |= {t.name: dequantize(made[t.name], t.scale) for t in ready.program.outputs}
        wanted = self.staged.outputs
        return StagedResults(
            {name: values[name] for name in wanted}, {name: raw[name] for name in wanted if name in raw}
        )

    def _prepared(self, stage: Stage, origin: str) -> Machine | HostGraph:
        if isinstance(stage.content, Program):
            try:
                return Machine(stage.content)
            except ProgramError as error:
                raise ProgramError(f"{origin}: {error}") from error
        model = parse_host_model(stage.content, stage.inputs, stage.outputs, origin)
        return HostGraph(model, self.staged.frames, origin)

    def _run_machine(self, machine: Machine, given: Mapping[str, AnyArray], name: str) -> dict[str, IntArray]:
        raw: dict[str, IntArray] = {}
        for tensor in machine.program.inputs:
            try:
                real = checked_frames(given, tensor.name, tensor.shape)
            except ModelError as error:
                raise ModelError(f"{self._origin}: stage {name}: {error}") from None
            raw[tensor.name] = tensor.element.quantize(real.astype(np.float32), tensor.scale)
        return machine.run(raw)
