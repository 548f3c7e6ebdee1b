"""The machine: executes the bytes of a program file, and knows neither the IR nor the model.

Frames are independent, so many *streams* of them go through each instruction together. A stream is some executions
of the program in a row, one in program order: they share the memories on chip, and each has its own part of DRAM.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pqc.errors import ModelError
from pqc.interpreter.batches import grouped
from pqc.interpreter.hazards import check_program
from pqc.interpreter.queues import Queues, check_order
from pqc.interpreter.random_order import random_order
from pqc.interpreter.workbench import Layout, Workbenches
from pqc.interpreter.writers import WriterCheck
from pqc.isa.fields import Instruction
from pqc.isa.instructions import Encode
from pqc.isa.program import Program
from pqc.isa.records import Tensor
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.numerics.kernels import Kernels, kernels_for, matching_work
from pqc.planning.target import target_from_dict

STREAMS_AT_ONCE = 32
"""Streams that execute an instruction together: enough to hide its overhead, few enough to stay in the caches."""

WORKER_BYTES = 256 << 20
"""Memories of the streams executed together take at most this many bytes, unless one stream needs more."""

RANDOM_EXECUTIONS = 3
"""Executions that a random order interleaves: tokens reach from one to the next, so two show that one is missing."""


@dataclass(frozen=True)
class _Stream:
    """An order of the steps of some executions in a row."""

    order: Sequence[int]
    executions: int


class Machine:
    """A program, checked once, ready to run any number of frames.

    Raises:
        ProgramError: the program breaks a rule of the machine (:mod:`pqc.interpreter.hazards`).
        ModelError: its target record is not a target.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.target = target_from_dict(program.target)
        self.order: list[int] = check_program(program, self.target)
        self._layout = Layout(program, self.target.accumulator_bits)
        self._work = sum(_work(instruction) for instruction in program.instructions)
        self._work_asked_for = 0
        self._workbenches: Workbenches | None = None

    @cached_property
    def _writers(self) -> WriterCheck:
        return WriterCheck(self.program, self.target, self.order)

    def run(self, inputs: Mapping[str, IntArray], order: Sequence[int] | None = None) -> dict[str, IntArray]:
        """Execute the program for all frames.

        ``inputs``: raw integers [frames, *shape] by input name; a last batch that is not full is filled up with copies
        of the last frame. The result holds the raw integers of each output, [frames, *shape] in the type that stores
        its elements. ``order`` is a legal order of the steps of one or several executions in a row
        (:mod:`pqc.interpreter.queues`); without one, each execution goes in program order. With one, it is also
        checked that every byte read is of the writer that it has in program order (:mod:`pqc.interpreter.writers`).

        Raises:
            ModelError: an input is missing, unknown, of the wrong shape or type, or out of its range.
            ProgramError: the order is not legal, or a token is missing that would forbid it.
        """
        frames = self._check_inputs(inputs)
        program, executions = self.program, 1
        if order is not None:
            executions = check_order(program.instructions, order, program.credits)
            self._writers.check(order, executions)
        stream = _Stream(self.order if order is None else order, executions)
        given = {name: grouped(grouped(values, program.batch), executions) for name, values in inputs.items()}
        streams = -(-frames // (program.batch * executions))
        shape = (streams, executions, program.batch)
        results: dict[str, IntArray] = {
            tensor.name: np.empty((*shape, *tensor.shape), tensor.element.storage) for tensor in program.outputs
        }
        parts = _parts(streams, self._streams_at_once(executions))
        self._run_parts(parts, stream, self._kernels(streams * executions), given, results)
        return {name: values.reshape(-1, *values.shape[3:])[:frames] for name, values in results.items()}

    def random_order(self, rng: np.random.Generator, executions: int = RANDOM_EXECUTIONS) -> list[int]:
        """A random legal order of the steps of some executions in a row (:mod:`pqc.interpreter.random_order`)."""
        return random_order(Queues(self.program.instructions, self.program.credits, executions), rng)

    def _run_parts(
        self,
        parts: Sequence[slice],
        stream: _Stream,
        kernels: Kernels,
        inputs: Mapping[str, IntArray],
        results: Mapping[str, IntArray],
    ) -> None:
        """Execute parts of the streams, on all processors; inputs and results are [streams, executions, batch, ...]."""
        sizes = {part.stop - part.start for part in parts}
        workbenches = Workbenches(self._layout, sizes, stream.executions, kernels, self._workbenches)
        if stream.executions == 1:
            self._workbenches = workbenches

        def run_part(part: slice) -> None:
            self._run_part(part, stream, workbenches, inputs, results)

        workers = min(len(parts), os.cpu_count() or 1)
        if workers == 1:
            for part in parts:
                run_part(part)
            return
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(run_part, parts):
                pass

    def _kernels(self, executions: int) -> Kernels:
        """The means of computing, by the work of all executions that this machine has been asked for so far."""
        self._work_asked_for += executions * self._work
        return kernels_for(self._work_asked_for)

    def _streams_at_once(self, executions: int) -> int:
        return max(1, min(STREAMS_AT_ONCE, WORKER_BYTES // max(1, self._layout.stream_bytes(executions))))

    def _run_part(
        self,
        part: slice,
        stream: _Stream,
        workbenches: Workbenches,
        inputs: Mapping[str, IntArray],
        results: Mapping[str, IntArray],
    ) -> None:
        bench = workbenches.take(part.stop - part.start)
        for execution in range(stream.executions):
            for tensor in self.program.inputs:
                bench.tensor(execution, tensor)[...] = inputs[tensor.name][part, execution]
        bench.execute(stream.order)
        for execution in range(stream.executions):
            for tensor in self.program.outputs:
                results[tensor.name][part, execution] = bench.tensor(execution, tensor)
        workbenches.give_back(bench)

    def _check_inputs(self, inputs: Mapping[str, IntArray]) -> int:
        """The number of frames."""
        names = [tensor.name for tensor in self.program.inputs]
        for name in inputs:
            if name not in names:
                raise ModelError(f'there is no input "{name}", the program has {", ".join(names)}')
        counts: dict[str, int] = {}
        for tensor in self.program.inputs:
            if tensor.name not in inputs:
                raise ModelError(f'input "{tensor.name}" is missing')
            counts[tensor.name] = _check_input(tensor, inputs[tensor.name])
        if len(set(counts.values())) > 1:
            found = ", ".join(f'"{name}" has {count}' for name, count in counts.items())
            raise ModelError(f"the inputs differ in their number of frames: {found}")
        return next(iter(counts.values()), 1)


def _work(instruction: Instruction) -> int:
    """The work of prototype matching in an instruction, as :func:`pqc.numerics.kernels.kernels_for` counts it."""
    if not isinstance(instruction, Encode):
        return 0
    codes = instruction.output_rows * instruction.output_columns * instruction.subspaces
    return codes * matching_work(instruction.prototypes, instruction.length, instruction.metric)


def _parts(streams: int, at_once: int) -> list[slice]:
    """The streams in parts that execute together: on each processor one, unless that would be too many at once."""
    size = min(at_once, -(-streams // (os.cpu_count() or 1)))
    return [slice(low, min(low + size, streams)) for low in range(0, streams, size)]


def _check_input(tensor: Tensor, values: AnyArray) -> int:
    """The number of frames in ``values``."""
    if values.dtype.kind not in "iu":
        raise ModelError(f'input "{tensor.name}" has type {values.dtype}, allowed are integers')
    if values.ndim != len(tensor.shape) + 1 or values.shape[1:] != tensor.shape or values.shape[0] < 1:
        allowed = ", ".join(["frames", *(str(size) for size in tensor.shape)])
        raise ModelError(f'input "{tensor.name}" has shape {list(values.shape)}, allowed is [{allowed}]')
    low, high = int(values.min()), int(values.max())
    if low < tensor.element.minimum or high > tensor.element.maximum:
        bounds = f"[{tensor.element.minimum}, {tensor.element.maximum}]"
        raise ModelError(f'input "{tensor.name}" has values in [{low}, {high}], allowed is {bounds}')
    return int(values.shape[0])
