"""Which codes a subvector can have, if no more is known of it than bounds for each element."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import IntArray
from pqc.numerics.encode import Metric


def reachable_codes(low: IntArray, high: IntArray, codebook: IntArray, metric: Metric) -> npt.NDArray[np.bool_]:
    """For each subspace the prototypes that may be nearest to some vector in [low, high]: [subspaces, prototypes].

    ``low`` and ``high`` [subspaces, length]; ``codebook`` [subspaces, prototypes, length], or [1, prototypes, length]
    where all subspaces share one. A prototype is out if another one is nearer to every vector of the box, because its
    largest distance is below the smallest of the one that is out; on ties, if it has the lower index. What is left may
    be more than what is met, never less. A box of one vector leaves just its code.
    """
    p = codebook.astype(np.int64)
    below, above = low.astype(np.int64)[:, None] - p, p - high.astype(np.int64)[:, None]
    nearest = _distance(np.maximum(np.maximum(below, above), 0), metric)
    farthest = _distance(np.maximum(np.abs(below), np.abs(above)), metric)
    # the lowest bound that prototypes before and behind each one give
    limit = np.full((len(nearest), 1), np.iinfo(np.int64).max)
    before = np.concatenate([limit, np.minimum.accumulate(farthest, axis=1)[:, :-1]], axis=1)
    behind = np.concatenate([np.minimum.accumulate(farthest[:, ::-1], axis=1)[:, ::-1][:, 1:], limit], axis=1)
    return (nearest < before) & (nearest <= behind)


def _distance(difference: IntArray, metric: Metric) -> IntArray:
    """The distance of differences that are not negative, [..., length]."""
    if metric is Metric.L2:
        return np.square(difference).sum(axis=-1)
    return difference.sum(axis=-1) if metric is Metric.L1 else difference.max(axis=-1)
