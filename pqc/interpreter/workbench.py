"""Memories of some streams, and a program's instructions prepared for them: made once, used for part after part.

A stream is some executions of the program in a row. Streams have buffers and DRAM of their own; constants, and what is
loaded from constants alone, exist once for all of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from pqc.errors import ProgramError
from pqc.interpreter.batches import grouped
from pqc.interpreter.constants import Constants
from pqc.interpreter.operands import Bytes
from pqc.interpreter.queues import describe
from pqc.interpreter.units import Action, Fifo, Surroundings, prepare
from pqc.isa.access import Access, accesses
from pqc.isa.fields import Memory
from pqc.isa.program import Program
from pqc.isa.records import Tensor
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.numerics.kernels import Kernels

GARBAGE = 0xA5
"""What memories hold before anything is written."""

_CONSTANTS = "constants"
Region: TypeAlias = Memory | str
"""A memory, or the constants, which lie in DRAM but are the same for all frames."""

_OF_CONSTANTS = (Memory.CODEBOOK, Memory.TABLE)
"""Buffers that are loaded from constants alone."""


@dataclass(frozen=True)
class _Operands:
    """The operands of one instruction in the memories of the streams that execute it."""

    memories: Mapping[Region, Bytes]
    places: Mapping[str, tuple[Region, int]]

    def bytes(self, field: str) -> Bytes:
        """The bytes [streams or 1, n] from the address in ``field`` to the end of its memory."""
        region, offset = self.places[field]
        return self.memories[region][:, offset:]


class Layout:
    """Where the operands of a checked program lie, and how much of each memory it uses.

    ``places`` has, for each instruction, by field the region and the offset in it; ``sizes`` the bytes of each memory
    up to the last one used; ``prepared_constants`` is for all workbenches.
    """

    def __init__(self, program: Program, accumulator_bits: int) -> None:
        self.program = program
        self.accumulator_bits = accumulator_bits
        self.shifts_alone = program.target.get("requantize") == "shift"
        self.constants = len(program.constants)
        self.prepared_constants = Constants()
        self.places: list[dict[str, tuple[Region, int]]] = []
        self.sizes: dict[Memory, int] = dict.fromkeys(Memory, 0)
        self.sizes[Memory.DRAM] = program.dram_bytes - self.constants
        for instruction in program.instructions:
            places: dict[str, tuple[Region, int]] = {}
            for access in accesses(instruction, accumulator_bits):
                # an access may start behind the address that its field holds
                address = int(getattr(instruction, access.field))
                places[access.field] = self.place(access.memory, address)
                if access.memory is not Memory.DRAM:
                    self.sizes[access.memory] = max(self.sizes[access.memory], access.end)
            self.places.append(places)

    def place(self, memory: Memory, address: int) -> tuple[Region, int]:
        """The region in which an address lies, and its offset there."""
        if memory is not Memory.DRAM:
            return memory, address
        return (_CONSTANTS, address) if address < self.constants else (memory, address - self.constants)

    def stream_bytes(self, executions: int) -> int:
        """Bytes of the memories that one stream has of its own."""
        buffers = sum(self.sizes[memory] for memory in (Memory.ACTIVATION, Memory.ACCUMULATOR))
        return buffers + executions * self.sizes[Memory.DRAM]


class Workbench:
    """The memories of some streams and all instructions, prepared for them.

    Raises:
        ProgramError: an operand does not lie within its memory.
    """

    def __init__(self, layout: Layout, streams: int, executions: int, kernels: Kernels) -> None:
        self._layout = layout
        self.streams = streams
        self.kernels = kernels
        self._memories = self._allocated(executions)
        self._fifo: Fifo = deque()
        self._actions = [self._prepared(memories) for memories in self._memories]

    def _allocated(self, executions: int) -> list[dict[Region, Bytes]]:
        """For each execution its memories; all but DRAM are the same for all executions."""

        def memory(kind: Memory) -> Bytes:
            rows = 1 if kind in _OF_CONSTANTS else self.streams
            return np.empty((rows, self._layout.sizes[kind]), np.uint8)

        shared: dict[Region, Bytes] = {kind: memory(kind) for kind in Memory if kind is not Memory.DRAM}
        shared[_CONSTANTS] = np.frombuffer(self._layout.program.constants, np.uint8)[None]
        return [{**shared, Memory.DRAM: memory(Memory.DRAM)} for _ in range(executions)]

    def _prepared(self, memories: Mapping[Region, Bytes]) -> list[Action]:
        actions: list[Action] = []
        for index, instruction in enumerate(self._layout.program.instructions):
            operands = _Operands(memories, self._layout.places[index])
            here = Surroundings(
                operands,
                self._fifo,
                self._layout.accumulator_bits,
                self._layout.shifts_alone,
                self.kernels,
                self._layout.prepared_constants,
            )
            with self._naming(index):
                actions.append(prepare(instruction, here))
        return actions

    @contextmanager
    def _naming(self, index: int) -> Generator[None]:
        """Say in errors which instruction it was."""
        try:
            yield
        except (ProgramError, MemoryError) as error:
            program = self._layout.program
            name = describe(index, program.instructions[index], program.nodes[index])
            what = error if isinstance(error, ProgramError) else "this computer has too little memory to execute it"
            raise ProgramError(f"{name}: {what}") from None

    def clear(self) -> None:
        """Fill the memories with garbage, as if nothing had been executed before."""
        for memories in self._memories:
            for region, memory in memories.items():
                if region != _CONSTANTS:
                    memory.fill(GARBAGE)
        self._fifo.clear()

    def begin(self, inputs: Mapping[str, IntArray]) -> None:
        """Clear the memories and put frames [n, *shape] of each input where the first executions take them.

        A batch that is not full is filled up with copies of the last frame.
        """
        self.clear()
        for tensor in self._layout.program.inputs:
            self.tensor(0, tensor)[...] = grouped(inputs[tensor.name], self._layout.program.batch)

    def execute(self, order: Sequence[int]) -> None:
        """Execute steps: number execution * instructions + index each.

        Raises:
            ProgramError: a lookup finds no codes, or codes of no prototype; names the instruction.
        """
        count = len(self._layout.program.instructions)
        actions = [action for own in self._actions for action in own]
        step = 0
        try:
            for step in order:
                actions[step]()
        except (ProgramError, MemoryError):
            with self._naming(step % count):
                raise

    def seen(self, access: Access) -> Bytes:
        """What the bytes that an access of the first executions touches hold now: [streams or 1, n], in its order."""
        region, offset = self._layout.place(access.memory, access.address)
        return self._memories[0][region][:, access.addresses() - (access.address - offset)]

    def read(self, memory: Memory, start: int, size: int) -> Bytes:
        """Bytes of a memory in the first executions, [streams, size]; of DRAM also across the end of the constants."""
        ends = [start, *([self._layout.constants] if memory is Memory.DRAM else []), start + size]
        parts = pairwise(end for end in ends if start <= end <= start + size)
        return np.concatenate([self._stretch(memory, first, last) for first, last in parts if last > first], axis=1)

    def _stretch(self, memory: Memory, first: int, last: int) -> Bytes:
        region, offset = self._layout.place(memory, first)
        found = self._memories[0][region][:, offset : offset + last - first]
        return np.broadcast_to(found, (self.streams, last - first))

    @property
    def sent(self) -> Sequence[IntArray]:
        """The codes on their way, [streams, subspaces, columns] each."""
        return self._fifo

    def tensor(self, execution: int, tensor: Tensor) -> AnyArray:
        """A view [streams, batch, *shape] of an input or output in the DRAM of an execution."""
        batch, start = self._layout.program.batch, tensor.address - self._layout.constants
        data = self._memories[execution][Memory.DRAM][:, start : start + batch * tensor.bytes]
        return data.view(tensor.element.storage).reshape(self.streams, batch, *tensor.shape)


class Workbenches:
    """Workbenches for one run: those that are idle after an earlier run with the same kernels, and new ones."""

    def __init__(
        self,
        layout: Layout,
        streams: Collection[int],
        executions: int,
        kernels: Kernels,
        before: Workbenches | None = None,
    ) -> None:
        """``streams`` are the numbers of streams that will be asked for."""
        self._layout = layout
        self._executions = executions
        self._kernels = kernels
        self._idle: dict[int, deque[Workbench]] = {count: deque() for count in streams}
        if before is not None and (before._executions, before._kernels) == (executions, kernels):
            self._idle |= {count: idle for count, idle in before._idle.items() if count in self._idle}

    def take(self, streams: int) -> Workbench:
        """One for so many streams, filled with garbage."""
        try:
            # several threads take from here
            bench = self._idle[streams].pop()
        except IndexError:
            bench = Workbench(self._layout, streams, self._executions, self._kernels)
        bench.clear()
        return bench

    def give_back(self, bench: Workbench) -> None:
        """Keep it for another part."""
        self._idle[bench.streams].append(bench)
