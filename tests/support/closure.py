"""By brute force: which steps conflict, and which are ordered whatever the units do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from pqc.isa.access import accesses
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import Encode, Lookup

ACCUMULATOR_BITS = 16
Edges = list[tuple[int, int]]


def touched(instruction: Instruction, *, written: bool) -> set[tuple[Memory, int]]:
    found = [access for access in accesses(instruction, ACCUMULATOR_BITS) if access.written is written]
    return {(access.memory, int(address)) for access in found for address in access.addresses()}


def conflicts(instructions: Sequence[Instruction], executions: int) -> Iterator[tuple[int, int]]:
    """Steps on two units that touch a byte which one of them writes; DRAM is each execution's own."""
    size = len(instructions)
    reads, writes = ([touched(x, written=kind) for x in instructions] for kind in (False, True))
    for i, j in combinations(range(executions * size), 2):
        a, b = i % size, j % size
        if instructions[a].unit is instructions[b].unit:
            continue
        common = writes[a] & reads[b] | reads[a] & writes[b] | writes[a] & writes[b]
        if any(memory is not Memory.DRAM or i // size == j // size for memory, _ in common):
            yield i, j


@dataclass(frozen=True)
class Order:
    """Starts (2 i) and ends (2 i + 1) of instructions, and which of them are ordered whatever the units do."""

    before: npt.NDArray[np.bool_]

    @staticmethod
    def of(instructions: Sequence[Instruction], waits: Edges) -> Order:
        """From queues, FIFO and tokens: a lookup starts behind the start of its encode and ends behind its end.

        ``instructions`` are all steps, ``waits`` the pairs of steps between which there is a token.
        """
        size = len(instructions)
        before = np.eye(2 * size, dtype=np.bool_)
        before[[2 * i for i in range(size)], [2 * i + 1 for i in range(size)]] = True
        for i, j in combinations(range(size), 2):
            if instructions[i].unit is instructions[j].unit:
                before[2 * i + 1, 2 * j] = True
        encodes, lookups = ([i for i, x in enumerate(instructions) if isinstance(x, kind)] for kind in (Encode, Lookup))
        for source, reader in zip(encodes, lookups, strict=False):
            before[2 * source, 2 * reader] = before[2 * source + 1, 2 * reader + 1] = True
        for source, reader in waits:
            before[2 * source + 1, 2 * reader] = True
        for middle in range(2 * size):
            before |= before[:, middle : middle + 1] & before[middle]
        return Order(before)

    def is_done(self, first: int, second: int) -> bool:
        """Whether ``first`` has ended when ``second`` starts."""
        return bool(self.before[2 * first + 1, 2 * second])
