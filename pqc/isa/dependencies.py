"""Which instructions must wait for which, from the bytes they touch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pqc.isa.access import Access, accesses
from pqc.isa.fields import Instruction, Memory, Unit
from pqc.isa.fifo import sends_to_fifo, takes_from_fifo

NOBODY = -1


class _Shadow:
    """For each byte of one memory the last instruction that wrote it and, for each unit, the last that read it."""

    def __init__(self) -> None:
        self._last: npt.NDArray[np.int32] = np.full((len(Unit) + 1, 0), NOBODY, np.int32)

    def _grow(self, end: int) -> None:
        size = self._last.shape[1]
        if end > size:
            more = np.full((self._last.shape[0], max(end, 2 * size) - size), NOBODY, np.int32)
            self._last = np.concatenate([self._last, more], axis=1)

    def conflicts(self, access: Access) -> set[int]:
        """Instructions that touched these bytes so that order matters."""
        self._grow(access.end)
        rows = self._last if access.written else self._last[-1:]
        return {int(one) for row in rows for one in np.unique(access.view(row))} - {NOBODY}

    def touch(self, access: Access, unit: Unit, instruction: int) -> None:
        """Remember that ``instruction`` touches these bytes."""
        access.view(self._last[-1 if access.written else unit])[...] = instruction


class Dependencies:
    """The waits of a program, instruction by instruction in program order."""

    def __init__(self, accumulator_bits: int) -> None:
        self._accumulator_bits = accumulator_bits
        self._memories = {memory: _Shadow() for memory in Memory}
        self._units: list[Unit] = []
        self._known: list[list[int]] = []
        self._last_on_unit = [NOBODY] * len(Unit)
        self._encodes: list[int] = []
        self._lookups = 0

    def add(self, instruction: Instruction) -> list[int]:
        """The earlier instructions that this one must wait for by a token, ascending.

        Queues keep their own order and a lookup follows its encode through the FIFO, so neither needs a token; nor
        does what another wait implies.
        """
        index, unit = len(self._units), instruction.unit
        touched = accesses(instruction, self._accumulator_bits)
        before = {one for access in touched for one in self._memories[access.memory].conflicts(access)}
        for access in touched:
            self._memories[access.memory].touch(access, unit, index)
        known = self._implied(instruction)
        waits: list[int] = []
        for one in sorted(before, reverse=True):
            if known[self._units[one]] < one:
                waits.append(one)
                known = _merge(known, self._known[one])
        known[unit] = index
        self._units.append(unit)
        self._known.append(self._known_behind(instruction, known))
        self._last_on_unit[unit] = index
        if sends_to_fifo(instruction):
            self._encodes.append(index)
        return sorted(waits)

    def _known_behind(self, instruction: Instruction, known: list[int]) -> list[int]:
        """The same once it is done: a lookup that has taken all codes has outlived its encode."""
        if not takes_from_fifo(instruction) or not self._lookups:
            return known
        behind = list(known)
        behind[Unit.ENCODE] = max(known[Unit.ENCODE], self._encodes[self._lookups - 1])
        return behind

    def _implied(self, instruction: Instruction) -> list[int]:
        """For each unit the last instruction known to be done before this one starts, without any token."""
        previous = self._last_on_unit[instruction.unit]
        known = [NOBODY] * len(Unit) if previous == NOBODY else list(self._known[previous])
        if takes_from_fifo(instruction) and self._lookups < len(self._encodes):
            encode = self._encodes[self._lookups]
            # a lookup starts while its encode is still at work: what came before the encode is done, the encode is not
            earlier = list(self._known[encode])
            earlier[Unit.ENCODE] = self._encodes[self._lookups - 1] if self._lookups else NOBODY
            self._lookups += 1
            known = _merge(known, earlier)
        return known


def _merge(first: Sequence[int], second: Sequence[int]) -> list[int]:
    return [max(a, b) for a, b in zip(first, second, strict=True)]
