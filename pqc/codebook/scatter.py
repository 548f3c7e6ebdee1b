"""How much codes leave open: the scatter of subvectors around the mean of those with the same code."""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import FloatArray, IntArray


def scatter(vectors: IntArray, codes: IntArray, prototypes: int, metric: FloatArray, times: IntArray) -> float:
    """The mean of d^T metric d over all vectors, d the difference from the mean of all with the same code.

    ``vectors`` [subspaces, samples, length], ``codes`` [samples, subspaces], ``metric`` [subspaces, length, length];
    summed over subspaces. Each sample counts as often as ``times`` [samples] says. Where tables are fitted, this is
    what no table can give.
    """
    total = 0.0
    for s, x in enumerate(vectors.astype(np.float64)):
        chosen = (codes[:, s, None] == np.arange(prototypes)) * times[:, None].astype(np.float64)
        means = chosen.T @ x / np.maximum(chosen.sum(axis=0), 1)[:, None]
        rest = x - means[codes[:, s]]
        total += float(times @ ((rest @ metric[s]) * rest).sum(axis=1))
    return total / max(1, int(times.sum()))
