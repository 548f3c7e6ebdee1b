"""The shadow of a memory: for each byte and unit, when the unit last read it and when it last wrote it.

Whoever gives the stamps decides what "when" is; a unit's stamps only ever grow. Accesses are views of the arrays, so
that a strided access costs no more than its bytes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pqc.isa.access import Access
from pqc.isa.fields import Unit

Stamps = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Rival:
    """Another unit that touched some of the same bytes so that order matters; ``stamp`` is the newest of them."""

    unit: Unit
    wrote: bool
    stamp: int


class Shadow:
    """The bytes [base, base + size) of one memory; accesses must lie inside. Stamps are 1 or more."""

    def __init__(self, base: int, size: int) -> None:
        self.base = base
        self.size = size
        self._last: dict[tuple[Unit, bool], Stamps] = {}

    @property
    def end(self) -> int:
        """One past the last byte."""
        return self.base + self.size

    def view(self, access: Access, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What ``access`` touches of an array that has one element for each byte of this shadow."""
        return access.view(values, self.base)

    def rivals(self, access: Access, unit: Unit) -> Iterator[Rival]:
        """The other units whose last write to some of the bytes, or last read if ``access`` writes, matters."""
        if not access.size:
            return
        for (other, wrote), last in self._last.items():
            if other is unit or not (wrote or access.written):
                continue
            stamp = int(self.view(access, last).max())
            if stamp:
                yield Rival(other, wrote, stamp)

    def stamps(self, access: Access, rival: Rival) -> Stamps:
        """For each byte of ``access`` the stamp of the rival's last access of that kind; 0 where there is none."""
        return self.view(access, self._last[rival.unit, rival.wrote])

    def record(self, access: Access, unit: Unit, stamp: int) -> None:
        """Remember that ``unit`` touches these bytes now."""
        if not access.size:
            return
        key = unit, access.written
        if key not in self._last:
            self._last[key] = np.zeros(self.size, np.int32)
        self.view(access, self._last[key])[...] = stamp

    def forget(self) -> None:
        """Nobody has touched anything."""
        self._last.clear()
