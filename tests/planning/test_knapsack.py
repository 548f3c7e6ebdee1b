"""The best choice within a budget, against all choices."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.planning.knapsack import STEPS, least_within

Numbers = list[list[float]]


def total(numbers: Numbers, choice: tuple[int, ...] | list[int]) -> float:
    return sum(row[index] for row, index in zip(numbers, choice, strict=True))


@given(st.integers(0, 1000), st.lists(st.integers(1, 4), max_size=5), st.floats(0.2, 1.2))
def test_nothing_within_the_budget_is_better(seed: int, variants: list[int], share: float) -> None:
    random = np.random.default_rng(seed)
    wanted: Numbers = [random.random(count).tolist() for count in variants]
    limited: Numbers = [random.random(count).tolist() for count in variants]
    budget = share * (sum(map(max, limited)) or 1)
    found = least_within(wanted, limited, budget)
    # each thing may lose a step by rounding
    sure = budget * (1 - len(variants) / STEPS)
    possible = [choice for choice in product(*map(range, variants)) if total(limited, choice) <= sure]
    if found is None:
        assert not possible
        return
    assert total(limited, found) <= budget * (1 + 1e-9)
    assert all(total(wanted, found) <= total(wanted, choice) + 1e-9 for choice in possible)


def test_a_budget_that_is_just_met() -> None:
    assert least_within([[3, 1], [3, 1]], [[1, 2], [1, 2]], 4) == [1, 1]
    assert least_within([[3, 1], [4, 1]], [[1, 2], [1, 2]], 3) == [0, 1]
    assert least_within([[3, 1], [4, 1]], [[1, 2], [1, 2]], 1.9) is None
    assert least_within([], [], 1) == []


@pytest.mark.parametrize("size", [0.0, 1e-12])
def test_what_takes_nothing_is_always_possible(size: float) -> None:
    assert least_within([[2, 1]], [[0, size]], 1e-3) == [1]
