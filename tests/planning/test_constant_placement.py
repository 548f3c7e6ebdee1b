"""Where constants lie: apart while they are in use, and so that the loads wait for as little as the figures say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations

from hypothesis import given
from hypothesis import strategies as st

from pqc.planning.placement import Load, Region, Stream, place, waits_of
from pqc.planning.tiles import ALIGNMENT

PLENTY = 1 << 16


@dataclass(frozen=True)
class Case:
    """A frame's loads, with the region that each of them fills."""

    stream: Stream
    regions: tuple[Region, ...]

    def alive(self, region: Region) -> range:
        """The steps from the load of a region to its last use."""
        load = self.stream.loads[region.load]
        return range(load.place, load.last + 1)


def stream_of(loads: Sequence[Load], times: Sequence[int]) -> Stream:
    """Nothing is awaited in other buffers; everything counts in both ways."""
    return Stream(loads, times, times, [()] * len(loads))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Loads before some steps, used from there on, each into a region of its own."""
    durations = draw(st.lists(st.just(0) | st.integers(1, 40), min_size=1, max_size=12))
    counted = [draw(st.booleans()) * cycles for cycles in durations]
    step = st.integers(0, len(durations) - 1)
    loads: list[Load] = []
    # in the order of their first uses, for which the clock is exact
    first = 0
    for spot in sorted(draw(st.lists(step, min_size=1, max_size=10))):
        first = draw(st.integers(max(spot, first), len(durations) - 1))
        last = draw(st.integers(first, len(durations) - 1))
        loads.append(Load(spot, draw(st.integers(0, 40)), first, last, draw(st.booleans())))
    regions = tuple(Region(number, ALIGNMENT * draw(st.integers(1, 5))) for number in range(len(loads)))
    times, main_times = (tuple(accumulate(cycles, initial=0)) for cycles in (durations, counted))
    return Case(Stream(loads, times, main_times, [()] * len(loads)), regions)


capacities = st.integers(1, 24 * ALIGNMENT)


def overlap(one: Region, start: int, other: Region, place: int) -> bool:
    return start < place + other.size and place < start + one.size


@given(cases(), capacities)
def test_regions_lie_apart_while_they_are_in_use(case: Case, capacity: int) -> None:
    addresses = place(case.stream, case.regions, capacity)
    if addresses is None:
        return
    assert len(addresses) == len(case.regions)
    for region, start in zip(case.regions, addresses, strict=True):
        assert start % ALIGNMENT == 0
        assert 0 <= start <= start + region.size <= capacity
    for (one, start), (other, spot) in combinations(zip(case.regions, addresses, strict=True), 2):
        if set(case.alive(one)) & set(case.alive(other)):
            assert not overlap(one, start, other, spot)


@given(cases())
def test_what_fits_at_once_finds_a_place(case: Case) -> None:
    total = sum(region.size for region in case.regions)
    assert place(case.stream, case.regions, total) is not None
    largest = max(region.size for region in case.regions)
    assert place(case.stream, case.regions, largest - 1) is None


@given(cases(), capacities)
def test_the_same_regions_lie_at_the_same_addresses(case: Case, capacity: int) -> None:
    assert place(case.stream, case.regions, capacity) == place(case.stream, case.regions, capacity)


def latest_use(case: Case, addresses: Sequence[int], number: int) -> list[tuple[int, int]]:
    """Byte by byte, who used the bytes of a region last before its load, in this frame or the one before."""
    loads, regions = case.stream.loads, case.regions
    used = [
        (-back, loads[other.load].last)
        for other_number, (other, spot) in enumerate(zip(regions, addresses, strict=True))
        for back in (0, 1)
        if (back or other_number < number) and overlap(regions[number], addresses[number], other, spot)
    ]
    return [(step, -back) for back, step in [max(used)]]


@given(cases(), capacities)
def test_a_load_waits_for_the_last_use_of_its_bytes_and_for_nothing_else(case: Case, capacity: int) -> None:
    addresses = place(case.stream, case.regions, capacity)
    if addresses is None:
        return
    waits = waits_of(case.stream.loads, case.regions, addresses)
    assert waits == [latest_use(case, addresses, number) for number in range(len(case.regions))]


@given(cases(), capacities)
def test_loads_that_fill_no_region_wait_for_nothing(case: Case, capacity: int) -> None:
    loads = [*case.stream.loads, Load(0, 1, 0, 0)]
    addresses = [0] * len(case.regions)
    assert waits_of(loads, case.regions, addresses)[-1] == []


def busiest(case: Case) -> int:
    """Cycles that the loads or the computation take, whichever take longer; counted in both ways."""
    loads, stream = case.stream.loads, case.stream
    every, main = sum(load.cycles for load in loads), sum(load.cycles for load in loads if load.main)
    return max(stream.times[-1], every) + max(stream.main_times[-1], main)


@given(cases(), capacities)
def test_no_frame_takes_less_than_its_loads_or_its_computation(case: Case, capacity: int) -> None:
    assert case.stream.bound == busiest(case)
    assert case.stream.period([()] * len(case.regions)) >= busiest(case)
    addresses = place(case.stream, case.regions, capacity)
    if addresses is not None:
        assert case.stream.period(waits_of(case.stream.loads, case.regions, addresses)) >= busiest(case)


@given(cases(), capacities, st.data())
def test_more_to_wait_for_never_helps(case: Case, capacity: int, data: st.DataObject) -> None:
    step = st.integers(0, len(case.stream.times) - 2)
    more = [data.draw(st.lists(st.tuples(step, st.just(1)), max_size=1)) for _ in case.regions]
    assert case.stream.period(more) >= case.stream.period([()] * len(case.regions))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=2, max_size=8))
def test_without_waits_the_longer_one_of_loads_and_computation_counts(layers: list[tuple[int, int]]) -> None:
    loads = [Load(step, cycles, step, step) for step, (cycles, _) in enumerate(layers)]
    times = tuple(accumulate((cycles for _, cycles in layers), initial=0))
    free: list[tuple[tuple[int, int], ...]] = [()] * len(loads)
    assert stream_of(loads, times).period(free) == 2 * max(times[-1], sum(cycles for cycles, _ in layers))


def test_two_halves_of_a_buffer_hide_loads_that_one_place_shows() -> None:
    """Four tables of 10 cycles each, each used for 10 cycles."""
    loads = [Load(step, 10, step, step) for step in range(4)]
    stream, regions = stream_of(loads, (0, 10, 20, 30, 40)), [Region(step, ALIGNMENT) for step in range(4)]
    for capacity, cycles in ((ALIGNMENT, 80), (2 * ALIGNMENT, 40), (PLENTY, 40)):
        addresses = place(stream, regions, capacity)
        assert addresses is not None
        assert stream.period(waits_of(loads, regions, addresses)) == 2 * cycles


def test_a_table_of_the_next_frame_waits_for_its_own_last_use() -> None:
    """There is but one table: loading it again and using it cannot happen at a time."""
    loads = [Load(0, 30, 0, 0)]
    stream, regions = stream_of(loads, (0, 20)), [Region(0, ALIGNMENT)]
    assert place(stream, regions, PLENTY) == [0]
    assert waits_of(loads, regions, [0]) == [[(0, 1)]]
    assert stream.period([[(0, 1)]]) == 2 * (30 + 20)
