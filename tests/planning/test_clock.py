"""Times of steps that are put off, against a list of times that is walked through each time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from pqc.planning.clock import Clock

gaps = st.lists(st.integers(0, 9), min_size=1, max_size=12)
delays = st.lists(st.tuples(st.integers(0, 11), st.integers(-5, 60)), max_size=12)


def times_of(gaps: Sequence[int]) -> list[int]:
    return list(accumulate(gaps))


def moments(clock: Clock) -> list[int]:
    return [clock.at(step) for step in range(len(clock.times))]


@given(gaps, delays)
def test_delays_are_those_of_a_walk_through_all_steps(gaps: list[int], delays: list[tuple[int, int]]) -> None:
    times = times_of(gaps)
    clock, walked = Clock(times), list(times)
    for number, until in delays:
        step = number % len(times)
        clock.put_off(step, until)
        late = max(0, until - walked[step])
        walked[step:] = [time + late for time in walked[step:]]
        assert moments(clock) == walked
    assert times == times_of(gaps), "what was given stays as it is"


@given(gaps, delays)
def test_nothing_ever_happens_earlier(gaps: list[int], delays: list[tuple[int, int]]) -> None:
    clock = Clock(times_of(gaps))
    before = moments(clock)
    for number, until in delays:
        step = number % len(before)
        clock.put_off(step, until)
        after = moments(clock)
        assert all(late >= early for early, late in zip(before, after, strict=True))
        assert after[:step] == before[:step], "what comes before a step does not wait for it"
        assert after[step] == max(before[step], until)
        assert after == sorted(after)
        before = after


@given(gaps, st.lists(st.tuples(st.integers(0, 11), st.integers(0, 20)), max_size=8), st.randoms())
def test_delays_add_up_in_any_order(gaps: list[int], delays: list[tuple[int, int]], random: Random) -> None:
    times = times_of(gaps)
    clock = Clock(times)
    shuffled = list(delays)
    random.shuffle(shuffled)
    for number, late in shuffled:
        step = number % len(times)
        clock.put_off(step, clock.at(step) + late)
    sums = [sum(late for number, late in delays if number % len(times) <= place) for place in range(len(times))]
    assert moments(clock) == [time + late for time, late in zip(times, sums, strict=True)]
