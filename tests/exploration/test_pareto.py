"""The Pareto front, against its definition."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.exploration.pareto import front

Rows = list[tuple[float, ...]]


@st.composite
def problems(draw: st.DrawFn) -> tuple[Rows, list[bool]]:
    """Points with many ties, and what to do with each column."""
    columns = draw(st.integers(1, 4))
    value = st.integers(-3, 3).map(float) | st.sampled_from([float("inf"), float("-inf"), 0.5])
    rows = draw(st.lists(st.tuples(*[value] * columns), max_size=24))
    return rows, draw(st.lists(st.booleans(), min_size=columns, max_size=columns))


def dominates(one: tuple[float, ...], other: tuple[float, ...], maximize: list[bool]) -> bool:
    pairs = [(b, a) if more else (a, b) for a, b, more in zip(one, other, maximize, strict=True)]
    return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)


@given(problems())
def test_the_front_is_what_nothing_dominates(problem: tuple[Rows, list[bool]]) -> None:
    rows, maximize = problem
    expected = [i for i, row in enumerate(rows) if not any(dominates(other, row, maximize) for other in rows)]
    assert front(rows, maximize) == expected


@given(problems(), st.data())
def test_the_order_of_the_points_does_not_matter(problem: tuple[Rows, list[bool]], data: st.DataObject) -> None:
    rows, maximize = problem
    order = data.draw(st.permutations(range(len(rows))))
    assert sorted(order[i] for i in front([rows[i] for i in order], maximize)) == front(rows, maximize)


@given(problems())
def test_whatever_is_not_on_the_front_is_beaten_by_something_that_is(problem: tuple[Rows, list[bool]]) -> None:
    rows, maximize = problem
    chosen = front(rows, maximize)
    for index in set(range(len(rows))) - set(chosen):
        assert any(dominates(rows[kept], rows[index], maximize) for kept in chosen)


def test_equal_points_are_kept_together() -> None:
    assert front([(1, 2), (0, 3), (1, 2), (1, 3)], [False, False]) == [0, 1, 2]
    assert front([], [False]) == []


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN cannot be compared"):
        front([(1, float("nan"))], [False, True])
    with pytest.raises(ValueError, match="every point needs 2 values"):
        front([(1, 2, 3)], [False, True])
