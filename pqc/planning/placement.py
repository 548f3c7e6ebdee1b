"""Where constants lie in a buffer so that their loads wait least, frame after frame.

Every frame loads the same regions to the same places. A load waits for whatever used its bytes before, in this frame or
at the end of the one before; where regions lie decides how long ago that was. Several placements are tried and the
frame's length is computed for each, from the queue of loads and the time line of the computation.
"""

from __future__ import annotations

import random
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.planning.clock import Clock
from pqc.planning.tiles import ALIGNMENT

FRAMES = 3
"""So many frames are computed; the last one counts."""

MOST_TRIES = 48
"""Placements that are tried at most, and how many loads all of them together may have."""
MOST_LOADS = 8_000

UNUSED = -1
"""Instead of a step: there is none."""

Shadow: TypeAlias = npt.NDArray[np.int64]

STRAY = 0.2
"""How often a random placement does not put a region at the best place that it sees."""


@dataclass(frozen=True)
class Load:
    """A load that stands before step ``place``, takes ``cycles`` and is used from step ``first`` to step ``last``.

    ``main``: a table or codebook; what else is loaded takes no time in the paper's model.
    """

    place: int
    cycles: int
    first: int
    last: int
    main: bool = True


@dataclass(frozen=True)
class Region:
    """``size`` bytes, a multiple of ALIGNMENT, that a load fills."""

    load: int
    size: int


@dataclass(frozen=True)
class Stream:
    """The loads of a frame in the order of their queue, and when each step of the computation happens.

    ``times`` has one more entry, for the end; ``main_times`` are the same if lookups alone took
    time. ``waits``: for each load the (step, frames before) whose end it awaits whatever the placement, in other
    buffers.
    """

    loads: Sequence[Load]
    times: Sequence[int]
    main_times: Sequence[int]
    waits: Sequence[Sequence[tuple[int, int]]]

    def period(self, waits: Sequence[Sequence[tuple[int, int]]]) -> int:
        """Cycles of one more frame, if the loads await these steps, too: all loads', and again the main ones' alone.

        The sum of both: a placement is to be good for whoever counts all transfers and for whoever counts as the paper.
        """
        return self._period(waits, main=False) + self._period(waits, main=True)

    @property
    def bound(self) -> int:
        """No placement has a shorter period."""
        every, main = (sum(load.cycles for load in self.loads if load.main or not alone) for alone in (False, True))
        return max(self.times[-1], every) + max(self.main_times[-1], main)

    def _period(self, waits: Sequence[Sequence[tuple[int, int]]], *, main: bool) -> int:
        times = self.main_times if main else self.times
        steps, length = len(times) - 1, times[-1]
        every = [time + frame * length for frame in range(FRAMES) for time in times[:-1]]
        clock = Clock([*every, FRAMES * length])
        now, before = 0, 0
        for frame in range(FRAMES):
            # before this frame's loads put anything off, so that a wait of its first step counts
            before = clock.at(frame * steps)
            for load, own, more in zip(self.loads, self.waits, waits, strict=True):
                for step, back in (*own, *more):
                    if frame >= back:
                        now = max(now, clock.at((frame - back) * steps + step + 1))
                now += load.cycles if load.main or not main else 0
                clock.put_off(frame * steps + load.first, now)
        return clock.at(FRAMES * steps) - before


