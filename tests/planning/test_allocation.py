from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pqc.isa.fields import Memory
from pqc.planning.allocation import Allocation, Interval, allocate, allocate_tightly
from pqc.planning.tiles import DoesNotFitError


def interval(size: int, first: int, length: int) -> Interval:
    return Interval(size, first, first + length)


INTERVALS = st.lists(st.builds(interval, st.integers(0, 300), st.integers(0, 30), st.integers(0, 9)), max_size=40)


def check(intervals: list[Interval], allocation: Allocation, capacity: int, alignment: int = 16) -> None:
    assert len(allocation.addresses) == len(intervals)
    assert allocation.lower_bound <= allocation.peak <= capacity
    placed = list(zip(intervals, allocation.addresses, strict=True))
    for number, (one, address) in enumerate(placed):
        assert address % alignment == 0
        assert address + one.size <= capacity
        for other, elsewhere in placed[:number]:
            if one.first <= other.last and other.first <= one.last and one.size and other.size:
                assert address + one.size <= elsewhere or elsewhere + other.size <= address


@settings(deadline=None)
@given(INTERVALS, st.sampled_from([1, 16, 64]))
def test_regions_that_live_together_never_overlap(intervals: list[Interval], alignment: int) -> None:
    capacity = sum(-(-i.size // alignment) * alignment for i in intervals)
    check(intervals, allocate(intervals, capacity, alignment), capacity, alignment)


@settings(deadline=None)
@given(INTERVALS)
def test_a_tight_memory_is_filled_or_refused(intervals: list[Interval]) -> None:
    bound = allocate(intervals, 1 << 20).lower_bound
    for capacity in (bound, bound + bound // 4 // 16 * 16):
        try:
            allocation = allocate(intervals, capacity)
        except DoesNotFitError as error:
            needed = error.needed
        else:
            check(intervals, allocation, capacity)
            continue
        assert needed > capacity


@settings(deadline=None)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=12))
def test_nested_lives_reach_the_lower_bound(sizes: list[int]) -> None:
    intervals = [Interval(size, step, 100 - step) for step, size in enumerate(sizes)]
    bound = sum(-(-size // 16) * 16 for size in sizes)
    assert allocate(intervals, bound).peak == bound


def test_successive_loads_take_turns() -> None:
    loads = [Interval(64, step, step) for step in range(6)]
    assert allocate(loads, 128).addresses == (0, 64, 0, 64, 0, 64)


def test_a_long_life_in_the_way_is_moved_aside() -> None:
    # Placed one behind the other, the long-lived region would cut the memory in two halves too small for the last one.
    intervals = [Interval(32, 0, 0), Interval(16, 0, 9), Interval(80, 5, 6)]
    allocation = allocate(intervals, 96)
    check(intervals, allocation, 96)
    assert allocation.peak == allocation.lower_bound == 96


def test_too_much_at_once_is_refused() -> None:
    with pytest.raises(DoesNotFitError) as caught:
        allocate([Interval(100, 0, 2), Interval(100, 1, 3)], 208, memory=Memory.TABLE)
    assert str(caught.value) == (
        "the table buffer has 208 bytes, but what lives at once needs 224: "
        "allowed is buffers.table of at least 0.21875 KiB"
    )


def test_nothing_to_place() -> None:
    assert allocate([], 0) == Allocation((), 0, 0)


def test_twenty_thousand_regions() -> None:
    choose = random.Random(1)
    intervals = [Interval(choose.randint(1, 4000), step, step + choose.randint(1, 12)) for step in range(20_000)]
    roomy = allocate(intervals, 1 << 17)
    tight = allocate(intervals, roomy.lower_bound * 5 // 4 // 16 * 16)
    assert max(roomy.lower_bound, tight.lower_bound) <= min(roomy.peak, tight.peak)


@given(st.lists(st.tuples(st.integers(1, 100), st.integers(0, 20), st.integers(0, 20)), max_size=20))
def test_tight_placement_reuses_room(drawn: list[tuple[int, int, int]]) -> None:
    intervals = [Interval(size, min(a, b), max(a, b)) for size, a, b in drawn]
    found = allocate_tightly(intervals, 1 << 40, 64)
    assert all(address % 64 == 0 for address in found.addresses)
    assert found.lower_bound <= found.peak
    for i, first in enumerate(intervals):
        for j in range(i):
            second = intervals[j]
            alive_together = first.first <= second.last and second.first <= first.last
            apart = (
                found.addresses[i] + first.size <= found.addresses[j]
                or found.addresses[j] + second.size <= found.addresses[i]
            )
            assert apart or not alive_together


def test_tight_placement_has_a_limit() -> None:
    with pytest.raises(DoesNotFitError):
        allocate_tightly([Interval(100, 0, 1), Interval(100, 1, 2)], 128)


def test_tight_placement_needs_no_more_than_lives_at_once() -> None:
    found = allocate_tightly([Interval(64, step, step + 1) for step in range(100)], 1 << 40, 64)
    assert found.peak == found.lower_bound == 128
