"""The machine: executes the bytes of a program file, and knows neither the IR nor the model.

Frames are independent, so many *streams* of them go through each instruction together. A stream is some executions
of the program in a row, one in program order: they share the memories on chip, and each has its own part of DRAM.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from pqc.errors import ModelError, ProgramError
from pqc.interpreter.batches import grouped
from pqc.interpreter.hazards import check_program
from pqc.interpreter.queues import Queues, check_order, describe, execute_queues
from pqc.interpreter.units import Bytes, execute
from pqc.isa.access import accesses
from pqc.isa.fields import Instruction, Memory
from pqc.isa.program import Program
from pqc.isa.records import Tensor
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.planning.target import target_from_dict

STREAMS_AT_ONCE = 32
"""Streams that execute an instruction together: enough to hide its overhead, few enough to stay in the caches."""

WORKER_BYTES = 256 << 20
"""Memories of the streams executed together take at most this many bytes, unless one stream needs more."""

GARBAGE = 0xA5
"""What memories hold before anything is written."""

_CONSTANTS = "constants"
Region: TypeAlias = Memory | str
"""A memory, or the constants, which lie in DRAM but are the same for all frames."""


@dataclass(frozen=True)
class _Step:
    """An instruction with the region and offset of each of its operands."""

    instruction: Instruction
    operands: dict[str, tuple[Region, int]]


@dataclass(frozen=True)
class _Stream:
    """An order of the steps of some executions in a row."""

    order: Sequence[int]
    executions: int


@dataclass(frozen=True)
class _Operands:
    """The operands of one instruction in the memories of the streams that execute it."""

    memories: Mapping[Region, Bytes]
    places: Mapping[str, tuple[Region, int]]

    def bytes(self, field: str) -> Bytes:
        """The bytes [streams or 1, n] from the address in ``field`` to the end of its memory."""
        region, offset = self.places[field]
        return self.memories[region][:, offset:]


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
        self._constants = len(program.constants)
        self._steps = [self._bind(instruction) for instruction in program.instructions]

    def run(self, inputs: Mapping[str, IntArray], order: Sequence[int] | None = None) -> dict[str, IntArray]:
        """Execute the program for all frames.

        ``inputs``: raw integers [frames, *shape] by input name; a last batch that is not full is filled up with copies
        of the last frame. The result holds the raw integers of each output, [frames, *shape] in the type that stores
        its elements. ``order`` is a legal order of the steps of one or several executions in a row
        (:mod:`pqc.interpreter.queues`); without one, each execution goes in program order.

        Raises:
            ModelError: an input is missing, unknown, of the wrong shape or type, or out of its range.
            ProgramError: the order is not legal.
        """
        frames = self._check_inputs(inputs)
        program, executions = self.program, 1
        if order is not None:
            executions = check_order(program.instructions, order, program.credits)
        stream = _Stream(self.order if order is None else order, executions)
        given = {name: grouped(grouped(values, program.batch), executions) for name, values in inputs.items()}
        streams = -(-frames // (program.batch * executions))
        shape = (streams, executions, program.batch)
        results: dict[str, IntArray] = {
            tensor.name: np.empty((*shape, *tensor.shape), tensor.element.storage) for tensor in program.outputs
        }
        self._run_parts(_parts(streams, self._streams_at_once(executions)), stream, given, results)
        return {name: values.reshape(-1, *values.shape[3:])[:frames] for name, values in results.items()}

    def random_order(self, rng: np.random.Generator, executions: int = 1) -> list[int]:
        """A random legal order of the steps of some executions in a row."""

        def choose(ready: list[int]) -> int:
            return ready[int(rng.integers(len(ready)))]

        return execute_queues(Queues(self.program.instructions, self.program.credits, executions), choose)

    def _run_parts(
        self,
        parts: Sequence[slice],
        stream: _Stream,
        inputs: Mapping[str, IntArray],
        results: Mapping[str, IntArray],
    ) -> None:
        """Execute parts of the streams, on all processors; inputs and results are [streams, executions, batch, ...]."""

        def run_part(part: slice) -> None:
            self._run_part(part, stream, inputs, results)

        workers = min(len(parts), os.cpu_count() or 1)
        if workers == 1:
            for part in parts:
                run_part(part)
            return
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(run_part, parts):
                pass

    def _streams_at_once(self, executions: int) -> int:
        per_stream = executions * (self.program.dram_bytes - self._constants)
        per_stream += sum(self.target.buffer_bytes(memory) for memory in (Memory.ACTIVATION, Memory.ACCUMULATOR))
        return max(1, min(STREAMS_AT_ONCE, WORKER_BYTES // per_stream))

    def _bind(self, instruction: Instruction) -> _Step:
        operands: dict[str, tuple[Region, int]] = {}
        for access in accesses(instruction, self.target.accumulator_bits):
            # an access may start behind the address that its field holds
            address = int(getattr(instruction, access.field))
            place: tuple[Region, int] = (access.memory, address)
            if access.memory is Memory.DRAM:
                constant = address < self._constants
                place = (_CONSTANTS, address) if constant else (Memory.DRAM, address - self._constants)
            operands[access.field] = place
        return _Step(instruction, operands)

    def _memories(self, streams: int, executions: int) -> list[dict[Region, Bytes]]:
        """For each execution its memories, full of garbage.

        All but DRAM are the same for all executions; what is loaded from the constants alone exists once for all
        streams.
        """

        def garbage(rows: int, size: int) -> Bytes:
            return np.full((rows, size), GARBAGE, np.uint8)

        buffer = self.target.buffer_bytes
        shared: dict[Region, Bytes] = {
            Memory.ACTIVATION: garbage(streams, buffer(Memory.ACTIVATION)),
            Memory.ACCUMULATOR: garbage(streams, buffer(Memory.ACCUMULATOR)),
            Memory.CODEBOOK: garbage(1, buffer(Memory.CODEBOOK)),
            Memory.TABLE: garbage(1, buffer(Memory.TABLE)),
            _CONSTANTS: np.frombuffer(self.program.constants, np.uint8)[None],
        }
        dram = self.program.dram_bytes - self._constants
        return [{**shared, Memory.DRAM: garbage(streams, dram)} for _ in range(executions)]

    def _run_part(
        self, part: slice, stream: _Stream, inputs: Mapping[str, IntArray], results: Mapping[str, IntArray]
    ) -> None:
        memories = self._memories(part.stop - part.start, stream.executions)
        for execution, own in enumerate(memories):
            for tensor in self.program.inputs:
                self._tensor(own, tensor)[...] = inputs[tensor.name][part, execution]
        fifo: deque[IntArray] = deque()
        for number in stream.order:
            execution, index = divmod(number, len(self._steps))
            step = self._steps[index]
            try:
                operands = _Operands(memories[execution], step.operands)
                execute(step.instruction, operands, fifo, self.target.accumulator_bits)
            except (ProgramError, MemoryError) as error:
                name = describe(index, step.instruction, self.program.nodes[index])
                what = error if isinstance(error, ProgramError) else "this computer has too little memory to execute it"
                raise ProgramError(f"{name}: {what}") from None
        for execution, own in enumerate(memories):
            for tensor in self.program.outputs:
                results[tensor.name][part, execution] = self._tensor(own, tensor)

    def _tensor(self, memories: Mapping[Region, Bytes], tensor: Tensor) -> AnyArray:
        """A view [streams, batch, *shape] of an input or output in DRAM."""
        start = tensor.address - self._constants
        data = memories[Memory.DRAM][:, start : start + self.program.batch * tensor.bytes]
        return data.view(tensor.element.storage).reshape(data.shape[0], self.program.batch, *tensor.shape)

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
