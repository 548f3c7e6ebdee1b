"""Systems of linear equations with one symmetric positive definite matrix and right sides that come one by one."""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import FloatArray

BLOCK = 256
"""Rows that are solved for together: their part of the factor is inverted once, the rest are matrix products."""


class PositiveSolver:
    """The Cholesky factor of a matrix [rows, rows]: a sixth of the work of its inverse, and less rounding."""

    def __init__(self, matrix: FloatArray) -> None:
        """Factor the ``matrix``, float64.

        Raises:
            numpy.linalg.LinAlgError: it is not positive definite.
        """
        self._factor = np.linalg.cholesky(matrix)
        self._blocks = [slice(first, first + BLOCK) for first in range(0, len(matrix), BLOCK)]
        self._inverses = [np.linalg.inv(self._factor[block, block]) for block in self._blocks]

    def solve(self, right: FloatArray) -> FloatArray:
        """The x [rows, columns] with ``matrix @ x = right``."""
        x = np.array(right)
        steps = list(zip(self._blocks, self._inverses, strict=True))
        for block, inverse in steps:
            x[block] = inverse @ (x[block] - self._factor[block, : block.start] @ x[: block.start])
        for block, inverse in reversed(steps):
            x[block] = inverse.T @ (x[block] - self._factor[block.stop :, block].T @ x[block.stop :])
        return x
