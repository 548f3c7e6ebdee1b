"""Fitting one layer: each step earns its place, and the integers are those that the machine will use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pqc.codebook import codes, fit_options, one_hot, sampling
from pqc.codebook.fit_options import FitOptions
from pqc.codebook.layer import FittedLayer, LayerShape, fit_layer
from pqc.codebook.metrics import normalized_error, rows
from pqc.codebook.rows import LayerData
from pqc.numerics.arrays import FloatArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, nearest_prototype, onto_grid
from pqc.numerics.grouping import Cut, Grouping
from pqc.numerics.lookup import largest_sum, lookup
from pqc.numerics.window import Window, patches
from pqc.workers import worker_threads

OPTIONS = FitOptions(kmeans_samples=2000, refit_positions=4000, tuning_positions=2000, tuning_steps=0)
TUNED = replace(OPTIONS, tuning_steps=40)
SHAPE = LayerShape(16, 9, Element(8, signed=False), 0, Metric.L2, 8, 16)
BY_CHANNEL = replace(SHAPE, length=2, grouping=Grouping.CHANNEL)
WINDOW = Window((3, 3), (1, 1), (1, 1, 1, 1))


@pytest.fixture(scope="module")
def data() -> LayerData:
    """A smooth random layer of 4 channels and 6 outputs behind a ReLU, whose target is its exact result."""
    random = np.random.default_rng(0)
    noise = random.normal(size=(40, 4, 14, 14))
    smooth = sum(noise[:, :, i : i + 10, j : j + 10] for i in range(5) for j in range(5)) / 5
    x = np.clip(np.floor(100 * np.asarray(smooth)), 0, 255).astype(np.uint8)
    weight = random.normal(size=(6, 36))
    target = weight @ (patches(x, WINDOW).reshape(40, 36, 100) * 0.02)
    return LayerData(x, 0.02, WINDOW, weight, target, Element(8, signed=False), low=0.0)


def real_result(data: LayerData, shape: LayerShape, fitted: FittedLayer) -> FloatArray:
    """What the encode and lookup units give, in real units, [positions, outputs]."""
    cut = Cut.of(shape.grouping, data.activations.shape[1], data.window, shape.length)
    vectors = onto_grid(cut.subvectors(data.activations, data.window), fitted.shift, shape.codebook)
    seen = nearest_prototype(vectors, cut.for_taps(fitted.codebook), shape.metric)
    bits = shape.accumulator_bits
    assert (largest_sum(fitted.table, fitted.bias) < 1 << bits - 1).all()
    assert np.abs(fitted.table).max() <= 1 << shape.table_bits - 1
    sums = lookup(seen, fitted.table, fitted.bias[:, None], bits)
    return rows(sums * fitted.step[:, None].astype(np.float64))


def visible_error(data: LayerData, shape: LayerShape, options: FitOptions) -> float:
    result = real_result(data, shape, fit_layer(data, shape, options))
    return normalized_error(np.maximum(result, 0), np.maximum(rows(data.target), 0))


@pytest.mark.parametrize("shape", [SHAPE, BY_CHANNEL], ids=lambda shape: shape.grouping)
def test_each_step_earns_its_place(data: LayerData, shape: LayerShape) -> None:
    bare = replace(OPTIONS, bound_rounds=0)
    plain = visible_error(data, shape, replace(bare, ridge=1e6))
    refit = visible_error(data, shape, bare)
    bounded = visible_error(data, shape, OPTIONS)
    tuned = visible_error(data, shape, TUNED)
    assert plain > refit > bounded > tuned


def test_taps_share_codebooks_and_the_last_group_is_padded(data: LayerData) -> None:
    fitted = fit_layer(data, replace(BY_CHANNEL, length=3), OPTIONS)
    assert fitted.codebook.shape == (2, 16, 3)
    assert fitted.table.shape == (18, 16, 6)
    assert not fitted.codebook[1, :, 1:].any()


def test_channels_that_no_output_minds_count_for_little(data: LayerData) -> None:
    weight = data.weight.reshape(6, 4, 9).copy()
    weight[:, 1] = 0
    one_sided = replace(data, weight=weight.reshape(6, 36))
    vectors = data.activations[:, :2].transpose(0, 2, 3, 1).reshape(-1, 2)

    def error(seen: LayerData) -> FloatArray:
        """Of each of the first two channels, as its nearest prototype has it."""
        codebook = fit_layer(seen, BY_CHANNEL, OPTIONS).codebook[:1]
        nearest = nearest_prototype(vectors.T[None, None], codebook, Metric.L2)[0, 0]
        return np.square(vectors.astype(np.float64) - codebook[0, nearest]).mean(axis=0)

    assert error(one_sided)[0] < error(data)[0]


@pytest.mark.parametrize("bits", [4, 6])
def test_narrow_codebooks_see_shifted_activations(data: LayerData, bits: int) -> None:
    narrow = replace(SHAPE, codebook=Element(bits, signed=False), shift=8 - bits)
    assert fit_layer(data, narrow, TUNED).codebook.max() < 1 << bits
    assert visible_error(data, narrow, OPTIONS) < 1.5 * visible_error(data, SHAPE, OPTIONS)


@pytest.mark.parametrize("shape", [SHAPE, BY_CHANNEL], ids=lambda shape: shape.grouping)
def test_large_values_are_cut_off_where_prototypes_are_coarse(data: LayerData, shape: LayerShape) -> None:
    mostly_small = data.activations // 16
    mostly_small[0, 0, 0, 0] = 255
    target = data.weight @ (patches(mostly_small, WINDOW).reshape(40, 36, 100) * data.scale)
    rare = replace(data, activations=mostly_small, target=target)
    narrow = replace(shape, codebook=Element(3, signed=False), shift=5)
    fitted = fit_layer(rare, narrow, OPTIONS)
    assert fitted.shift < 5
    assert fit_layer(rare, replace(narrow, shift=0), OPTIONS).shift == 0


def test_a_layer_says_what_each_step_adds(data: LayerData) -> None:
    exact = data.activations * data.scale + 0.004
    known = replace(data, exact=exact)
    narrow = replace(SHAPE, codebook=Element(4, signed=False), shift=4, table_bits=4)
    wide, rough = fit_layer(known, SHAPE, OPTIONS).errors, fit_layer(known, narrow, OPTIONS).errors
    assert wide is not None
    assert rough is not None
    assert wide.activation_bits == pytest.approx(rough.activation_bits)
    assert 0 < wide.activation_bits < 0.01
    assert wide.prototype_bits == 0 < rough.prototype_bits
    assert 0 < wide.table_bits < rough.table_bits / 4
    assert wide.table_bits < wide.fit < wide.prototypes
    assert fit_layer(data, SHAPE, OPTIONS).errors is None


@pytest.mark.parametrize("metric", [Metric.L1, Metric.LINF])
def test_other_distances(data: LayerData, metric: Metric) -> None:
    other = replace(SHAPE, metric=metric)
    assert visible_error(data, other, OPTIONS) < 1.3 * visible_error(data, SHAPE, OPTIONS)


def test_padding_behind_the_last_subvector_and_narrow_accumulators(data: LayerData) -> None:
    odd = replace(SHAPE, length=5, accumulator_bits=12)
    fitted = fit_layer(data, odd, OPTIONS)
    assert fitted.codebook.shape == (8, 16, 5)
    assert not fitted.codebook[7, :, 1:].any()
    assert real_result(data, odd, fitted).shape == (4000, 6)


def test_shift_targets(data: LayerData) -> None:
    shape = replace(SHAPE, power_of_two_of=0.3)
    assert visible_error(data, shape, OPTIONS) < 1.1 * visible_error(data, SHAPE, OPTIONS)


@pytest.mark.parametrize("power_of_two_of", [None, 0.3])
def test_narrow_tables_are_rounded_for_the_sum(data: LayerData, power_of_two_of: float | None) -> None:
    wide, narrow = (replace(SHAPE, table_bits=bits, power_of_two_of=power_of_two_of) for bits in (8, 4))
    assert visible_error(data, narrow, OPTIONS) < 1.1 * visible_error(data, wide, OPTIONS)


def test_layers_too_large_for_normal_equations_are_rounded_too(data: LayerData) -> None:
    few = replace(OPTIONS, refit_positions=60)
    result = fit_layer(data, SHAPE, few)
    assert (largest_sum(result.table, result.bias) < 1 << 15).all()
    assert visible_error(data, SHAPE, few) < 1


def test_both_bounds_are_looked_through(data: LayerData) -> None:
    low, high = float(np.quantile(data.target, 0.4)), float(np.quantile(data.target, 0.6))
    bounded = replace(data, low=low, high=high)

    def visible(rounds: int) -> float:
        result = real_result(data, SHAPE, fit_layer(bounded, SHAPE, replace(OPTIONS, bound_rounds=rounds)))
        return normalized_error(np.clip(result, low, high), np.clip(rows(data.target), low, high))

    assert visible(3) < visible(0)


def test_a_shortcut_moves_the_floor_and_the_same_seed_gives_the_same_layer(data: LayerData) -> None:
    shortcut = np.random.default_rng(1).integers(-100, 100, data.target.shape).astype(np.int8)
    added = replace(data, target=data.target + shortcut * 0.02, shortcut=shortcut, shortcut_scale=0.02)
    first, second = (fit_layer(added, SHAPE, TUNED, layer=3) for _ in range(2))
    assert np.array_equal(first.codebook, second.codebook)
    assert np.array_equal(first.table, second.table)
    assert np.array_equal(first.bias, second.bias)
    result = real_result(data, SHAPE, first) + rows(shortcut * 0.02)
    assert normalized_error(np.maximum(result, 0), np.maximum(rows(added.target), 0)) < 0.5
    assert not np.array_equal(first.codebook, fit_layer(added, SHAPE, TUNED, layer=4).codebook)


@pytest.mark.parametrize("shape", [SHAPE, BY_CHANNEL], ids=lambda shape: shape.grouping)
def test_any_number_of_threads_fits_the_same_layer(
    data: LayerData, shape: LayerShape, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name, size in ((codes, "POSITIONS_AT_ONCE", 500), (sampling, "ELEMENTS_AT_ONCE", 9999)):
        monkeypatch.setattr(module, name, size)
    monkeypatch.setattr(one_hot, "ENTRIES_AT_ONCE", 1 << 16)
    alone = fit_layer(data, shape, OPTIONS)
    for threads in (1, 2, 3):
        with worker_threads(threads):
            shared = fit_layer(data, shape, OPTIONS)
        assert np.array_equal(alone.codebook, shared.codebook)
        assert np.array_equal(alone.table, shared.table)
        assert np.array_equal(alone.bias, shared.bias)


def test_without_bounds_everything_counts(data: LayerData) -> None:
    free = replace(data, low=-np.inf)
    assert normalized_error(real_result(free, SHAPE, fit_layer(free, SHAPE, TUNED)), rows(data.target)) < 0.5


def test_tuning_pays_where_there_is_enough_to_learn_from(data: LayerData, monkeypatch: pytest.MonkeyPatch) -> None:
    automatic = replace(OPTIONS, tuning_steps=None)
    untuned = fit_layer(data, SHAPE, OPTIONS)
    assert np.array_equal(fit_layer(data, SHAPE, automatic).codebook, untuned.codebook)
    # 40 frames of 100 positions
    monkeypatch.setattr(fit_options, "LEAST_TUNING_POSITIONS", 4000)
    assert not np.array_equal(fit_layer(data, SHAPE, automatic).codebook, untuned.codebook)
