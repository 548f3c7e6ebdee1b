"""A program executed under a person's eyes: step by step, to a layer, to an address; what a memory holds in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from pqc.errors import ModelError
from pqc.interpreter.hazards import check_program
from pqc.interpreter.queues import describe
from pqc.interpreter.workbench import Layout, Workbench
from pqc.isa.access import Access, accesses
from pqc.isa.fields import Memory
from pqc.isa.program import Program
from pqc.numerics.arrays import IntArray
from pqc.numerics.kernels import NUMPY
from pqc.planning.target import target_from_dict

WIDTHS = (1, 2, 4)
"""Bytes of an integer that can be shown."""


@dataclass(frozen=True)
class Stretch:
    """Some bytes of a memory."""

    memory: Memory
    start: int
    size: int

    def __str__(self) -> str:
        return f"{self.memory.name.lower()} [{self.start}, {self.start + self.size})"

    @property
    def access(self) -> Access:
        """All of them, read."""
        return Access(self.memory, self.start, self.size, (1, 1, 1), (0, 0, 0), written=False, field="debug")


@dataclass(frozen=True)
class Breakpoint:
    """Where to stop: in front of the first instruction of a node, of a number, or that touches some bytes."""

    node: str | None = None
    instruction: int | None = None
    touching: Stretch | None = None

    def __str__(self) -> str:
        if self.node is not None:
            return f"node {self.node!r}"
        return f"instruction {self.instruction}" if self.touching is None else str(self.touching)


class Debugger:
    """One execution of a program, for the first frames of ``inputs``, which stands in front of an instruction.

    Raises:
        ProgramError: the program breaks a rule of the machine.
    """

    def __init__(self, program: Program, inputs: Mapping[str, IntArray]) -> None:
        target = target_from_dict(program.target)
        self.program, self._bits = program, target.accumulator_bits
        self._order = check_program(program, target)
        self._layout = Layout(program, self._bits)
        self._bench = Workbench(self._layout, 1, 1, NUMPY)
        self._inputs = {name: array[: program.batch] for name, array in inputs.items()}
        self.breakpoints: list[Breakpoint] = []
        self.watched: list[Stretch] = []
        self.restart()

    def restart(self) -> None:
        """Stand in front of the first instruction again, with fresh memories."""
        self._bench.begin(self._inputs)
        self.done = 0

    @property
    def next(self) -> int | None:
        """The number of the instruction that comes next, None at the end."""
        return self._order[self.done] if self.done < len(self._order) else None

    @property
    def node(self) -> str | None:
        """The node of the next instruction, None at the end."""
        return None if self.next is None else self.program.nodes[self.next]

    def describe(self, index: int) -> str:
        """An instruction in words."""
        return describe(index, self.program.instructions[index], self.program.nodes[index])

    def step(self) -> list[str]:
        """Execute the next instruction; what it changed of the bytes that are watched, a sentence each."""
        index = self.next
        if index is None:
            return []
        before = [self.read(stretch) for stretch in self.watched]
        self._bench.execute([index])
        self.done += 1
        return [
            f"{self.describe(index)} changes {int((old != new).sum())} bytes of {stretch}"
            for stretch, old, new in zip(self.watched, before, map(self.read, self.watched), strict=True)
            if not np.array_equal(old, new)
        ]

    def next_layer(self) -> list[str]:
        """Execute the rest of the node that the next instruction belongs to, or up to a breakpoint."""
        node, changes = self.node, self.step()
        while self.next is not None and self.node == node and self.stopped_at() is None:
            changes += self.step()
        return changes

    def proceed(self) -> list[str]:
        """Execute up to a breakpoint, or to the end."""
        changes = self.step()
        while self.next is not None and self.stopped_at() is None:
            changes += self.step()
        return changes

    def stopped_at(self) -> Breakpoint | None:
        """The breakpoint in front of which the program stands."""
        return next((point for point in self.breakpoints if self._is_at(point)), None)

    def _is_at(self, point: Breakpoint) -> bool:
        index = self.next
        if index is None:
            return False
        if point.node is not None:
            began = self.done == 0 or self.program.nodes[self._order[self.done - 1]] != point.node
            return self.node == point.node and began
        if point.touching is None:
            return index == point.instruction
        touched = accesses(self.program.instructions[index], self._bits)
        return any(access.overlaps(point.touching.access) for access in touched)

    def stretch(self, memory: str, start: int, size: int) -> Stretch:
        """Some bytes of a memory, by its name.

        Raises:
            ModelError: there is no such memory, or the program does not use so many bytes of it.
        """
        names = [one.name.lower() for one in Memory]
        if memory.lower() not in names:
            raise ModelError(f"there is no memory {memory!r}; there are {', '.join(names)}")
        kind = Memory[memory.upper()]
        used = self.program.dram_bytes if kind is Memory.DRAM else self._layout.sizes[kind]
        if start < 0 or size < 1 or start + size > used:
            raise ModelError(f"bytes [{start}, {start + size}) of {memory}: the program uses [0, {used})")
        return Stretch(kind, start, size)

    def read(self, stretch: Stretch) -> IntArray:
        """The bytes of a stretch."""
        return self._bench.read(stretch.memory, stretch.start, stretch.size)[0]

    def integers(self, memory: str, start: int, count: int, width: int, *, signed: bool) -> IntArray:
        """``count`` little-endian integers of ``width`` bytes from an address on.

        Raises:
            ModelError: they do not lie in the memory, or there are no integers of this width.
        """
        if width not in WIDTHS:
            raise ModelError(f"integers of {width} bytes cannot be shown, allowed are {', '.join(map(str, WIDTHS))}")
        data = self.read(self.stretch(memory, start, count * width))
        return np.ascontiguousarray(data).view(np.dtype(f"<{'i' if signed else 'u'}{width}"))

    @property
    def codes(self) -> list[IntArray]:
        """The codes in the FIFO, [subspaces, columns] each, the oldest first."""
        return [codes[0] for codes in self._bench.sent]
