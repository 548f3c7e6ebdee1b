"""The codes of many subvectors."""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import IntArray
from pqc.numerics.encode import Metric, nearest_prototype
from pqc.workers import in_parallel

POSITIONS_AT_ONCE = 8192
"""Positions that each thread encodes at a time."""


def codes_of(vectors: IntArray, codebook: IntArray, metric: Metric) -> IntArray:
    """The codes [positions, subspaces] of ``vectors`` [subspaces, positions, length].

    ``codebook`` [subspaces, prototypes, length] lies on the same grid.
    """
    subspaces, positions, _ = vectors.shape
    codes = np.empty((positions, subspaces), np.uint8 if codebook.shape[1] <= 256 else np.uint16)

    def encode(first: int) -> None:
        part = slice(first, first + POSITIONS_AT_ONCE)
        codes[part] = nearest_prototype(vectors[:, part].transpose(0, 2, 1)[None], codebook, metric)[0].T

    in_parallel(encode, range(0, positions, POSITIONS_AT_ONCE))
    return codes
