"""Prototypes moved to where the layer's result is best, by gradient descent on the layer alone.

K-means places prototypes where a subspace's vectors are; what counts is the layer's result, in which all subspaces
add up. Here a layer's prototypes, table and bias follow the gradient of the error behind its ReLU together
(:mod:`pqc.codebook.soft_lookup`). The table found on the way is thrown away: the refit finds the best one for the new
codes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.codebook.bounds import Bounds
from pqc.codebook.refit import refit_of
from pqc.codebook.rows import Rows
from pqc.codebook.soft_lookup import gradients, select, spread_of
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.workers import in_parallel

Float32: TypeAlias = npt.NDArray[np.float32]

PIECES = 2
"""Parts of a batch that threads compute apart, whatever their number, so that the sums do not depend on it."""

START_POSITIONS = 16384
"""Positions that the first table is fitted to, about; it is thrown away in the end."""


@dataclass(frozen=True)
class TuneOptions:
    """How prototypes are tuned."""

    steps: int = 60
    """Steps of gradient descent."""
    batch: int = 1024
    """Positions a step looks at."""
    rate: float = 0.15
    """First step length of prototypes, in units of an element's root mean squared distance to the nearest one; it falls
    to zero along half a cosine."""
    table_rate: float = 0.05
    """The same of the table and the bias, in units of the standard deviation of its entries."""
    temperature: float = 0.3
    """How far the choice is smoothed, in units of the mean squared distance to the nearest prototype."""


def tune_codebook(
    codebook: IntArray,
    rows: Rows,
    prior: FloatArray,
    ridge: float,
    element: Element,
    seed: int,
    options: TuneOptions,
    outputs: FloatArray | None = None,
) -> IntArray:
    """A better codebook [groups, prototypes, length] on the grid of ``element``, from a good one.

    The vectors of ``rows`` [taps * groups, samples, length] lie on that grid; the taps share a group's prototypes. Of
    the bounds only the floor counts. ``prior`` and ``ridge`` are those of the refit. Errors are measured by ``outputs``
    [outputs, outputs], else all alike. The same arguments give the same codebook.

    Raises:
        ValueError: the numbers of subspaces or samples do not belong together.
    """
    vectors, drawn = rows.vectors, np.repeat(np.arange(len(rows.times)), rows.times)
    taps = _taps(codebook, vectors, rows.target)
    random = np.random.default_rng(seed)
    spread = _spread(vectors, rows.times, taps)
    # a position's subvectors side by side, because a batch takes some positions from everywhere
    x = np.ascontiguousarray(vectors.transpose(1, 0, 2), np.float32)
    x /= np.tile(spread, (taps, 1, 1)).transpose(1, 0, 2)
    wanted = rows.target.astype(np.float32)
    bound = np.broadcast_to(np.asarray(rows.bounds.floor, np.float32), wanted.shape)
    some = drawn[:: max(1, len(drawn) // START_POSITIONS)]
    layer = _start(
        x[some].transpose(1, 0, 2),
        codebook.astype(np.float32) / spread,
        wanted[some],
        prior,
        ridge,
        options.temperature,
    )
    if outputs is not None:
        layer = replace(layer, metric=outputs.astype(np.float32))
    adams = [_Adam(layer.prototypes), _Adam(layer.table), _Adam(layer.bias)]
    of_table = np.asarray(options.table_rate * layer.table.std(), np.float32)
    lengths = (np.float32(options.rate) * layer.reach(options.temperature), of_table, of_table)
    for step in range(options.steps):
        batch = drawn[random.integers(len(drawn), size=options.batch)]
        seen = np.ascontiguousarray(x[batch].transpose(1, 2, 0))
        found = layer.gradients(seen, wanted[batch], bound[batch])
        slower = np.float32((1 + math.cos(math.pi * step / options.steps)) / 2)
        for adam, gradient, length in zip(adams, found, lengths, strict=True):
            adam.step(gradient, slower * length)
    grid = np.floor(layer.prototypes.astype(np.float64) * spread + 0.5)
    return element.clip(grid.astype(np.int64))


def _taps(codebook: IntArray, vectors: IntArray, target: FloatArray) -> int:
    """How many subspaces share each codebook."""
    taps, rest = divmod(len(vectors), len(codebook))
    if not taps or rest or vectors.shape[2] != codebook.shape[2] or vectors.shape[1] != len(target):
        raise ValueError(
            f"codebook {codebook.shape}, vectors {vectors.shape} and target {target.shape} do not belong together"
        )
    return taps


@dataclass(frozen=True)
class _Layer:
    """A layer's parameters, changed in place."""

    prototypes: Float32
    """[groups, prototypes, length], for each tap the same."""
    table: Float32
    """[subspaces, prototypes, outputs]"""
    bias: Float32
    """[outputs]"""
    spread: Float32
    """[subspaces], the squared distance over which the choice is smoothed."""
    metric: Float32 | None = None
    """[outputs, outputs], by which errors are measured."""

    def reach(self, temperature: float) -> Float32:
        """How far an element is from its nearest prototype, root mean squared, in each group: [groups, 1, 1]."""
        squares = self.spread / np.float32(temperature)
        by_tap = squares.reshape(-1, len(self.prototypes), 1, 1)
        return np.sqrt(by_tap.mean(axis=0) / self.prototypes.shape[2]).astype(np.float32, copy=False)

    def gradients(self, x: Float32, target: Float32, floor: Float32) -> tuple[Float32, Float32, Float32]:
        """Of the mean squared error above the floor, for the vectors ``x`` [subspaces, length, batch]."""
        taps, batch = len(x) // len(self.prototypes), len(target)
        prototypes = np.tile(self.prototypes, (taps, 1, 1))

        def of(piece: slice) -> tuple[Float32, Float32, Float32]:
            seen = np.ascontiguousarray(x[:, :, piece])
            selected = select(seen, prototypes, self.table, Metric.L2)
            result = selected.sums + self.bias
            error = (result - Bounds(floor[piece]).visible(target[piece], result)) * np.float32(2 / batch)
            of_sums = np.ascontiguousarray(error if self.metric is None else error @ self.metric, np.float32)
            found = gradients(seen, prototypes, self.table, selected, self.spread, of_sums)
            return found.codebook, found.table, of_sums.sum(axis=0)

        size = -(-batch // PIECES)
        found = in_parallel(of, [slice(first, first + size) for first in range(0, batch, size)])
        to_prototypes, to_entries, to_bias = found[0]
        for one in found[1:]:
            to_prototypes, to_entries, to_bias = to_prototypes + one[0], to_entries + one[1], to_bias + one[2]
        by_tap: Float32 = to_prototypes.reshape(taps, *self.prototypes.shape)
        return by_tap.sum(axis=0), to_entries, to_bias


@dataclass
class _Adam:
    """Adam's steps on one array, changed in place."""

    values: Float32
    steps: int = 0
    mean: Float32 = field(init=False)
    square: Float32 = field(init=False)

    def __post_init__(self) -> None:
        self.mean = np.zeros_like(self.values)
        self.square = np.zeros_like(self.values)

    def step(self, gradient: Float32, rate: Float32) -> None:
        """One step against ``gradient``."""
        self.steps += 1
        self.mean += np.float32(0.1) * (gradient - self.mean)
        self.square += np.float32(0.01) * (np.square(gradient) - self.square)
        size = np.sqrt(self.square / np.float32(1 - 0.99**self.steps)) + np.float32(1e-12)
        self.values -= rate * np.float32(1 / (1 - 0.9**self.steps)) * self.mean / size


def _spread(vectors: IntArray, times: IntArray, taps: int) -> Float32:
    """The standard deviation of each group's elements, [groups, 1, 1]; 1 where they never change."""
    count, length = taps * times.sum(), vectors.shape[2]
    # sums of integers, which are exact, without an array of real numbers as large as that of the vectors
    sums = np.einsum("gsl,s->gl", vectors, times, dtype=np.int64).reshape(taps, -1, length).sum(axis=0)
    squares = np.einsum("gsl,gsl,s->gl", vectors, vectors, times, dtype=np.int64)
    squares = squares.reshape(taps, -1, length).sum(axis=0)
    variance = squares / count - np.square(sums / count)
    spread = np.sqrt(variance.mean(axis=1).clip(0.0))[:, None, None]
    return np.where(spread > 0, spread, 1).astype(np.float32)


def _start(
    x: Float32, prototypes: Float32, target: Float32, prior: FloatArray, ridge: float, temperature: float
) -> _Layer:
    """The table that fits the first codes, and the spread of the choices that goes with their distances."""
    every = np.tile(prototypes, (len(x) // len(prototypes), 1, 1))
    seen = np.ascontiguousarray(x.transpose(0, 2, 1))
    none = np.zeros((*every.shape[:2], 1), np.float32)
    codes = select(seen, every, none, Metric.L2).codes
    table, bias = refit_of(codes.T.astype(np.int64), prototypes.shape[1], target).solve(prior, ridge)
    # a subspace that its prototypes meet exactly has no scale of its own: spread_of gives it a small one
    spread = spread_of(seen, every, codes, temperature)
    return _Layer(prototypes.copy(), np.ascontiguousarray(table, np.float32), bias.astype(np.float32), spread)
