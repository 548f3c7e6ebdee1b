"""The machine: executes the bytes of a program file, and knows neither the IR nor the model."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from pqc.errors import ModelError, ProgramError
from pqc.interpreter.hazards import check_program
from pqc.interpreter.queues import Queues, check_order, describe, execute_queues
from pqc.interpreter.units import Bytes, execute
from pqc.isa.access import accesses
from pqc.isa.fields import Instruction, Memory
from pqc.isa.program import Program
from pqc.isa.records import Tensor
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.planning.target import target_from_dict

FRAMES_AT_ONCE = 32
"""Frames that execute an instruction together: enough to hide its overhead, few enough to stay in the caches."""

WORKER_BYTES = 256 << 20
"""Memories of the frames executed together take at most this many bytes, unless one frame needs more."""

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
class _Operands:
    """The operands of one instruction in the memories of the frames that execute it."""

    memories: Mapping[Region, Bytes]
    places: Mapping[str, tuple[Region, int]]

    def bytes(self, field: str) -> Bytes:
        """The bytes [frames or 1, n] from the address in ``field`` to the end of its memory."""
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

        ``inputs``: raw integers [frames, *shape] by input name. The result holds the raw integers of each output,
        [frames, *shape] in the type that stores its elements. ``order`` is a legal order of the instructions;
        without one, program order.

        Raises:
            ModelError: an input is missing, unknown, of the wrong shape or type, or out of its range.
            ProgramError: the order is not legal.
        """
        frames = self._check_inputs(inputs)
        if order is not None:
            check_order(self.program.instructions, order)
        steps = [self._steps[index] for index in (self.order if order is None else order)]
        results: dict[str, IntArray] = {
            tensor.name: np.empty((frames, *tensor.shape), tensor.element.storage) for tensor in self.program.outputs
        }
        processors = os.cpu_count() or 1
        size = min(self._frames_at_once(), -(-frames // processors))
        batches = [slice(low, min(low + size, frames)) for low in range(0, frames, size)]
        workers = min(len(batches), processors)

        def run_batch(batch: slice) -> None:
            self._run_batch(batch, steps, inputs, results)

        if workers == 1:
            for batch in batches:
                run_batch(batch)
            return results
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(run_batch, batches):
                pass
        return results

    def random_order(self, rng: np.random.Generator) -> list[int]:
        """A random legal order of the instructions."""

        def choose(ready: list[int]) -> int:
            return ready[int(rng.integers(len(ready)))]

        return execute_queues(Queues(self.program.instructions), choose)

    def _frames_at_once(self) -> int:
        per_frame = self.program.dram_bytes - self._constants
        per_frame += sum(self.target.buffer_bytes(memory) for memory in (Memory.ACTIVATION, Memory.ACCUMULATOR))
        return max(1, min(FRAMES_AT_ONCE, WORKER_BYTES // per_frame))

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

    def _memories(self, frames: int) -> dict[Region, Bytes]:
        """Memories full of garbage; what is loaded from the constants alone exists once for all frames."""

        def garbage(rows: int, size: int) -> Bytes:
            return np.full((rows, size), GARBAGE, np.uint8)

        buffer = self.target.buffer_bytes
        return {
            Memory.ACTIVATION: garbage(frames, buffer(Memory.ACTIVATION)),
            Memory.ACCUMULATOR: garbage(frames, buffer(Memory.ACCUMULATOR)),
            Memory.CODEBOOK: garbage(1, buffer(Memory.CODEBOOK)),
            Memory.TABLE: garbage(1, buffer(Memory.TABLE)),
            Memory.DRAM: garbage(frames, self.program.dram_bytes - self._constants),
            _CONSTANTS: np.frombuffer(self.program.constants, np.uint8)[None],
        }

    def _run_batch(
        self, batch: slice, steps: Sequence[_Step], inputs: Mapping[str, IntArray], results: dict[str, IntArray]
    ) -> None:
        memories = self._memories(batch.stop - batch.start)
        for tensor in self.program.inputs:
            self._tensor(memories, tensor)[...] = inputs[tensor.name][batch]
        fifo: deque[IntArray] = deque()
        for step in steps:
            try:
                execute(step.instruction, _Operands(memories, step.operands), fifo, self.target.accumulator_bits)
            except (ProgramError, MemoryError) as error:
                index = self._steps.index(step)
                name = describe(index, step.instruction, self.program.nodes[index])
                what = error if isinstance(error, ProgramError) else "this computer has too little memory to execute it"
                raise ProgramError(f"{name}: {what}") from None
        for tensor in self.program.outputs:
            results[tensor.name][batch] = self._tensor(memories, tensor)

    def _tensor(self, memories: Mapping[Region, Bytes], tensor: Tensor) -> AnyArray:
        """A view [frames, *shape] of an input or output in DRAM."""
        start = tensor.address - self._constants
        data = memories[Memory.DRAM][:, start : start + tensor.bytes]
        return data.view(tensor.element.storage).reshape(data.shape[0], *tensor.shape)

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
