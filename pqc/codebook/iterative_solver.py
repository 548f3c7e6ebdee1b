"""Normal equations of large tables, solved step by step: conjugate gradients instead of a factor.

A factor of n rows takes n^3 / 3 multiplications, a step n^2 for each column; some twenty steps are enough because
blocks along the diagonal, subspaces that lie next to each other, are solved exactly in each step. (Block Jacobi
preconditioning: Y. Saad, Iterative methods for sparse linear systems, 2003, chapters 9 and 10.)
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import FloatArray
from pqc.workers import in_parallel

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]

BLOCK = 1024
"""Rows of a block that is solved exactly."""

TOLERANCE = 3e-3
"""Steps end when what is left of each right side is this part of it; the table is rounded to 8 bits afterwards."""

MOST_STEPS = 60
"""Steps, at most."""


class IterativeSolver:
    """The x with ``(gram - counts counts' / positions + pull) x = right``, for right sides that resemble each other."""

    def __init__(self, gram: FloatArray, counts: FloatArray, positions: int, pull: float) -> None:
        """``gram`` [rows, rows] symmetric, ``counts`` [rows]; ``pull`` is added to the diagonal.

        A gram matrix of float32 is not copied, and must not change while the solver is in use.

        Raises:
            numpy.linalg.LinAlgError: the matrix is not positive definite.
        """
        self._gram = gram.astype(np.float32, copy=False)
        self._counts = counts.astype(np.float32)[:, None]
        self._positions = np.float32(positions)
        self._pull = np.float32(pull)
        self._blocks = [slice(first, min(first + BLOCK, len(gram))) for first in range(0, len(gram), BLOCK)]
        self._inverses = in_parallel(self._inverse, self._blocks)
        self._last: Float32 | None = None

    def solve(self, right: FloatArray) -> Float64:
        """The x [rows, columns] for one right side, beginning with the x of the last one."""
        wanted = right.astype(np.float32)
        x: Float32 = np.zeros_like(wanted) if self._last is None else self._last
        left = wanted - self._times(x)
        limit = TOLERANCE * np.linalg.norm(wanted, axis=0)
        ahead = self._precondition(left)
        direction, weight = ahead.copy(), _dot(left, ahead)
        for _ in range(MOST_STEPS):
            if (np.linalg.norm(left, axis=0) <= limit).all():
                break
            image = self._times(direction)
            step = _ratio(weight, _dot(direction, image))
            x = (x + step * direction).astype(np.float32, copy=False)
            left -= step * image
            ahead = self._precondition(left)
            before, weight = weight, _dot(left, ahead)
            direction = (ahead + _ratio(weight, before) * direction).astype(np.float32, copy=False)
        self._last = x
        return x.astype(np.float64)

    def _times(self, x: Float32) -> Float32:
        """The matrix times ``x``, a block of rows at a time."""
        common = (self._counts.T @ x / self._positions).astype(np.float32, copy=False)

        def rows(block: slice) -> Float32:
            result = self._gram[block] @ x
            result += self._pull * x[block]
            result -= self._counts[block] * common
            return result

        return np.concatenate(in_parallel(rows, self._blocks))

    def _precondition(self, x: Float32) -> Float32:
        """Every block of ``x`` as if there were no others."""
        pieces = zip(self._inverses, self._blocks, strict=True)
        return np.concatenate(in_parallel(lambda piece: piece[0] @ x[piece[1]], list(pieces)))

    def _inverse(self, block: slice) -> Float32:
        counts = self._counts[block].astype(np.float64)
        part = self._gram[block, block] - counts @ counts.T / float(self._positions)
        part[np.diag_indices_from(part)] += float(self._pull)
        np.linalg.cholesky(part)
        return np.linalg.inv(part).astype(np.float32)


def _dot(left: Float32, right: Float32) -> Float32:
    """The product of each pair of columns."""
    return np.einsum("rc,rc->c", left, right)


def _ratio(above: Float32, below: Float32) -> Float32:
    """Quotients; a column that is solved exactly goes nowhere."""
    return np.where(below > 0, above / np.where(below > 0, below, 1), 0).astype(np.float32)
