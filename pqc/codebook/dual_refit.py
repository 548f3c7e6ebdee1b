"""The refit of a table with more entries than there are positions: as many equations as positions.

With A the one-hot codes [positions, subspaces * prototypes] and r what a prior table leaves of the target, ridge
regression changes the table by (A'A + k)^-1 A'r. The same change is A'(AA' + k)^-1 r, whose matrix has a row for each
position, and the entry (i, j) of AA' is the number of subspaces in which positions i and j have the same code. A
position that counts several times is a row of A, and one of r, that is longer by the root of that number. (The dual
form of ridge regression: C. Saunders, A. Gammerman and V. Vovk, Ridge regression learning algorithm in dual variables,
1998.)
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.codebook import normal_matrix
from pqc.codebook.bounds import Bounds
from pqc.codebook.normal_matrix import count_pairs, regularized
from pqc.codebook.one_hot import one_hot, parts, predict
from pqc.codebook.positive_solver import PositiveSolver
from pqc.codebook.rounding import Curvature
from pqc.numerics.arrays import FloatArray, IntArray

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]


class DualRefit:
    """What :class:`pqc.codebook.refit.TableRefit` computes, for ``codes`` [positions, subspaces] known beforehand.

    Raises:
        ValueError: there are no positions.
    """

    def __init__(self, codes: IntArray, prototypes: int, target: FloatArray, times: IntArray | None = None) -> None:
        """Each position counts as often as ``times`` [positions] says, by default once."""
        if len(codes) < 1:
            raise ValueError("refit of 0 positions, needs at least one")
        self._codes = codes
        self._prototypes = prototypes
        self._target = target
        self._times = np.ones(len(codes), np.int64) if times is None else times
        self._positions = int(self._times.sum())
        self._share: Float64 = self._times / self._positions
        self._root: Float64 = np.sqrt(self._times)[:, None]
        self._solver: tuple[float, PositiveSolver] | None = None

    def retarget(self, codes: IntArray, target: FloatArray) -> None:
        """Replace all targets, for the same codes in the same order.

        Raises:
            ValueError: there are more or fewer positions.
        """
        if codes.shape != self._codes.shape or len(target) != len(self._codes):
            raise ValueError(f"{len(target)} new targets for {len(self._codes)} positions, they must be as many")
        self._target = target

    def retarget_visible(
        self, codes: IntArray, target: FloatArray, bounds: Bounds, table: FloatArray, bias: FloatArray
    ) -> None:
        """As :meth:`TableRefit.retarget_visible`.

        Raises:
            ValueError: there are more or fewer positions.
        """
        self.retarget(codes, self.visible(codes, target, bounds, table, bias))

    def visible(
        self, codes: IntArray, target: FloatArray, bounds: Bounds, table: FloatArray, bias: FloatArray
    ) -> Float32:
        """As :meth:`TableRefit.visible`."""
        return bounds.visible(target, predict(codes, table, bias))

    def solve(self, prior: FloatArray, ridge: float) -> tuple[Float32, Float64]:
        """The table [subspaces, prototypes, outputs] and the bias [outputs] of least squared error.

        ``ridge`` weighs the squared distance from ``prior`` as in :meth:`TableRefit.solve`.

        Raises:
            ValueError: the ridge is not positive, or the prior's shape is another one.
        """
        outputs: int = self._target.shape[1]
        shape = (self._codes.shape[1], self._prototypes, outputs)
        if ridge <= 0 or prior.shape != shape:
            raise ValueError(
                f"refit with ridge {ridge} towards a table {prior.shape}: needs a positive ridge and {shape}"
            )
        missing: Float64 = self._target.astype(np.float64) - predict(self._codes, prior, np.zeros(outputs, np.float32))
        mean = self._share @ missing
        weights = self._root * self._solver_for(ridge).solve(self._root * (missing - mean))
        change = np.empty((shape[0] * shape[1], outputs))
        used = np.empty(len(change))
        for part in self._subspaces():
            here = slice(part.start * self._prototypes, part.stop * self._prototypes)
            rows = one_hot(self._codes[:, part], self._prototypes)
            change[here] = rows.T @ weights.astype(np.float32)
            used[here] = self._share @ rows
        table = prior.astype(np.float64) + change.reshape(shape)
        return table.astype(np.float32), mean - used @ change

    def curvature(self, ridge: float) -> Curvature | None:
        """As :meth:`TableRefit.curvature`; for this there have to be as many equations as entries."""
        entries = self._codes.shape[1] * self._prototypes
        if entries > normal_matrix.MOST_EXACT:
            return None
        gram: Float64 = np.zeros((entries, entries))
        count_pairs(self._codes, self._prototypes, self._times, gram)
        pull = ridge * self._positions / self._prototypes
        return Curvature.of(regularized(gram, self._positions, pull), np.diagonal(gram) / self._positions)

    def _solver_for(self, ridge: float) -> PositiveSolver:
        """The centered and regularized matrix of common codes, factored and kept for the next targets."""
        if self._solver is not None and self._solver[0] == ridge:
            return self._solver[1]
        positions = len(self._codes)
        common: Float64 = np.zeros((positions, positions))
        for part in self._subspaces():
            rows = one_hot(self._codes[:, part], self._prototypes)
            common += rows @ rows.T
        mean = common @ self._share
        common += mean @ self._share - mean - mean[:, None]
        common *= self._root * self._root.T
        common[np.diag_indices(positions)] += ridge * self._positions / self._prototypes
        solver = PositiveSolver(common)
        self._solver = (ridge, solver)
        return solver

    def _subspaces(self) -> list[slice]:
        """Runs of subspaces whose one-hot columns fit the memory bound."""
        return parts(self._codes.shape[1], len(self._codes) * self._prototypes)
