"""The recipe: how one layer's codebook and table come from what the layer sees and what it should give.

Measured on ResNet-20, see docs/codebooks.md: each step is there because it won.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.codebook.codes import codes_of
from pqc.codebook.fit_options import FitOptions, usual_steps
from pqc.codebook.kmeans import fit_codebook, weight_metric
from pqc.codebook.layer_errors import POSITIONS, Errors, Seen, layer_errors
from pqc.codebook.one_hot import predict
from pqc.codebook.refit import affordable_positions, bounded_refit, refit_of, worthwhile_curvature
from pqc.codebook.rows import LayerData, Rows, rows_at
from pqc.codebook.sampling import at_positions, sample_positions, sample_vectors
from pqc.codebook.scatter import scatter
from pqc.codebook.table import QuantizedTable, plain_table
from pqc.codebook.table_fit import TableFit
from pqc.codebook.tune import TuneOptions, tune_codebook
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element, dequantize
from pqc.numerics.encode import Metric, onto_grid
from pqc.numerics.grouping import Codebooks, Cut, Grouping
from pqc.numerics.window import Window

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]

PROBE = {"kmeans_samples": 2048, "kmeans_iterations": 6}
"""How much k-means sees and does where only the grid of the prototypes is to be chosen."""

POSITIONS_AN_ENTRY = 16
"""Positions for each entry of a subvector's table, up to twice as many as a refit looks at otherwise."""

FEWEST_BITS = 2
"""Of tables that are wanted in fewer bits, too."""

POOLED_SAMPLES = 1 << 16
"""Subvectors of all subspaces together that k-means sees where they share a codebook."""


@dataclass(frozen=True)
class LayerShape:
    """What a layer's codebook and table look like, and the widths of their integers."""

    prototypes: int
    length: int
    codebook: Element
    """The codebook's grid."""
    shift: int
    """Bits the input loses on its way to the codebook's grid, at most: then nothing is cut off."""
    metric: Metric
    """The distance that picks prototypes."""
    table_bits: int
    accumulator_bits: int
    power_of_two_of: float | None = None
    """The scale of the tensor the sums end up in, on a target that only shifts."""
    grouping: Grouping = Grouping.WINDOW
    """Which elements form a subvector."""
    codebooks: Codebooks = Codebooks.SEPARATE
    """Whether all subspaces share one codebook."""
    narrower_tables: bool = False
    """Whether the table is wanted in fewer bits, too."""


@dataclass(frozen=True)
class FittedLayer:
    """What takes the place of a layer's weights: ``result = step[o] * (bias[o] + sum of table[s, code, o])``."""

    codebook: IntArray
    """[groups, prototypes, length], in the storage type of its grid; [1, prototypes, length] if it is shared."""
    shift: int
    """Bits the input loses on its way there."""
    table: IntArray
    """[subspaces, prototypes, outputs], in the storage type of its bits."""
    bias: IntArray
    """[outputs] int32."""
    step: Float32
    """[outputs], the real value of one unit."""
    errors: Errors | None = None
    """What each step of quantization adds; None where the float network's input is not known."""
    narrower: Mapping[int, QuantizedTable] = field(default_factory=dict[int, QuantizedTable])
    """The same table in fewer bits, where that was asked for."""

    def with_table(self, table: QuantizedTable) -> FittedLayer:
        """The same with another table."""
        return replace(self, table=table.table, bias=table.bias, step=table.scale.astype(np.float32))


def prototype_grid(seen: Element, bits: int) -> tuple[Element, int]:
    """The integers of prototypes that are to have ``bits``, and how many bits what they are compared with has more."""
    return Element(min(bits, seen.bits), seen.signed), max(0, seen.bits - bits)


