"""The code FIFO in time: an encode fills it column by column, its lookup follows and empties it.

An entry holds the codes of one group of subspaces of one column. The lookup takes a column's entries when it starts
on the column; the encode starts a column once all the entries of that column are sure to find room.
So a pair costs the slower of the two units for each column, plus one column of the faster one.

A column of an encode waits for room that earlier pairs leave, or, ``window`` columns on, for its own lookup. Of these
own columns only the first matters to a slower encode, and to a slower lookup none: so a pair takes a few operations on
the columns that fit the FIFO, however many it has.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pqc.interpreter.durations import ColumnWork

FIFO_DEPTH = 256
"""Entries (paper, section on the released kernels)."""

Times = npt.NDArray[np.int64]


@dataclass
class Production:
    """An encode instruction under way: when its columns are done, as far as that is known.

    ``first_entry`` is the number of its first FIFO entry, counted from the start of the program; each column takes
    ``entries``, and ``window`` columns fill the FIFO. ``resume`` is when the unit can start the next column; ``done``
    holds when the first columns are done. ``end``: when all are, None as long as that is not known.
    """

    work: ColumnWork
    entries: int
    first_entry: int
    window: int
    resume: int
    done: Times
    end: int | None = None


def _no_times() -> Times:
    return np.zeros(0, np.int64)


@dataclass
class CodeFifo:
    """Which entries were taken when; entries are numbered from the start of the program.

    ``sent`` entries are promised by encodes so far, ``count`` have been taken; ``taken`` holds the times of the last
    of these, all older ones are gone, too.
    """

    depth: int = FIFO_DEPTH
    sent: int = 0
    count: int = 0
    taken: Times = field(default_factory=_no_times)

    def __post_init__(self) -> None:
        self._steps = np.arange(self.depth + 1, dtype=np.int64)

    def send(self, work: ColumnWork, entries: int, start: int) -> Production:
        """Start an encode; one that takes no ``entries`` is done at once."""
        if not entries:
            return Production(work, 0, self.sent, 0, start, np.full(1, start, np.int64), end=start)
        window = max(self.depth // entries, 1)
        production = Production(work, entries, self.sent, window, start, _no_times())
        self.sent += entries * work.columns
        self.produce(production)
        return production

    def produce(self, encode: Production) -> None:
        """Give a time to every column of ``encode`` that finds room once the entries known to be taken are gone."""
        if encode.end is not None:
            return
        before, room = encode.done.size, max(self.depth - encode.entries, 0)
        # The last entry that must be gone before column k starts is number first_entry + k * entries - 1 - room.
        known = min((self.count - encode.first_entry + room) // encode.entries + 1, encode.work.columns)
        if known <= before:
            return
        oldest = self.count - self.taken.size
        cycles, steps = encode.work.cycles, self._steps[: known - before]
        last = encode.first_entry + (known - 1) * encode.entries - 1 - room - oldest
        start = encode.resume
        if last < 0 or self.taken[last] <= start:
            done = steps * cycles + (start + cycles)
        else:
            gone = last - steps[::-1] * encode.entries
            free = np.where(gone < 0, 0, self.taken[np.maximum(gone, 0)])
            paced = np.maximum(np.maximum.accumulate(free - steps * cycles), start)
            done = paced + (steps * cycles + cycles)
        encode.done = done if not before else np.concatenate([encode.done, done])
        encode.resume = int(done[-1])
        if known == encode.work.columns:
            encode.end = encode.resume

    def take(self, encode: Production, cycles: int, start: int) -> int:
        """Let the lookup of ``encode`` take all columns, ``cycles`` each, from ``start`` on, when the first is there.

        Returns its end; the encode's end is known then, too. All earlier encodes must have been taken.
        """
        if not encode.entries:
            return start
        self.produce(encode)
        columns, known = encode.work.columns, encode.done.size
        steps = self._steps[:known] * cycles
        head = np.maximum(np.maximum.accumulate(encode.done - steps), start) + steps
        pace = int(head[-1]) - (known - 1) * cycles
        first_kept = max(columns - self.depth // encode.entries - 1, 0)
        times = head[first_kept:] if known == columns else self._rest(encode, cycles, head, pace, first_kept)
        self._keep(np.repeat(times, encode.entries) if encode.entries > 1 else times, columns * encode.entries)
        return int(times[-1]) + cycles

    def _rest(self, encode: Production, cycles: int, head: Times, pace: int, first_kept: int) -> Times:
        """Finish an encode that has filled the FIFO; the times of its columns from ``first_kept`` on.

        ``head`` are those of the first columns. The others are taken at ``pace`` + column * ``cycles``, or as soon as
        they are done: which of the two for all of them depends on which unit is slower.
        """
        columns, known, work = encode.work.columns, head.size, encode.work.cycles
        later = np.arange(max(known, first_kept), columns, dtype=np.int64)
        times = later * cycles + pace
        if work <= cycles:
            waited = columns - 1 - known
            room = int(head[waited]) if waited < known else pace + waited * cycles
            encode.end = max(encode.resume + (columns - 1 - known) * work, room) + work
        else:
            resume = max(encode.resume, int(head[0]))
            encode.end = resume + (columns - known) * work
            times = np.maximum(times, resume + (later - known + 1) * work)
        return np.concatenate([head[first_kept:], times]) if first_kept < known else times

    def _keep(self, times: Times, count: int) -> None:
        """Append entries, of which ``times`` are the last; only those are kept that a later column can wait for."""
        every = times if times.size >= self.depth else np.concatenate([self.taken, times])
        self.taken = every[-self.depth :]
        self.count += count
