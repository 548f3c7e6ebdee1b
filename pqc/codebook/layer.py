"""Fitting one layer: its codebook on the inputs it will see, then its table on what the float network gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.codebook.bias import correct_bias
from pqc.codebook.kmeans import fit_codebook
from pqc.codebook.refit import TableRefit, predict
from pqc.codebook.sampling import at_positions, sample_positions, sample_vectors
from pqc.codebook.table import plain_table, quantize_table
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, nearest_prototype
from pqc.numerics.lookup import lookup
from pqc.numerics.window import Window

Float32: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True)
class FitOptions:
    """How much is looked at, and how hard; the defaults are what measurably worked on ResNet-20."""

    kmeans_positions: int = 8192
    iterations: int = 15
    refit_positions: int = 50_000
    ridge: float = 0.02
    bound_rounds: int = 2
    seed: int = 0


@dataclass(frozen=True)
class LayerTask:
    """A layer to be fitted, on calibration frames that went through the already fitted part of the network."""

    x: IntArray
    """The layer's integer input [frames, channels, height, width]."""
    x_element: Element
    """Its element type."""
    scale: float
    """Its scale."""
    sums: FloatArray
    """What the float network has in this place before bounds: [frames, outputs, columns], residual included."""
    residual: FloatArray | None
    """What will be added to the layer's sums, in real units: [frames, outputs, columns]."""
    low: float | None
    """Lower bound applied to the sums."""
    high: float | None
    """Upper bound applied to the sums."""
    weight: FloatArray
    """[outputs, channels, kernel rows, kernel columns]."""
    window: Window
    prototypes: int
    length: int
    prototype_bits: int
    table_bits: int
    metric: Metric
    accumulator_bits: int
    power_of_two_of: float | None
    """The result's scale, where table scales must be a power of two of it."""

    @property
    def shift(self) -> int:
        """Bits that the input is shifted right to reach the codebook's grid."""
        return max(0, self.x_element.bits - self.prototype_bits)

    @property
    def prototype_element(self) -> Element:
        """The codebook's element type."""
        return Element(self.prototype_bits, self.x_element.signed)


@dataclass(frozen=True)
class FittedLayer:
    """What replaces the layer's weights."""

    codebook: IntArray
    """[subspaces, prototypes, length], in the storage type of the prototype element."""
    table: Float32
    """[subspaces, prototypes, outputs], real."""
    bias: Float32
    """[outputs], real; corrects what rounding the table adds on average."""


def fit_layer(task: LayerTask, options: FitOptions) -> FittedLayer:
    """Fit codebook, table and bias of one layer."""
    codebook = _fit_codebook(task, options)
    frames, _, columns = task.sums.shape
    positions = sample_positions(frames, columns, options.refit_positions, options.seed + 1)
    codes = _codes(task, codebook, positions)
    sums = at_positions(task.sums, positions)
    residual = np.zeros((1, 1), np.float32) if task.residual is None else at_positions(task.residual, positions)
    outputs = task.weight.shape[0]
    prior = plain_table(task.weight.reshape(outputs, -1), codebook.astype(np.float32) * _grid_scale(task))
    refit = TableRefit(*prior.shape)
    target = sums - residual
    refit.add(codes, target)
    table, bias = refit.solve(prior, options.ridge)
    for _ in range(options.bound_rounds if (task.low, task.high) != (None, None) else 0):
        target = bounded_target(sums, residual, predict(codes, table, bias), task.low, task.high)
        refit.retarget(codes, target)
        table, bias = refit.solve(prior, options.ridge)
    return FittedLayer(codebook, table, _corrected_bias(task, codes, table, bias, target))


def bounded_target(
    sums: FloatArray, residual: FloatArray, predicted: FloatArray, low: float | None, high: float | None
) -> FloatArray:
    """What the layer should give, [positions, outputs], when its result is cut off at ``low`` and ``high``.

    Where the float network is beyond a bound, any result beyond it is as good, so what is predicted there stays.
    """
    target = sums - residual
    if low is not None:
        target = np.where(sums <= low, np.minimum(predicted, low - residual), target)
    if high is not None:
        target = np.where(sums >= high, np.maximum(predicted, high - residual), target)
    return target


def _grid_scale(task: LayerTask) -> float:
    return task.scale * 2.0**task.shift


def _fit_codebook(task: LayerTask, options: FitOptions) -> IntArray:
    frames, _, columns = task.sums.shape
    positions = sample_positions(frames, columns, options.kmeans_positions, options.seed)
    elements = task.weight[0].size
    subspaces = -(-elements // task.length)
    vectors = _on_grid(task, sample_vectors(task.x, task.window, task.length, subspaces, positions))
    return fit_codebook(vectors, task.prototypes, task.prototype_element, options.seed, options.iterations)


def _on_grid(task: LayerTask, vectors: IntArray) -> IntArray:
    if task.shift == 0:
        return vectors
    half = 1 << (task.shift - 1)
    return task.prototype_element.clip((vectors.astype(np.int64) + half) >> task.shift)


def _codes(task: LayerTask, codebook: IntArray, positions: IntArray) -> IntArray:
    """The codes [positions, subspaces] at the given positions."""
    vectors = sample_vectors(task.x, task.window, task.length, codebook.shape[0], positions)
    grid = _on_grid(task, vectors).transpose(0, 2, 1)[None]
    return np.ascontiguousarray(nearest_prototype(grid, codebook, task.metric)[0].T)


def _corrected_bias(task: LayerTask, codes: IntArray, table: Float32, bias: FloatArray, target: FloatArray) -> Float32:
    """The bias that makes the mean of the quantized layer's results that of the target."""
    quantized = quantize_table(table, bias, task.table_bits, task.accumulator_bits, task.power_of_two_of)
    sums = lookup(codes.T[None], quantized.table, quantized.bias[:, None], task.accumulator_bits)[0].T
    missing = (target - sums * quantized.scale).mean(axis=0, dtype=np.float64)
    corrected = correct_bias(quantized, missing, task.accumulator_bits)
    return (bias + (corrected.bias - quantized.bias) * quantized.scale).astype(np.float32)
