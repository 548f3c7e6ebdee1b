"""Tables fitted to what a layer should give: regularized least squares over all its subspaces at once.

The codes of one position, one-hot, are a row of a matrix A [positions, subspaces * prototypes]; the layer gives
A T + b. Least squares finds the table T and the bias b that come closest to a target, with a ridge that pulls T
towards a prior (the products of prototypes and weights), so that rarely used entries keep a sensible value.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.codebook import normal_matrix
from pqc.codebook.bounds import Bounds
from pqc.codebook.dual_refit import DualRefit
from pqc.codebook.iterative_solver import IterativeSolver
from pqc.codebook.normal_matrix import count_pairs, regularized
from pqc.codebook.one_hot import OneHotParts
from pqc.codebook.positive_solver import PositiveSolver
from pqc.codebook.rounding import Curvature
from pqc.numerics.arrays import FloatArray, IntArray

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]

MOST_FEATURES = 16384
"""Entries an output that are counted in pairs, which takes 1 GiB; beyond, positions are compared."""

LARGEST_WORK = 2e12
"""The most that comparing positions may cost, in multiplications of float32 numbers: some twenty seconds of a core."""

ENOUGH_BITS = 8
"""Bits of a table whose entries may be rounded each by itself where fewer positions than entries are seen: that adds
less than a thousandth of the variance, and equations for each entry, which avoid it, take longer than all else. With 4
bits it would add a tenth."""

INVERSE_WORK = 8
"""What inverting a matrix of n rows costs, in units of n^3 such multiplications."""


class Refit(Protocol):
    """Least squares that have been set up for codes and targets."""

    def retarget(self, codes: IntArray, target: FloatArray) -> None:
        """Replace all targets, for the same codes in the same order."""
        ...

    def retarget_visible(
        self, codes: IntArray, target: FloatArray, bounds: Bounds, table: FloatArray, bias: FloatArray
    ) -> None:
        """Replace all targets by those of :meth:`visible`."""
        ...

    def visible(
        self, codes: IntArray, target: FloatArray, bounds: Bounds, table: FloatArray, bias: FloatArray
    ) -> Float32:
        """What of ``target`` is visible behind ``bounds``, next to what ``table`` and ``bias`` give."""
        ...

    def solve(self, prior: FloatArray, ridge: float) -> tuple[Float32, Float64]:
        """The table and the bias of least squared error, see :meth:`TableRefit.solve`."""
        ...

    def curvature(self, ridge: float) -> Curvature | None:
        """What an error in the table costs, the pull towards the prior included; None where that is too large."""
        ...


def refit_of(codes: IntArray, prototypes: int, target: FloatArray, times: IntArray | None = None) -> Refit:
    """Least squares of ``codes`` [positions, subspaces] and ``target`` [positions, outputs], in the cheaper form.

    Each position counts as often as ``times`` [positions] says, by default once.
    """
    positions, subspaces = codes.shape
    features = subspaces * prototypes
    if positions < features and (positions <= normal_matrix.MOST_FACTORED or features > MOST_FEATURES):
        return DualRefit(codes, prototypes, target, times)
    equations = TableRefit(subspaces, prototypes, target.shape[1])
    equations.add(codes, target, times)
    return equations


def worthwhile_curvature(equations: Refit, ridge: float, table_bits: int) -> Curvature | None:
    """The curvature, but None where it takes longer than it is worth for tables of ``table_bits`` or more."""
    if isinstance(equations, DualRefit) and table_bits >= ENOUGH_BITS:
        return None
    return equations.curvature(ridge)


def affordable_positions(features: int, most: int) -> int:
    """How many positions the refit of ``features`` entries an output may look at: ``most``, unless it took too long.

    It does where there is a row for each position, because there are more entries than can be counted in pairs.
    """
    if features <= MOST_FEATURES:
        return most
    low, high = 1, most
    while low < high:
        middle = (low + high + 1) // 2
        fits = middle**2 * (features + INVERSE_WORK * middle) <= LARGEST_WORK
        low, high = (middle, high) if fits else (low, middle - 1)
    return low


class TableRefit:
    """The normal equations of one layer, accumulated position by position.

    ``add`` any number of times, then ``solve``. Positions are rows: codes [positions, subspaces] and targets
    [positions, outputs]; ``metrics.rows`` brings [frames, features,
    columns] into this form.
    """

    def __init__(self, subspaces: int, prototypes: int, outputs: int) -> None:
        features = subspaces * prototypes
        self.shape = (subspaces, prototypes, outputs)
        self.positions = 0
        self._ones = OneHotParts(prototypes)
        # float32 holds counts up to 2^24 exactly
        kind = np.float64 if features <= normal_matrix.MOST_EXACT else np.float32
        self._gram: FloatArray = np.zeros((features, features), kind)
        self._products: Float64 = np.zeros((features, outputs))
        self._total: Float64 = np.zeros(outputs)
        self._times: Float32 = np.zeros((0, 1), np.float32)
        self._solver: tuple[float, PositiveSolver | IterativeSolver] | None = None

    def add(self, codes: IntArray, target: FloatArray, times: IntArray | None = None) -> None:
        """Account for more positions: ``codes`` [positions, subspaces] and the ``target`` [positions, outputs].

        Each counts as often as ``times`` [positions] says, by default once.
        """
        self._check(codes, target)
        self._solver = None
        often = np.ones(len(codes), np.int64) if times is None else times
        self.positions += int(often.sum())
        count_pairs(codes, self.shape[1], often, self._gram)
        column = often[:, None].astype(np.float32)
        self._times = np.concatenate([self._times, column])
        self._add_products(codes, target, column)

    def retarget(self, codes: IntArray, target: FloatArray) -> None:
        """Replace all targets, for the same codes in the same order, at a small part of the cost of ``add``.

        Raises:
            ValueError: there are more or fewer positions than were added.
        """
        self._check_same(codes, target)
        self._products, self._total = np.zeros_like(self._products), np.zeros_like(self._total)
        self._add_products(codes, target, self._times)

    def retarget_visible(
        self, codes: IntArray, target: FloatArray, bounds: Bounds, table: FloatArray, bias: FloatArray
    ) -> None:
        """Replace all targets by those of :meth:`visible`; predicting and adding up share the one-hot rows.

        Raises:
            ValueError: there are more or fewer positions than were added.
        """
        self._check_same(codes, target)
        flat, start = _flat(table, bias)
        visible = np.empty(target.shape, np.float32)

        def look(part: slice, rows: Float32) -> Float32:
            visible[part] = bounds.part(part).visible(target[part], rows @ flat + start)
            visible[part] *= self._times[part]
            return rows.T @ visible[part]

        self._products = np.zeros_like(self._products)
        for product in self._ones.each(codes, look):
            self._products += product
        self._total = visible.sum(axis=0, dtype=np.float64)

    def visible(
        self, codes: IntArray, target: FloatArray, bounds: Bounds, table: FloatArray, bias: FloatArray
    ) -> Float32:
        """What of ``target`` is visible behind ``bounds``, next to what ``table`` and ``bias`` give."""
        self._check(codes, target)
        flat, start = _flat(table, bias)
        visible = np.empty(target.shape, np.float32)

        def look(part: slice, rows: Float32) -> None:
            visible[part] = bounds.part(part).visible(target[part], rows @ flat + start)

        self._ones.each(codes, look)
        return visible

    def _add_products(self, codes: IntArray, target: FloatArray, times: Float32) -> None:
        """Add what every code of every subspace meets of the target, and the target, ``times`` [positions, 1]."""

        def look(part: slice, rows: Float32) -> tuple[Float32, Float64]:
            counted = (target[part] * times[part]).astype(np.float32, copy=False)
            return rows.T @ counted, counted.sum(axis=0, dtype=np.float64)

        for product, total in self._ones.each(codes, look):
            self._products += product
            self._total += total

    def solve(self, prior: FloatArray, ridge: float) -> tuple[Float32, Float64]:
        """The table [subspaces, prototypes, outputs] and the bias [outputs] of least squared error.

        ``ridge`` weighs the squared distance from ``prior`` (a table), relative to the mean number of positions
        that fall on one prototype. The bias is not held back.

        Raises:
            ValueError: nothing was added, the ridge is not positive, or the prior's shape is another one.
        """
        if self.positions < 1 or ridge <= 0 or prior.shape != self.shape:
            raise ValueError(
                f"refit of {self.positions} positions with ridge {ridge} towards a table {prior.shape}: needs at least "
                f"one position, a positive ridge and a table {self.shape}"
            )
        counts = np.diagonal(self._gram)
        flat = prior.reshape(-1, self.shape[2]).astype(np.float64)
        missing = self._products - self._gram @ flat.astype(self._gram.dtype)
        mean = (self._total - counts @ flat) / self.positions
        change = self._solver_for(ridge).solve(missing - counts[:, None] * mean)
        bias = mean - counts @ change / self.positions
        return (flat + change).astype(np.float32).reshape(self.shape), bias

    def curvature(self, ridge: float) -> Curvature | None:
        """See :meth:`Refit.curvature`."""
        if self._gram.shape[0] > normal_matrix.MOST_EXACT:
            return None
        self._solver = None  # three matrices at once are enough
        return Curvature.of(self._matrix(ridge), np.diagonal(self._gram) / self.positions)

    def _solver_for(self, ridge: float) -> PositiveSolver | IterativeSolver:
        """The centered and regularized normal matrix, factored and kept for the next targets."""
        if self._solver is not None and self._solver[0] == ridge:
            return self._solver[1]
        counts = np.diagonal(self._gram)
        if len(counts) > normal_matrix.MOST_FACTORED:
            solver = IterativeSolver(self._gram, counts, self.positions, ridge * self.positions / self.shape[1])
        else:
            solver = PositiveSolver(self._matrix(ridge))
        self._solver = (ridge, solver)
        return solver

    def _matrix(self, ridge: float) -> Float64:
        """The centered and regularized normal matrix."""
        return regularized(self._gram, self.positions, ridge * self.positions / self.shape[1])

    def _check_same(self, codes: IntArray, target: FloatArray) -> None:
        """Refuse anything but new targets for the positions that were added."""
        self._check(codes, target)
        if len(codes) != len(self._times):
            raise ValueError(f"{len(codes)} new targets for {len(self._times)} positions, they must be as many")

    def _check(self, codes: IntArray, target: FloatArray) -> None:
        """Refuse codes and targets that do not belong together or to this layer."""
        subspaces, prototypes, outputs = self.shape
        if codes.shape[1:] != (subspaces,) or target.shape != (len(codes), outputs):
            raise ValueError(
                f"codes {codes.shape} and target {target.shape}, they must be [positions, {subspaces}] and "
                f"[positions, {outputs}]"
            )
        if codes.size and int(codes.max()) >= prototypes:
            raise ValueError(f"code {int(codes.max())}, allowed are 0 to {prototypes - 1}")


def bounded_refit(
    equations: Refit,
    codes: IntArray,
    target: FloatArray,
    bounds: Bounds,
    prior: FloatArray,
    ridge: float,
    rounds: int,
) -> tuple[Float32, Float64]:
    """Least squares of what remains visible behind bounds: table and bias, as ``TableRefit.solve`` gives them.

    ``equations`` already hold ``codes`` and ``target`` (see ``TableRefit.add``). Where the target lies beyond a bound,
    only what falls short of the bound is an error. Each of the ``rounds`` moves those targets to the last prediction,
    cut off at the bound, and solves again, which never adds to the error.
    """
    table, bias = equations.solve(prior, ridge)
    for _ in range(rounds):
        equations.retarget_visible(codes, target, bounds, table, bias)
        table, bias = equations.solve(prior, ridge)
    return table, bias


def _flat(table: FloatArray, bias: FloatArray) -> tuple[Float32, Float32]:
    """The factor of one-hot rows and what is added to their product."""
    return table.reshape(-1, table.shape[2]).astype(np.float32), bias.astype(np.float32)
