"""Delta debugging on lists."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pqc.reduction.delta import minimized


@given(st.integers(0, 40), st.data())
def test_what_is_needed_is_found_exactly(number: int, data: st.DataObject) -> None:
    needed = data.draw(st.sets(st.sampled_from(range(number)))) if number else set[int]()
    assert minimized(range(number), lambda items: needed <= set(items)) == sorted(needed)


@given(st.lists(st.sets(st.integers(0, 15), min_size=1), min_size=1, max_size=5))
def test_nothing_that_is_left_can_be_left_out(enough: list[set[int]]) -> None:
    def interesting(items: Sequence[int]) -> bool:
        return any(needed <= set(items) for needed in enough)

    found = minimized(range(16), interesting)
    assert interesting(found)
    assert not any(interesting([item for item in found if item != left_out]) for left_out in found)


def test_one_of_many_is_found_in_few_steps() -> None:
    asked: list[Sequence[int]] = []

    def interesting(items: Sequence[int]) -> bool:
        asked.append(items)
        return 700 in items

    assert minimized(range(1024), interesting) == [700]
    assert len(asked) <= 2 * 10 + 1
