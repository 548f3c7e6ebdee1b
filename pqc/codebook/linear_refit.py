"""The refit of a conventional layer behind product-quantized ones: its weights for what it actually sees.

A layer that is not product-quantized still sees inputs that the layers before it have changed: their variance has
shrunk, and their errors have a direction. Least squares moves its weights and its bias to where its results come
closest to the float network's. How far they may move (the ridge) is decided on frames that were left out.

A change of the weights that no position sees would only cost, so that the change lies in the space that the positions
span. Where these are few (a classifier of 2,048 elements on some dozens of frames), it is solved for in that space.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.codebook.fit_options import FitOptions
from pqc.codebook.one_hot import parts
from pqc.codebook.rows import LayerData, Rows, rows_at
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.grouping import Cut

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]

RIDGES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""What is tried, relative to the mean square of the layer's inputs; keeping the weights as they are is tried too."""

FOLDS = 2
"""Parts of the frames; each is left out once."""

MOST_ELEMENTS = 2048
"""Windows of a group with more elements than that keep their weights: equations of that size would take minutes."""

FEW = 4
"""Positions are few where so many times as many are still fewer than a window's elements."""


def refit_weights(
    data: LayerData, bias: FloatArray, groups: int, options: FitOptions, layer: int = 0
) -> tuple[Float32, Float32]:
    """Better weights [outputs, elements of a group's window] and bias [outputs] for what the layer sees.

    ``data.weight`` and ``bias`` are the present ones; ``layer`` makes the choice of positions differ from that of other
    layers. Where bounds hide what lies beyond them, further rounds look only at what remains visible. Where frames
    that are left out say that no change is better, or there is no frame to leave out, the weights stay as they are.
    """
    width = data.weight.shape[1]
    start = np.concatenate([data.weight, bias[:, None]], axis=1, dtype=np.float32)
    present = start
    if data.target.shape[0] >= FOLDS and width <= MOST_ELEMENTS:
        (seed,) = np.random.SeedSequence((options.seed, layer)).generate_state(1).tolist()
        rows = rows_at(data, Cut(groups, 1, width), data.positions(options.refit_positions, seed))
        equations = _Equations(rows, data.scale, start)
        ridge = equations.best_ridge()
        if ridge is not None:
            present = equations.solve(ridge)
            for _ in range(options.bound_rounds):
                present = equations.solve(ridge, present)
    return present[:, :-1], present[:, -1]