def waits_of(loads: Sequence[Load], regions: Sequence[Region], addresses: Sequence[int]) -> list[list[tuple[int, int]]]:
    """For each load the step it waits for, because regions lie where they lie: none, or one (step, frames before).

    Steps follow each other, so that of all uses of a region's bytes before, only the last one counts.
    """
    waits: list[list[tuple[int, int]]] = [[] for _ in loads]
    end = max((start + region.size for region, start in zip(regions, addresses, strict=True)), default=0)
    steps = 1 + max((load.last for load in loads), default=0)
    used: Shadow = np.full(end // ALIGNMENT, UNUSED, np.int64)
    for frame in range(2):
        for region, start in zip(regions, addresses, strict=True):
            bytes_used = used[start // ALIGNMENT : (start + region.size) // ALIGNMENT]
            last = int(bytes_used.max())
            if frame == 1 and last != UNUSED:
                back, step = 1 - last // steps, last % steps
                waits[region.load] = [(step, back)]
            bytes_used[:] = frame * steps + loads[region.load].last
    return waits


def place(stream: Stream, regions: Sequence[Region], capacity: int) -> list[int] | None:
    """Addresses for ``regions``, which are in the order of their loads; None if no placement was found."""
    best: tuple[int, list[int]] | None = None
    tries = min(MOST_TRIES, max(1, MOST_LOADS // max(len(stream.loads), 1)))
    for attempt in range(tries):
        generator = random.Random(attempt) if attempt > 1 else None
        found = _placed(stream, regions, capacity, generator, widest=attempt % 2 == 1)
        if found is None:
            continue
        cycles = stream.period(waits_of(stream.loads, regions, found))
        if best is None or cycles < best[0]:
            best = cycles, found
        if cycles <= stream.bound:
            break
    return None if best is None else best[1]


def _placed(
    stream: Stream, regions: Sequence[Region], capacity: int, generator: random.Random | None, *, widest: bool
) -> list[int] | None:
    """One placement: each region behind the last one and around, or where it lies most undisturbed (``widest``)."""
    addresses: list[int] = []
    alive: list[tuple[int, int, int]] = []
    uses = _Uses.none(capacity)
    cursor = 0
    for region in regions:
        mine = stream.loads[region.load]
        alive = [entry for entry in alive if entry[2] >= mine.place]
        options = _options(alive, capacity, region.size, cursor)
        if not options:
            return None
        chosen = options[0]
        if generator is not None and generator.random() < STRAY:
            chosen = generator.choice(options)
        elif widest:
            slacks = [uses.slack(stream, address, region.size, mine) for address in options]
            chosen = options[slacks.index(max(slacks))]
        uses.record(chosen, region.size, mine)
        addresses.append(chosen)
        cursor = chosen + region.size
        insort(alive, (chosen, cursor, mine.last))
    return addresses


def _options(alive: Sequence[tuple[int, int, int]], capacity: int, size: int, cursor: int) -> list[int]:
    """Where a region could start: behind ``cursor`` and around first, then at the far ends of the gaps."""
    gaps: list[tuple[int, int]] = []
    free = 0
    for start, stop, _ in alive:
        if start > free:
            gaps.append((free, start))
        free = max(free, stop)
    gaps.append((free, capacity))
    behind = [max(start, cursor) for start, stop in gaps if stop - max(start, cursor) >= size]
    fitting = [(start, stop) for start, stop in gaps if stop - start >= size]
    ends = [(stop - size) // ALIGNMENT * ALIGNMENT for _, stop in fitting]
    return list(dict.fromkeys([*behind, *(start for start, _ in fitting), *ends]))


@dataclass
class _Uses:
    """Of every ALIGNMENT bytes of a buffer, the step of the last use so far and that of the first use of a frame."""

    last: Shadow
    first: Shadow

    @staticmethod
    def none(capacity: int) -> _Uses:
        """Nothing is used yet."""
        size = -(-capacity // ALIGNMENT)
        return _Uses(np.full(size, UNUSED, np.int64), np.full(size, UNUSED, np.int64))

    def record(self, address: int, size: int, load: Load) -> None:
        """A load fills these bytes."""
        part = slice(address // ALIGNMENT, (address + size) // ALIGNMENT)
        self.first[part] = np.where(self.first[part] == UNUSED, load.first, self.first[part])
        self.last[part] = load.last

    def slack(self, stream: Stream, address: int, size: int, load: Load) -> int:
        """Cycles that a load has to itself: since the use of its bytes before, until the load of the next frame."""
        times, part = stream.times, slice(address // ALIGNMENT, (address + size) // ALIGNMENT)
        last, first = self.last[part], self.first[part]
        since = until = times[-1]
        if (step := int(last.max())) != UNUSED:
            since = times[load.first] - times[step + 1] - load.cycles
        if (heads := first[first != UNUSED]).size:
            until = times[-1] + times[int(heads.min())] - times[load.last + 1]
        return min(since, until)
