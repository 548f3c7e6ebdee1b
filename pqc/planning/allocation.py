"""Where regions lie in a memory: regions that live at the same time never share a byte."""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from pqc.isa.fields import Memory
from pqc.planning.tiles import ALIGNMENT, DoesNotFitError


@dataclass(frozen=True)
class Interval:
    """A region of ``size`` bytes that lives from step ``first`` to step ``last``, both included."""

    size: int
    first: int
    last: int


@dataclass(frozen=True)
class Allocation:
    """Addresses in the order of the intervals; ``peak`` is one past the highest byte used.

    ``lower_bound`` is the most that lives at once: no allocation has a lower peak.
    """

    addresses: tuple[int, ...]
    peak: int
    lower_bound: int


Extent: TypeAlias = tuple[int, int]
"""First byte, and one past the last."""
Pick: TypeAlias = Callable[[Sequence[Extent], int], int]
"""Chooses the address of so many bytes among the gaps (ascending; the last one ends nowhere)."""


def allocate(
    intervals: Sequence[Interval], capacity: int, alignment: int = ALIGNMENT, memory: Memory | str = "memory"
) -> Allocation:
    """Place ``intervals`` in [0, capacity), each at a multiple of ``alignment``.

    Regions go one behind the other and around, so that what is loaded next does not reuse the place of what is still
    being read. Where that fails, tighter placements are tried for the stretch of time concerned.

    Raises:
        DoesNotFitError: more lives at once than there is room, or no placement was found.
    """
    rounded = [Interval(-(-i.size // alignment) * alignment, i.first, i.last) for i in intervals]
    bound = _most_alive(rounded)
    if bound > capacity:
        raise DoesNotFitError(memory, bound, capacity, "what lives at once")
    addresses = [0] * len(rounded)
    cursor = 0
    for stretch in _stretches(rounded):
        placed = _rotate(rounded, stretch, capacity, cursor)
        if placed is None:
            placed = _squeeze(rounded, stretch, capacity, memory)
        for index, address in placed.items():
            addresses[index] = address
        newest = stretch[-1]
        cursor = addresses[newest] + rounded[newest].size
    peak = max((address + i.size for address, i in zip(addresses, rounded, strict=True)), default=0)
    return Allocation(tuple(addresses), peak, bound)


def allocate_tightly(
    intervals: Sequence[Interval], limit: int, alignment: int = ALIGNMENT, memory: Memory | str = "memory"
) -> Allocation:
    """Place ``intervals`` like :func:`allocate`, in little more room than lives at once, and never beyond ``limit``.

    Raises:
        DoesNotFitError: no placement was found below ``limit``.
    """
    rounded = [Interval(-(-i.size // alignment) * alignment, i.first, i.last) for i in intervals]
    capacity = min(limit, max(_most_alive(rounded), alignment))
    while True:
        try:
            return allocate(intervals, capacity, alignment, memory)
        except DoesNotFitError:
            if capacity >= limit:
                raise
            capacity = min(limit, capacity + max(capacity // 8, alignment))


def _most_alive(intervals: Sequence[Interval]) -> int:
    """The largest sum of sizes that live at one step."""
    # At equal steps deaths come first: a region dies behind its last step.
    events = sorted([(i.first, i.size) for i in intervals] + [(i.last + 1, -i.size) for i in intervals])
    alive = most = 0
    for _, change in events:
        alive += change
        most = max(most, alive)
    return most


def _stretches(intervals: Sequence[Interval]) -> Iterator[list[int]]:
    """Indices in order of birth, cut wherever nothing lives on: stretches do not constrain each other."""
    stretch: list[int] = []
    last = 0
    for index in sorted(range(len(intervals)), key=lambda i: (intervals[i].first, i)):
        if stretch and intervals[index].first > last:
            yield stretch
            stretch = []
        last = max(last, intervals[index].last) if stretch else intervals[index].last
        stretch.append(index)
    if stretch:
        yield stretch


def _gaps(taken: Sequence[Extent], end: int) -> list[Extent]:
    """What lies between the extents ``taken`` (ascending by start), up to ``end``."""
    gaps: list[Extent] = []
    free = 0
    for start, stop in taken:
        if start > free:
            gaps.append((free, start))
        free = max(free, stop)
    return [*gaps, (free, end)]


def _rotate(intervals: Sequence[Interval], stretch: Sequence[int], capacity: int, cursor: int) -> dict[int, int] | None:
    """Place in order of birth, each in the next gap behind ``cursor``, then from the start; None if one has no gap."""
    placed: dict[int, int] = {}
    alive: list[tuple[int, int, int]] = []
    for index in stretch:
        interval = intervals[index]
        alive = [entry for entry in alive if entry[2] >= interval.first]
        gaps = _gaps([(start, stop) for start, stop, _ in alive], capacity)
        behind = [(max(start, cursor), stop) for start, stop in gaps]
        fitting = [start for start, stop in (*behind, *gaps) if stop - start >= interval.size]
        if not fitting:
            return None
        placed[index] = fitting[0]
        cursor = fitting[0] + interval.size
        insort(alive, (fitting[0], cursor, interval.last))
    return placed


def _squeeze(
    intervals: Sequence[Interval], stretch: Sequence[int], capacity: int, memory: Memory | str
) -> dict[int, int]:
    """Place with all of the future known, in several orders; the first placement that fits wins."""
    neighbours = _neighbours(intervals, stretch)
    orders: tuple[Callable[[Interval], int], ...] = (
        lambda i: i.first,
        lambda i: i.first - i.last,
        lambda i: -i.size,
        lambda i: -i.size * (i.last - i.first + 1),
    )
    lowest: int | None = None
    for order in orders:
        ordered = sorted(stretch, key=lambda index, order=order: order(intervals[index]))
        for pick in (_first_fit, _best_fit):
            placed = _place(intervals, ordered, neighbours, pick)
            peak = max(address + intervals[index].size for index, address in placed.items())
            if peak <= capacity:
                return placed
            lowest = peak if lowest is None else min(lowest, peak)
    raise DoesNotFitError(memory, lowest or 0, capacity, "the tightest placement found")


def _neighbours(intervals: Sequence[Interval], stretch: Sequence[int]) -> dict[int, list[int]]:
    """For each index those that live at some step together with it."""
    neighbours: dict[int, list[int]] = {index: [] for index in stretch}
    alive: list[int] = []
    for index in stretch:
        alive = [other for other in alive if intervals[other].last >= intervals[index].first]
        for other in alive:
            neighbours[other].append(index)
        neighbours[index] += alive
        alive.append(index)
    return neighbours


def _place(
    intervals: Sequence[Interval], order: Sequence[int], neighbours: dict[int, list[int]], pick: Pick
) -> dict[int, int]:
    """Place in ``order`` in a memory without end."""
    placed: dict[int, int] = {}
    for index in order:
        taken = sorted((placed[n], placed[n] + intervals[n].size) for n in neighbours[index] if n in placed)
        end = max((stop for _, stop in taken), default=0) + intervals[index].size
        placed[index] = pick(_gaps(taken, end), intervals[index].size)
    return placed


def _first_fit(gaps: Sequence[Extent], size: int) -> int:
    return next(start for start, stop in gaps if stop - start >= size)


def _best_fit(gaps: Sequence[Extent], size: int) -> int:
    fitting = [(stop - start, start) for start, stop in gaps[:-1] if stop - start >= size]
    return min(fitting)[1] if fitting else gaps[-1][0]
