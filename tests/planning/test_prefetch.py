"""The queue of loads: what is loaded when, never too late and never on top of what is still in use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.planning.prefetch import Fetch, load_steps

ACTIVATIONS, CODEBOOKS, TABLES = range(3)
PLENTY = 1 << 20


@dataclass(frozen=True)
class Case:
    """Loads in the order of a program of ``len(times) - 1`` steps."""

    fetches: tuple[Fetch, ...]
    times: tuple[int, ...]

    def queue(self, capacity: int) -> dict[int, int]:
        """Where the loads stand if both buffers of constants have this capacity, in the order of the queue."""
        return load_steps(self.fetches, {ACTIVATIONS: 0, CODEBOOKS: capacity, TABLES: capacity}, self.times)

    def steps(self, capacity: int) -> list[int]:
        """The same in the order of the program."""
        queue = self.queue(capacity)
        assert len(queue) == len(self.fetches)
        return [queue[number] for number in range(len(queue))]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Steps that often take no time, as most of a program's do, and loads before some of them."""
    durations = draw(st.lists(st.just(0) | st.integers(0, 30), min_size=1, max_size=14))
    count = len(durations)
    fetches: list[Fetch] = []
    for first in sorted(draw(st.lists(st.integers(0, count - 1), max_size=12))):
        line, cycles = draw(st.integers(0, 2)), draw(st.integers(0, 40))
        if line == ACTIVATIONS:
            fetches.append(Fetch(line, 0, cycles, first, first, max(0, first - 3)))
        else:
            fetches.append(Fetch(line, draw(st.integers(1, 8)), cycles, first, draw(st.integers(first, count - 1))))
    return Case(tuple(fetches), tuple(accumulate(durations, initial=0)))


capacities = st.integers(1, 24)


@given(cases(), capacities)
def test_a_load_stands_behind_what_makes_it_ready_and_not_behind_its_first_use(case: Case, capacity: int) -> None:
    steps = case.steps(capacity)
    for fetch, step in zip(case.fetches, steps, strict=True):
        assert fetch.ready <= step <= fetch.first


@given(cases(), capacities)
def test_loads_of_a_buffer_keep_their_order(case: Case, capacity: int) -> None:
    queue = case.queue(capacity)
    for line in (ACTIVATIONS, CODEBOOKS, TABLES):
        mine = [number for number in queue if case.fetches[number].line == line]
        assert mine == sorted(mine)
        places = [queue[number] for number in mine]
        assert places == sorted(places)


@given(cases(), capacities)
def test_what_is_loaded_ahead_finds_room_beside_what_is_in_use(case: Case, capacity: int) -> None:
    steps = case.steps(capacity)
    for line in (CODEBOOKS, TABLES):
        mine = [(fetch, step) for fetch, step in zip(case.fetches, steps, strict=True) if fetch.line == line]
        for number, (fetch, step) in enumerate(mine):
            beside = [other.size for other, _ in mine[:number] if other.last >= step]
            assert sum(beside) + fetch.size <= capacity or step == fetch.first or not beside


@given(cases())
def test_with_room_for_everything_the_queue_never_rests(case: Case) -> None:
    """Tables alone, which are ready from the start: each stands before the first step that it does not hold up."""
    tables = tuple(fetch for fetch in case.fetches if fetch.line == TABLES)
    begins = list(accumulate((fetch.cycles for fetch in tables), initial=0))
    moments = list(case.times)
    for fetch, end in zip(tables, begins[1:], strict=True):
        late = max(0, end - moments[fetch.first])
        moments[fetch.first :] = [moment + late for moment in moments[fetch.first :]]
    for fetch, begin, step in zip(tables, begins, Case(tables, case.times).steps(PLENTY), strict=False):
        assert all(moment < begin for moment in moments[:step])
        assert moments[step] >= begin or step == fetch.first


@given(cases(), capacities)
def test_the_same_loads_stand_at_the_same_places(case: Case, capacity: int) -> None:
    assert list(case.queue(capacity).items()) == list(case.queue(capacity).items())


def one_step_each(cycles: Sequence[int]) -> tuple[int, ...]:
    return tuple(accumulate(cycles, initial=0))


def test_two_tables_in_a_buffer_for_two_follow_the_two_before() -> None:
    fetches = tuple(Fetch(TABLES, 4, 5, step, step) for step in range(5))
    case = Case(fetches, one_step_each([10] * 5))
    assert case.steps(8) == [0, 0, 1, 2, 3]
    assert case.steps(4) == [0, 1, 2, 3, 4]
    assert case.steps(PLENTY) == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(("capacity", "places"), [(4, [0, 1, 0]), (8, [0, 0, 0])])
def test_a_load_that_waits_for_room_holds_up_no_other_buffer(capacity: int, places: list[int]) -> None:
    """The second table waits for the first one to be used, the codebook for nothing."""
    case = Case(
        (Fetch(TABLES, 4, 0, 0, 0), Fetch(TABLES, 4, 0, 2, 2), Fetch(CODEBOOKS, 4, 0, 2, 2)),
        one_step_each([10, 10, 10]),
    )
    assert case.steps(capacity) == places


def test_what_is_ready_goes_first_and_of_that_what_is_needed_first() -> None:
    """The activations are there from step 1 on: until then there is time for one table, but not for two."""
    case = Case(
        (Fetch(ACTIVATIONS, 0, 3, 2, 2, 1), Fetch(TABLES, 4, 10, 3, 3), Fetch(TABLES, 4, 5, 4, 4)),
        one_step_each([10] * 5),
    )
    assert list(case.queue(PLENTY).items()) == [(1, 0), (0, 1), (2, 2)]


def test_a_table_that_parameters_still_occupy_waits_for_them() -> None:
    """Step 2 uses the bytes and takes no time: a load at the same moment stands behind it all the same."""
    case = Case((Fetch(TABLES, 4, 1, 0, 2), Fetch(TABLES, 4, 1, 4, 4)), one_step_each([0, 10, 0, 0, 10]))
    assert case.steps(4) == [0, 3]