def fit_layer(data: LayerData, shape: LayerShape, options: FitOptions, layer: int = 0) -> FittedLayer:
    """Fit one layer; ``layer`` makes its random choices differ from those of other layers.

    Raises:
        ModelError: the table cannot be held in the bits asked for.
    """
    seeds = [int(seed) for seed in np.random.SeedSequence((options.seed, layer)).generate_state(5)]
    if shape.shift:
        shape = replace(shape, shift=_best_shift(data, shape, options, seeds))
    codebook = _fit_codebook(data, shape, options, seeds)
    steps = _usual_steps(data, shape) if options.tuning_steps is None else options.tuning_steps
    if steps:
        codebook = _tune_codebook(data, shape, replace(options, tuning_steps=steps), codebook, seeds)
    fit = _fit_table(data, shape, options, codebook, seeds)
    integers = fit.rounded(shape.table_bits)
    errors = None if data.exact is None else _errors(data, data.exact, shape, fit, integers, codebook, seeds)
    step = integers.scale.astype(np.float32)
    widths = range(FEWEST_BITS, shape.table_bits) if shape.narrower_tables else ()
    narrower = {bits: fit.rounded(bits) for bits in widths}
    return FittedLayer(codebook, shape.shift, integers.table, integers.bias, step, errors, narrower)


def _usual_steps(data: LayerData, shape: LayerShape) -> int:
    frames, _, columns = data.target.shape
    return usual_steps(frames, columns, _cut(data, shape).subspaces * shape.prototypes)


