"""One of several variants for each of several things, so that a sum is least and another one stays within a budget.

A budget of ``STEPS`` steps is shared out, thing after thing. What a variant takes is rounded to whole steps, down at
first: if the result fits nonetheless, there is no better one. The solvers of integer programs that there are print what
they do, or are larger than this program.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from pqc.numerics.arrays import IntArray

STEPS = 1 << 16
"""Into so many parts a budget is divided."""


def least_within(
    wanted: Sequence[Sequence[float]], limited: Sequence[Sequence[float]], budget: float
) -> list[int] | None:
    """Which variant of each thing makes the sum of ``wanted`` least, with the sum of ``limited`` within ``budget``.

    Both have a number, not negative, for each variant of each thing. None where nothing fits.
    """
    rounded: tuple[Callable[[float], int], ...] = (math.floor, math.ceil)
    for whole in rounded:
        taken = [[min(whole(size / budget * STEPS), STEPS + 1) for size in sizes] for sizes in limited]
        found = _least(wanted, taken)
        if found is None or sum(sizes[index] for sizes, index in zip(limited, found, strict=True)) <= budget:
            return found
    return None


def _least(wanted: Sequence[Sequence[float]], taken: Sequence[Sequence[int]]) -> list[int] | None:
    """The best choice that takes no more than all steps."""
    least = np.zeros(STEPS + 1)
    picked: list[IntArray] = []
    for costs, steps in zip(wanted, taken, strict=True):
        tried = np.full((len(costs), STEPS + 1), np.inf)
        for row, cost, step in zip(tried, costs, steps, strict=True):
            row[step:] = least[: STEPS + 1 - step] + cost
        picked.append(tried.argmin(axis=0))
        least = tried.min(axis=0)
    if not np.isfinite(least[STEPS]):
        return None
    left, found = STEPS, [0] * len(picked)
    for thing in reversed(range(len(picked))):
        found[thing] = int(picked[thing][left])
        left -= taken[thing][found[thing]]
    return found
