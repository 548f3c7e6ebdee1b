"""The Pareto front: what is not beaten in every respect by something else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pqc.numerics.arrays import FloatArray


def front(values: Sequence[Sequence[float]], maximize: Sequence[bool]) -> list[int]:
    """Indices, ascending, of the rows that no other row dominates.

    One row dominates another if it is at least as good in every column and better in one. Rows that are equal do not
    dominate each other, so all or none of them are on the front.

    Args:
        values: [points][objectives].
        maximize: for each objective, whether more is better.

    Raises:
        ValueError: a row has not one value for each objective, or a value is NaN.
    """
    if any(len(row) != len(maximize) for row in values):
        raise ValueError(f"every point needs {len(maximize)} values, one for each objective")
    if not values or not maximize:
        return list(range(len(values)))
    costs = np.asarray(values, np.float64) * np.where(np.asarray(maximize, bool), -1.0, 1.0)
    if np.isnan(costs).any():
        raise ValueError("NaN cannot be compared")
    # Whatever dominates a row stands before it in lexicographic order, and so does something on the front that does.
    order = np.lexsort(costs.T[::-1])
    kept: FloatArray = np.empty((0, costs.shape[1]))
    chosen: list[int] = []
    for index in order:
        row = costs[index]
        if not ((kept <= row).all(axis=1) & (kept < row).any(axis=1)).any():
            chosen.append(int(index))
            kept = np.vstack([kept, row])
    return sorted(chosen)
