"""The matrix of the normal equations of one-hot rows: how often two codes occur together."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import FloatArray, IntArray
from pqc.workers import in_parallel

Float64: TypeAlias = npt.NDArray[np.float64]

MOST_FACTORED = 8192
"""Entries an output whose matrix is factored, which takes some seconds and 2 GiB; beyond, steps are taken instead."""

MOST_EXACT = 4096
"""Entries an output whose matrix is kept in float64, and whose table is rounded by it."""


def count_pairs(codes: IntArray, prototypes: int, times: IntArray, counts: FloatArray) -> None:
    """Add how often two codes occur together to ``counts`` [subspaces * prototypes, subspaces * prototypes].

    ``codes`` [positions, subspaces] count as often as ``times`` [positions] says. That is A^T A for the one-hot rows A,
    each so many times. Counting is much quicker than the product, of which all but one in ``prototypes`` squared terms
    are zero.
    """
    subspaces = codes.shape[1]
    columns = np.ascontiguousarray(codes.T.astype(np.intp))
    by_pair = counts.reshape(subspaces, prototypes, subspaces, prototypes)
    # sums of integers, which float64 holds exactly
    weights = times.astype(np.float64)

    def count_from(s: int) -> None:
        first = columns[s] * prototypes
        for t in range(s, subspaces):
            found = np.bincount(first + columns[t], weights, prototypes * prototypes)
            both = found.reshape(prototypes, prototypes)
            by_pair[s, :, t] += both
            if t > s:
                by_pair[t, :, s] += both.T

    in_parallel(count_from, range(subspaces))


def regularized(gram: FloatArray, positions: int, pull: float) -> Float64:
    """The matrix whose equations give the table next to a free bias, with ``pull`` added to its diagonal.

    ``gram`` [entries, entries] is what :func:`count_pairs` gives for so many ``positions``.
    """
    counts = np.diagonal(gram)
    matrix: Float64 = np.outer(counts, counts / -positions)
    matrix += gram
    matrix[np.diag_indices_from(matrix)] += pull
    return matrix
