"""Tables fitted to what a layer should give: regularized least squares over all its subspaces at once.

The codes of one position, one-hot, are a row of a matrix A [positions, subspaces * prototypes]; the layer gives
A T + b. Least squares finds the table T and the bias b that come closest to a target, with a ridge that pulls T
towards a prior (the products of prototypes and weights), so that rarely used entries keep a sensible value.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.codebook.dual_refit import DualRefit
from pqc.codebook.one_hot import one_hot, parts, predict
from pqc.numerics.arrays import FloatArray, IntArray

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]

LARGEST_WORK = 2e12
"""The most that one refit may cost, in multiplications of float32 numbers: some twenty seconds of one core."""

INVERSE_WORK = 8
"""What inverting a matrix of n rows costs, in units of n^3 such multiplications."""


class Refit(Protocol):
    """Least squares that have been set up for codes and targets."""

    def retarget(self, codes: IntArray, target: FloatArray) -> None:
        """Replace all targets, for the same codes in the same order."""
        ...

    def solve(self, prior: FloatArray, ridge: float) -> tuple[Float32, Float64]:
        """The table and the bias of least squared error, see :meth:`TableRefit.solve`."""
        ...


def refit_of(codes: IntArray, prototypes: int, target: FloatArray) -> Refit:
    """Least squares of ``codes`` [positions, subspaces] and ``target`` [positions, outputs], in the cheaper form."""
    positions, subspaces = codes.shape
    if positions < subspaces * prototypes:
        return DualRefit(codes, prototypes, target)
    equations = TableRefit(subspaces, prototypes, target.shape[1])
    equations.add(codes, target)
    return equations


def affordable_positions(features: int, most: int) -> int:
    """How many positions the refit of ``features`` entries an output may look at: ``most``, unless it took too long.

    One matrix product and one inverse count, in the cheaper of both forms: with a row for each entry, or for each
    position.
    """
    direct = (LARGEST_WORK - INVERSE_WORK * features**3) / features**2
    if direct >= features:
        return min(most, int(direct))
    low, high = 1, features
    while low < high:
        middle = (low + high + 1) // 2
        fits = middle**2 * (features + INVERSE_WORK * middle) <= LARGEST_WORK
        low, high = (middle, high) if fits else (low, middle - 1)
    return min(most, low)


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
        self._gram: Float64 = np.zeros((features, features))
        self._products: Float64 = np.zeros((features, outputs))
        self._total: Float64 = np.zeros(outputs)
        self._solver: tuple[float, Float64] | None = None

    def add(self, codes: IntArray, target: FloatArray) -> None:
        """Account for more positions: ``codes`` [positions, subspaces] and the ``target`` [positions, outputs]."""
        self._check(codes, target)
        self._solver = None
        self.positions += len(codes)
        self._gram += _pairs(codes, self.shape[1])
        for part in parts(len(codes), self._gram.shape[0]):
            self._products += one_hot(codes[part], self.shape[1]).T @ target[part].astype(np.float32)
        self._total += target.sum(axis=0, dtype=np.float64)

    def retarget(self, codes: IntArray, target: FloatArray) -> None:
        """Replace all targets, for the same codes in the same order, at a small part of the cost of ``add``.

        Raises:
            ValueError: there are more or fewer positions than were added.
        """
        self._check(codes, target)
        if len(codes) != self.positions:
            raise ValueError(f"{len(codes)} new targets for {self.positions} positions, they must be as many")
        self._products = np.zeros_like(self._products)
        for part in parts(len(codes), self._gram.shape[0]):
            self._products += one_hot(codes[part], self.shape[1]).T @ target[part].astype(np.float32)
        self._total = target.sum(axis=0, dtype=np.float64)

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
        missing = self._products - self._gram @ flat
        mean = (self._total - counts @ flat) / self.positions
        change = self._inverse(ridge) @ (missing - counts[:, None] * mean)
        bias = mean - counts @ change / self.positions
        return (flat + change).astype(np.float32).reshape(self.shape), bias

    def _inverse(self, ridge: float) -> Float64:
        """The inverse of the centered and regularized normal matrix, kept for the next targets."""
        if self._solver is not None and self._solver[0] == ridge:
            return self._solver[1]
        counts = np.diagonal(self._gram).copy()
        matrix = self._gram - np.outer(counts, counts / self.positions)
        matrix[np.diag_indices_from(matrix)] += ridge * self.positions / self.shape[1]
        inverse = np.linalg.inv(matrix).astype(np.float64)
        self._solver = (ridge, inverse)
        return inverse

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
    floor: FloatArray | float,
    ceiling: FloatArray | float,
    prior: FloatArray,
    ridge: float,
    rounds: int,
) -> tuple[Float32, Float64]:
    """Least squares of what remains visible behind bounds: table and bias, as ``TableRefit.solve`` gives them.

    ``equations`` already hold ``codes`` and ``target`` (see ``TableRefit.add``). ``floor`` and ``ceiling`` (broadcast
    to the target, infinite where there is none) are what the result is cut off at: behind a ReLU the floor is 0, less
    the shortcut where one is added before. Where the target lies beyond a bound, only what falls short of the bound
    is an error. Each of the ``rounds`` moves those targets to the last prediction, cut off at the bound, and solves
    again, which never adds to the error.
    """
    table, bias = equations.solve(prior, ridge)
    for _ in range(rounds):
        equations.retarget(codes, visible_target(target, floor, ceiling, predict(codes, table, bias)))
        table, bias = equations.solve(prior, ridge)
    return table, bias


def visible_target(
    target: FloatArray, floor: FloatArray | float, ceiling: FloatArray | float, prediction: FloatArray
) -> Float32:
    """The target nearest to ``prediction`` that looks like ``target`` once cut off at ``floor`` and ``ceiling``."""
    above = np.where(target >= ceiling, np.maximum(prediction, ceiling), target)
    return np.where(target <= floor, np.minimum(prediction, floor), above).astype(np.float32)


def _pairs(codes: IntArray, prototypes: int) -> Float64:
    """How often two codes occur together: A^T A for the one-hot rows A, [subspaces * prototypes] squared.

    Counting is much quicker than the product, of which all but one in ``prototypes`` squared terms are zero.
    """
    subspaces = codes.shape[1]
    columns = np.ascontiguousarray(codes.T.astype(np.intp))
    counts = np.empty((subspaces, prototypes, subspaces, prototypes))
    for s, first in enumerate(columns * prototypes):
        for t in range(s, subspaces):
            both = np.bincount(first + columns[t], minlength=prototypes * prototypes).reshape(prototypes, prototypes)
            counts[s, :, t] = both
            counts[t, :, s] = both.T
    return counts.reshape(subspaces * prototypes, subspaces * prototypes)