class _Equations:
    """Least squares for the change of a layer's weights and bias, apart for each fold of the frames."""

    def __init__(self, rows: Rows, scale: float, start: Float32) -> None:
        """``start`` [outputs, elements + 1] are the weights and the bias that are to change."""
        groups, positions, width = rows.vectors.shape
        self._rows = rows
        self._times = rows.times[:, None].astype(np.float32)
        self._start = start
        self._folds = [np.flatnonzero(rows.frames % FOLDS == fold) for fold in range(FOLDS)]
        self._x = np.ones((groups, positions, width + 1), np.float32)
        np.multiply(rows.vectors, np.float32(scale), out=self._x[:, :, :width])
        self._elements = width
        self._basis = _basis(self._x[:, :, :width]) if FEW * positions < width else None
        self._seen = self._x if self._basis is None else _in_basis(self._x, self._basis)
        self._grams = [self._gram(fold) for fold in self._folds]

    def best_ridge(self) -> float | None:
        """The ridge that does best on frames left out, None where no change does better."""
        products = [self._products(fold, None) for fold in self._folds]
        gains: dict[float | None, float] = {None: 0.0}
        for ridge in RIDGES:
            gains[ridge] = 0.0
            for left_out in range(FOLDS):
                gram = _sum(self._grams[:left_out] + self._grams[left_out + 1 :])
                change = self._change(gram, _sum(products[:left_out] + products[left_out + 1 :]), ridge)
                gains[ridge] += _gain(self._grams[left_out], products[left_out], change)
        return max(gains, key=lambda ridge: gains[ridge])

    def solve(self, ridge: float, present: Float32 | None = None) -> Float32:
        """The weights and bias [outputs, elements + 1] nearest to the target, or to what is visible by ``present``."""
        products = _sum([self._products(fold, present) for fold in self._folds])
        change = self._change(_sum(self._grams), products, ridge)
        if self._basis is not None:
            change = np.concatenate([self._basis @ change[:, :-1], change[:, -1:]], axis=1)
        return (self._start + change.transpose(0, 2, 1).reshape(self._start.shape)).astype(np.float32)

    def _change(self, gram: Float64, products: Float64, ridge: float) -> Float64:
        """The change of least squared error, of weights with a pull back, of the bias without: as ``products``."""
        width = gram.shape[1] - 1
        squares = np.diagonal(gram, axis1=1, axis2=2)[:, :width].sum(axis=1) / self._elements
        pull = np.zeros_like(gram)
        # inputs that are always zero leave nothing to solve for
        pull[:, range(width), range(width)] = np.maximum(ridge * squares, np.finfo(np.float64).tiny)[:, None]
        return np.linalg.solve(gram + pull, products).astype(np.float64, copy=False)

    def _gram(self, fold: IntArray) -> Float64:
        """[groups, seen + 1, seen + 1], of the inputs (in the basis, where there is one) and a one behind them."""
        groups, _, width = self._seen.shape
        total: Float64 = np.zeros((groups, width, width))
        for piece in self._pieces(fold):
            x = self._seen[:, piece]
            total += x.transpose(0, 2, 1) @ (self._times[piece] * x)
        return total

    def _products(self, fold: IntArray, present: Float32 | None) -> Float64:
        """The inputs times what the start leaves of what is aimed at, [groups, seen + 1, outputs of a group]."""
        groups, _, width = self._seen.shape
        start = _by_group(self._start, groups)
        total: Float64 = np.zeros((groups, width, start.shape[2]))
        for piece in self._pieces(fold):
            x, wanted = self._x[:, piece], self._rows.target[piece]
            if present is not None:
                prediction = (x @ _by_group(present, groups)).transpose(1, 0, 2).reshape(len(piece), -1)
                wanted = self._rows.bounds.part(piece).visible(wanted, prediction)
            missing = wanted.reshape(len(piece), groups, -1).transpose(1, 0, 2) - x @ start
            total += self._seen[:, piece].transpose(0, 2, 1) @ (self._times[piece] * missing)
        return total

    def _pieces(self, fold: IntArray) -> list[IntArray]:
        """Some positions of a fold at a time."""
        return [fold[part] for part in parts(len(fold), self._x.shape[0] * self._x.shape[2])]


def _by_group(weights: Float32, groups: int) -> Float32:
    """[outputs, elements + 1] as [groups, elements + 1, outputs of a group]."""
    return weights.reshape(groups, -1, weights.shape[1]).transpose(0, 2, 1)


def _sum(arrays: list[Float64]) -> Float64:
    total: Float64 = np.add.reduce(arrays)
    return total


def _basis(x: Float32) -> Float64:
    """An orthonormal basis [groups, elements, positions] of the space that ``x`` [groups, positions, elements] spans.

    There must not be more positions than elements.
    """
    return np.linalg.qr(x.transpose(0, 2, 1).astype(np.float64)).Q


def _in_basis(x: Float32, basis: Float64) -> Float32:
    """``x`` [groups, positions, elements + 1] by its coordinates, with the ones behind them as they are."""
    return np.concatenate([x[:, :, :-1] @ basis, x[:, :, -1:]], axis=2, dtype=np.float32)


def _gain(gram: Float64, products: Float64, change: Float64) -> float:
    """By how much ``change`` lowers the squared error."""
    return float((change * (2 * products - gram @ change)).sum())
