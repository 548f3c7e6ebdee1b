"""In which order constants and activations are loaded: each as soon as its buffer has room, what is needed first first.

The unit that loads has one queue for all buffers. A load that waits there for room in its own buffer holds up loads
into the others; one that comes too early holds up what is needed sooner. So the queue is simulated with one line for
each buffer, of which it takes whatever is ready and needed first, against the time line of the computation: the steps
of the program in their order, each at the earliest time, put off whenever a load comes too late.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from pqc.planning.clock import Clock


@dataclass(frozen=True)
class Fetch:
    """A load of ``size`` bytes in ``cycles``, for step ``first`` at the latest, of bytes in use until step ``last``.

    ``line`` is its buffer. It cannot start before step ``ready``; a constant can from the start.
    """

    line: int
    size: int
    cycles: int
    first: int
    last: int
    ready: int = 0


@dataclass
class _Line:
    """The loads into one buffer, in the order of the program, and when what they filled is free again."""

    capacity: int
    fetches: list[int]
    next: int = 0
    held: int = 0
    leaving: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    free_from: int = 0

    def room_at(self, size: int) -> int:
        """The step from which there is room for so many bytes."""
        while self.leaving and self.held + size > self.capacity:
            last, gone = heappop(self.leaving)
            self.held -= gone
            self.free_from = max(self.free_from, last + 1)
        return self.free_from

    def take(self, fetch: Fetch) -> None:
        """Load what is next."""
        self.next += 1
        self.held += fetch.size
        heappush(self.leaving, (fetch.last, fetch.size))


def load_steps(fetches: Sequence[Fetch], capacities: dict[int, int], times: Sequence[int]) -> dict[int, int]:
    """For each load, in the order of the queue, the step before which it stands: never behind its ``first``.

    Args:
        fetches: the loads, in the order of the program.
        capacities: for each line the bytes that may be loaded and still in use at a time. What a load needs is loaded
            in any case.
        times: when each step happens if no load comes too late; one more entry says when the last one is over.
    """
    clock = Clock(times)
    lines = {line: _Line(capacity, []) for line, capacity in capacities.items()}
    for number, fetch in enumerate(fetches):
        lines[fetch.line].fetches.append(number)
    started: dict[int, tuple[int, int]] = {}
    now = 0
    while heads := [line for line in lines.values() if line.next < len(line.fetches)]:
        number, ready, step = _next(fetches, heads, clock, now)
        fetch = fetches[number]
        lines[fetch.line].take(fetch)
        started[number] = ready, step
        now = ready + fetch.cycles
        clock.put_off(fetch.first, now)
    moments = [clock.at(step) for step in range(len(times))]
    # of steps that happen at one moment, some may still use the bytes, so that the step counts, too
    places = {number: max(bisect_left(moments, when), step) for number, (when, step) in started.items()}
    return {number: min(place, fetches[number].first) for number, place in places.items()}


def _next(fetches: Sequence[Fetch], heads: Sequence[_Line], clock: Clock, now: int) -> tuple[int, int, int]:
    """The load to start next, when it starts, and from which step on it can.

    Of the ready ones it is the one needed first, else the first ready.
    Until a load has started nobody knows when the steps from its ``first`` on happen. What depends on those is out of
    the question, unless everything does; then the one needed first goes ahead.
    """
    needed = min(fetches[line.fetches[line.next]].first for line in heads)
    known: list[tuple[int, int, int, int]] = []
    for line in heads:
        number = line.fetches[line.next]
        fetch = fetches[number]
        step = min(max(line.room_at(fetch.size), fetch.ready), fetch.first)
        if step <= needed:
            known.append((max(clock.at(step), now), fetch.first, number, step))
    ready, _, number, step = min(known)
    return number, ready, step