def _fit_codebook(data: LayerData, shape: LayerShape, options: FitOptions, seeds: list[int]) -> IntArray:
    """K-means, a difference measured by what it changes in the layer's outputs: [groups, prototypes, length].

    Where taps share a codebook, all pixels are alike, and what a difference changes at each tap adds up. Where all
    subspaces share one, their subvectors are thrown together, and so is what differences change.
    """
    cut = _cut(data, shape)
    samples = options.kmeans_samples
    if shape.codebooks is Codebooks.SHARED:
        samples = max(1, min(samples, POOLED_SAMPLES // cut.groups))
    vectors, times = _subvectors(data, shape, samples, seeds[0])
    metric = weight_metric(_weight(data, cut), cut.subspaces, cut.length, data.output_metric())
    metric = metric.reshape(cut.taps, cut.groups, cut.length, cut.length).sum(axis=0)
    if shape.codebooks is Codebooks.SHARED:
        times = np.tile(times, len(vectors))
        vectors, metric = vectors.reshape(1, -1, cut.length), metric.sum(axis=0, keepdims=True)
    return fit_codebook(vectors, shape.prototypes, shape.codebook, seeds[1], options.kmeans_iterations, metric, times)


def _best_shift(data: LayerData, shape: LayerShape, options: FitOptions, seeds: list[int]) -> int:
    """How many bits the input loses best on its way to narrow prototypes: with fewer, large values are cut off.

    Each is tried with a quick k-means; what counts is how far vectors with the same code are from each other. Of equal
    ones it is the one that cuts off least.
    """
    cut, quick = _cut(data, shape), replace(options, **PROBE)
    as_they_are = replace(shape, shift=0, codebook=Element(8 * data.element.storage_bytes, data.element.signed))
    rows = _rows_at(data, as_they_are, quick.kmeans_samples, seeds[0])
    metric = weight_metric(_weight(data, cut), cut.subspaces, cut.length, data.output_metric())

    def error(shift: int) -> float:
        tried = replace(shape, shift=shift)
        codebook = cut.for_taps(_fit_codebook(data, tried, quick, seeds))
        codes = codes_of(onto_grid(rows.vectors, shift, shape.codebook), codebook, shape.metric)
        return scatter(rows.vectors, codes, shape.prototypes, metric, rows.times)

    return min(range(shape.shift, -1, -1), key=error)


def _tune_codebook(
    data: LayerData, shape: LayerShape, options: FitOptions, codebook: IntArray, seeds: list[int]
) -> IntArray:
    rows = _rows_at(data, shape, options.tuning_positions, seeds[2])
    return tune_codebook(
        codebook,
        rows,
        _plain(data, shape, codebook),
        options.ridge,
        shape.codebook,
        seeds[3],
        TuneOptions(steps=options.tuning_steps or 0),
        data.output_metric(),
    )


def _fit_table(
    data: LayerData, shape: LayerShape, options: FitOptions, codebook: IntArray, seeds: list[int]
) -> TableFit:
    """Refit against the float network's result."""
    cut = _cut(data, shape)
    features = cut.subspaces * shape.prototypes
    wanted = max(options.refit_positions, min(POSITIONS_AN_ENTRY * features, 2 * options.refit_positions))
    positions = affordable_positions(features, wanted)
    rows = _rows_at(data, shape, positions, seeds[4])
    codes = codes_of(rows.vectors, cut.for_taps(codebook), shape.metric)
    equations = refit_of(codes, shape.prototypes, rows.target, rows.times)
    prior, rounds = _plain(data, shape, codebook), options.bound_rounds
    table, bias = bounded_refit(equations, codes, rows.target, rows.bounds, prior, options.ridge, rounds)
    wanted = equations.visible(codes, rows.target, rows.bounds, table, bias) if rounds else rows.target
    fewest_bits = FEWEST_BITS if shape.narrower_tables else shape.table_bits
    curvature = worthwhile_curvature(equations, options.ridge, fewest_bits)
    mean: Float64 = rows.times @ wanted / rows.times.sum()
    form = (shape.accumulator_bits, shape.power_of_two_of)
    return TableFit(table, bias, curvature, codes, rows.times, mean, *form)


def _errors(
    data: LayerData,
    exact: FloatArray,
    shape: LayerShape,
    fit: TableFit,
    integers: QuantizedTable,
    codebook: IntArray,
    seeds: list[int],
) -> Errors:
    """What each step of quantization adds to the layer's error, on a few positions."""
    cut, (frames, _, columns) = _cut(data, shape), data.target.shape
    positions = sample_positions(frames, columns, POSITIONS, seeds[2])
    rows = _narrowed(rows_at(data, cut, positions), shape)
    actual, real = (sample_vectors(x, data.window, cut, positions) for x in (data.activations, exact))
    codebooks, unit = cut.for_taps(codebook), data.scale * 2.0**shape.shift
    codes = codes_of(rows.vectors, codebooks, shape.metric)
    seen = Seen(
        exact=real,
        rounded=data.element.on_grid(real, data.scale),
        actual=dequantize(actual, data.scale),
        narrowed=dequantize(rows.vectors, unit),
        prototypes=dequantize(codebooks[np.arange(cut.subspaces)[:, None], codes.T], unit),
        codes=codes,
    )
    visible = rows.bounds.visible(rows.target, predict(codes, fit.table, fit.bias))
    target = at_positions(data.target, positions)
    return layer_errors(seen, _weight(data, cut), (fit.table, fit.bias), integers, target, visible)


def _rows_at(data: LayerData, shape: LayerShape, count: int, seed: int) -> Rows:
    """``count`` positions, each once, their subvectors on the codebook's grid."""
    return _narrowed(rows_at(data, _cut(data, shape), data.positions(count, seed)), shape)


def _narrowed(rows: Rows, shape: LayerShape) -> Rows:
    """With subvectors on the codebook's grid."""
    return replace(rows, vectors=onto_grid(rows.vectors, shape.shift, shape.codebook))


def _subvectors(data: LayerData, shape: LayerShape, count: int, seed: int) -> tuple[IntArray, IntArray]:
    """What k-means sees of ``count`` draws, [groups, drawn, length] on the codebook's grid, and how often each [drawn].

    Where taps share a codebook, pixels of the input are drawn instead of positions.
    """
    if shape.grouping is not Grouping.CHANNEL:
        rows = _rows_at(data, shape, count, seed)
        return rows.vectors, rows.times
    pixel = Window((1, 1))
    cut = Cut.of(Grouping.CHANNEL, data.activations.shape[1], pixel, shape.length)
    drawn, times = np.unique(data.pixels(count, seed), return_counts=True)
    vectors = sample_vectors(data.activations, pixel, cut, drawn)
    return onto_grid(vectors, shape.shift, shape.codebook), times


def _cut(data: LayerData, shape: LayerShape) -> Cut:
    return Cut.of(shape.grouping, data.activations.shape[1], data.window, shape.length)


def _weight(data: LayerData, cut: Cut) -> FloatArray:
    """The weights [outputs, subspaces * length] in the order of the subvectors."""
    return cut.elements(data.weight[:, :, None])[:, :, 0]


def _plain(data: LayerData, shape: LayerShape, codebook: IntArray) -> FloatArray:
    """The table of products, towards which the refit is pulled."""
    cut = _cut(data, shape)
    return plain_table(_weight(data, cut), cut.for_taps(codebook) * (data.scale * 2.0**shape.shift))
