"""The recipe: how one layer's codebook and table come from what the layer sees and what it should give.

Measured on ResNet-20, see docs/codebooks.md: each step below is there because it won.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pqc.codebook.bias import correct_bias
from pqc.codebook.kmeans import fit_codebook, weight_metric
from pqc.codebook.refit import TableRefit, predict, relu_aware_refit, visible_target
from pqc.codebook.sampling import at_positions, sample_positions, sample_vectors
from pqc.codebook.table import QuantizedTable, plain_table, quantize_table
from pqc.codebook.tune import TuneOptions, tune_codebook
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, nearest_prototype, onto_grid
from pqc.numerics.lookup import lookup
from pqc.numerics.window import Window


@dataclass(frozen=True)
class FitOptions:
    """How codebooks and tables are fitted; the defaults are what measured best within the time they take."""

    kmeans_samples: int = 8192
    """Subvectors of each subspace that k-means sees."""
    kmeans_iterations: int = 15
    """Lloyd's iterations."""
    weigh_directions: bool = True
    """Whether k-means measures a difference by what it changes in the layer's outputs."""
    tuning: TuneOptions | None = None
    """Gradient descent on the prototypes after k-means, or none."""
    tuning_positions: int = 16384
    """Positions that the tuning draws its batches from."""
    refit_positions: int = 65536
    """Positions in the least squares."""
    ridge: float = 0.02
    """Pull towards the plain table, relative to the mean number of positions on one prototype."""
    relu_rounds: int = 2
    """Rounds of the refit that looks only at what the ReLU lets through."""
    seed: int = 0
    """Of every random choice."""


@dataclass(frozen=True)
class LayerShape:
    """What a layer's codebook and table look like, and the widths of their integers."""

    prototypes: int
    length: int
    codebook: Element
    """The codebook's grid."""
    shift: int
    """Bits the input loses on its way to the codebook's grid."""
    table_bits: int
    accumulator_bits: int
    power_of_two_of: float | None = None
    """The scale of the tensor the sums end up in, on a target that only shifts."""


@dataclass(frozen=True)
class LayerData:
    """What a layer sees and should give, for the same calibration frames."""

    activations: IntArray
    """[frames, channels, height, width], as the layers before it give them, already quantized."""
    scale: float
    """The real value of one unit of the activations."""
    window: Window
    weight: FloatArray
    """[outputs, elements], elements in the order of the window."""
    target: FloatArray
    """[frames, outputs, columns]: the float network's result; where a shortcut is added to it, the float network's
    sum less the shortcut that is actually there."""
    floor: FloatArray | float
    """Where a ReLU behind the layer begins to hide its result: 0; less the shortcut that is actually there, [frames,
    outputs, columns]; or -infinity without a ReLU."""


@dataclass(frozen=True)
class FittedLayer:
    """A layer's integers, ready to be compiled."""

    codebook: IntArray
    """[subspaces, prototypes, length]"""
    quantized: QuantizedTable


def fit_layer(data: LayerData, shape: LayerShape, options: FitOptions, layer: int = 0) -> FittedLayer:
    """Fit one layer; ``layer`` makes its random choices differ from those of other layers.

    Raises:
        ModelError: the table cannot be held in the bits asked for.
    """
    codebook = fit_layer_codebook(data, shape, options, layer)
    return FittedLayer(codebook, fit_layer_table(data, shape, codebook, options, layer))


def fit_layer_codebook(data: LayerData, shape: LayerShape, options: FitOptions, layer: int = 0) -> IntArray:
    """K-means and, where asked for, tuning: [subspaces, prototypes, length]."""
    seeds = _seeds(options, layer)
    subspaces = -(-data.weight.shape[1] // shape.length)
    metric = weight_metric(data.weight, subspaces, shape.length) if options.weigh_directions else None
    vectors = _vectors(data, shape, _positions(data, options.kmeans_samples, seeds[0]))
    codebook = fit_codebook(vectors, shape.prototypes, shape.codebook, seeds[1], options.kmeans_iterations, metric)
    if options.tuning is None or options.tuning.steps == 0:
        return codebook
    positions = _positions(data, options.tuning_positions, seeds[2])
    return tune_codebook(
        codebook,
        _vectors(data, shape, positions),
        at_positions(data.target, positions),
        _floor_at(data, positions),
        _plain(data, shape, codebook),
        options.ridge,
        shape.codebook,
        seeds[3],
        options.tuning,
    )


def fit_layer_table(
    data: LayerData, shape: LayerShape, codebook: IntArray, options: FitOptions, layer: int = 0
) -> QuantizedTable:
    """Refit, quantization and bias correction of the table that belongs to ``codebook``."""
    positions = _positions(data, options.refit_positions, _seeds(options, layer)[4])
    vectors = _vectors(data, shape, positions)
    codes = nearest_prototype(vectors.transpose(0, 2, 1)[None], codebook, Metric.L2)[0].T
    target, floor = at_positions(data.target, positions), _floor_at(data, positions)
    equations = TableRefit(codebook.shape[0], codebook.shape[1], data.weight.shape[0])
    equations.add(codes, target)
    prior = _plain(data, shape, codebook)
    table, bias = relu_aware_refit(equations, codes, target, floor, prior, options.ridge, options.relu_rounds)
    quantized = quantize_table(table, bias, shape.table_bits, shape.accumulator_bits, shape.power_of_two_of)
    wanted = visible_target(target, floor, predict(codes, table, bias)) if options.relu_rounds else target
    sums = lookup(codes.T[None], quantized.table, quantized.bias[:, None], shape.accumulator_bits)[0].T
    missing = wanted.mean(axis=0, dtype=np.float64) - sums.mean(axis=0) * quantized.scale
    return correct_bias(quantized, missing, shape.accumulator_bits)


def _seeds(options: FitOptions, layer: int) -> list[int]:
    """Independent seeds for each random choice in a layer."""
    return [int(value) for value in np.random.SeedSequence((options.seed, layer)).generate_state(5)]


def _positions(data: LayerData, count: int, seed: int) -> IntArray:
    """Positions to look at."""
    return sample_positions(data.target.shape[0], data.target.shape[2], count, seed)


def _vectors(data: LayerData, shape: LayerShape, positions: IntArray) -> IntArray:
    """Subvectors on the codebook's grid, [subspaces, positions, length]."""
    subspaces = -(-data.weight.shape[1] // shape.length)
    vectors = sample_vectors(data.activations, data.window, shape.length, subspaces, positions)
    return onto_grid(vectors, shape.shift, shape.codebook)


def _floor_at(data: LayerData, positions: IntArray) -> FloatArray | float:
    """The floor at ``positions``, in the form of the target's rows."""
    return data.floor if isinstance(data.floor, int | float) else at_positions(data.floor, positions)


def _plain(data: LayerData, shape: LayerShape, codebook: IntArray) -> FloatArray:
    """The table of products, towards which the refit is pulled."""
    return plain_table(data.weight, codebook * (data.scale * 2.0**shape.shift))
