"""The code FIFO in time: an encode fills it column by column, its lookup follows and empties it.

An entry holds the codes of one group of subspaces of one column. The lookup takes a column's entries when it starts
on the column; the encode starts a column once all the entries of that column are sure to find room.
So a pair costs the slower of the two units for each column, plus one column of the faster one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pqc.interpreter.durations import ColumnWork

FIFO_DEPTH = 256
"""Entries (paper, section on the released kernels)."""

Times = npt.NDArray[np.int64]


def _paced(earliest: Times, start: int, cycles: int) -> Times:
    """When each column starts: not before ``earliest`` and ``start``, nor before ``cycles`` since the one before."""
    steps = np.arange(earliest.size, dtype=np.int64) * cycles
    return np.maximum(np.maximum.accumulate(earliest - steps), start) + steps


@dataclass
class Production:
    """An encode instruction under way: when its columns are done, as far as that is known.

    ``first_entry`` is the number of its first FIFO entry, counted from the start of the program; each column takes
    ``entries``. ``resume`` is when the unit can start the next column; ``waiting`` holds when the columns are done
    that the lookup has not taken yet.
    """

    work: ColumnWork
    entries: int
    first_entry: int
    resume: int
    columns_done: int = 0
    waiting: Times = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def complete(self) -> bool:
        """Whether all columns have their time."""
        return self.columns_done == self.work.columns


@dataclass
class CodeFifo:
    """Which entries were taken when; entries are numbered from the start of the program.

    ``taken`` holds the times of the latest ones, the first of them number ``oldest``; all older ones are gone, too.
    """

    taken: Times = field(default_factory=lambda: np.zeros(1, np.int64))
    oldest: int = -1

    def produce(self, encode: Production) -> None:
        """Give a time to every column of ``encode`` that finds room once the entries known to be taken are gone."""
        while not encode.complete:
            entry = encode.first_entry + encode.columns_done * encode.entries
            # the last entry that must be gone before the next column starts; all, if a column fills the whole FIFO
            last = entry - 1 - max(FIFO_DEPTH - encode.entries, 0)
            known = (self.oldest + self.taken.size - 1 - last) // encode.entries + 1
            columns = min(encode.work.columns - encode.columns_done, known)
            if columns < 1:
                return
            gone = last - self.oldest + np.arange(columns, dtype=np.int64) * encode.entries
            free = np.where(gone < 0, 0, self.taken[np.maximum(gone, 0)])
            done = _paced(free, encode.resume, encode.work.cycles) + encode.work.cycles
            encode.waiting = np.concatenate([encode.waiting, done])
            encode.columns_done += columns
            encode.resume = int(done[-1])

    def consume(self, encode: Production, work: ColumnWork, start: int) -> int:
        """Let the lookup of ``encode`` take all columns, from ``start`` on; gives its end and completes the encode."""
        resume, columns = start, 0
        while columns < work.columns:
            self.produce(encode)
            taken = _paced(encode.waiting, resume, work.cycles)
            resume = int(taken[-1]) + work.cycles
            columns += taken.size
            encode.waiting = encode.waiting[:0]
            self._take(np.repeat(taken, encode.entries))
        return resume

    def _take(self, times: Times) -> None:
        """Append entries; only those are kept that a later column can still wait for."""
        every = np.concatenate([self.taken, times])
        dropped = max(0, every.size - FIFO_DEPTH - 1)
        self.taken = every[dropped:]
        self.oldest += dropped
