"""Residency: what stays fits, what passes through keeps room, and a tensor alone in a large buffer always stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pqc.planning.residency import Resident, choose_residents
from pqc.planning.tiles import aligned

STEPS = 8


@st.composite
def tensors(draw: st.DrawFn) -> list[Resident]:
    found: list[Resident] = []
    for number in range(draw(st.integers(0, 8))):
        first = draw(st.integers(0, STEPS - 1))
        last = draw(st.integers(first, STEPS - 1))
        size = draw(st.integers(1, 5000))
        found.append(Resident(f"t{number}", size, draw(st.integers(1, 32)), first, last, 2 * size))
    return found


@given(tensors(), st.integers(0, 20_000))
def test_what_stays_fits_in_every_step(found: list[Resident], capacity: int) -> None:
    chosen = choose_residents(found, STEPS, capacity)
    for step, room in enumerate(chosen.room):
        staying = [t for t in found if t.label in chosen.labels and t.first <= step <= t.last]
        assert room == capacity - sum(aligned(t.size) for t in staying) >= 0
        passing = sum(t.working_bytes for t in found if t.label not in chosen.labels and step in {t.first, t.last})
        assert not staying or room >= min(passing, capacity // 2)


@given(tensors())
def test_all_stay_where_there_is_room_for_all(found: list[Resident]) -> None:
    chosen = choose_residents(found, STEPS, sum(aligned(t.size) for t in found))
    assert chosen.labels == {t.label for t in found}


@given(tensors(), st.integers(0, 20_000))
def test_nothing_stays_that_was_not_wanted(found: list[Resident], capacity: int) -> None:
    wanted = frozenset(t.label for t in found[::2])
    assert choose_residents(found, STEPS, capacity, wanted).labels <= wanted


def test_traffic_for_the_bytes_and_steps_decides() -> None:
    short = Resident("short", 1000, 10, 0, 1, 3000)
    long = Resident("long", 1000, 10, 0, 7, 3000)
    assert choose_residents([long, short], STEPS, 2000).labels == {"short"}
