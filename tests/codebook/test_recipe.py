"""The recipe on one layer: each step earns its place, and the integers are those that the machine will use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pqc.codebook.metrics import normalized_error
from pqc.codebook.recipe import FitOptions, FittedLayer, LayerData, LayerShape, fit_layer
from pqc.codebook.refit import rows
from pqc.codebook.tune import TuneOptions
from pqc.numerics.arrays import FloatArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, nearest_prototype, onto_grid, subvectors
from pqc.numerics.lookup import largest_sum, lookup
from pqc.numerics.window import Window, patches

OPTIONS = FitOptions(kmeans_samples=2000, tuning_positions=2000, refit_positions=4000)
SHAPE = LayerShape(16, 9, Element(8, signed=False), 0, 8, 16)
WINDOW = Window((3, 3), (1, 1), (1, 1, 1, 1))
SCALE = 0.02


@pytest.fixture(scope="module")
def data() -> LayerData:
    """A smooth random layer of 4 channels and 6 outputs whose target is its exact result."""
    random = np.random.default_rng(0)
    noise = random.normal(size=(40, 4, 14, 14))
    smooth = sum(noise[:, :, i : i + 10, j : j + 10] for i in range(5) for j in range(5)) / 5
    activations = np.clip(np.floor(100 * np.asarray(smooth)), 0, 255).astype(np.uint8)
    weight = random.normal(size=(6, 36))
    seen = patches(activations, WINDOW).reshape(40, 36, 100).astype(np.float64) * SCALE
    return LayerData(activations, SCALE, WINDOW, weight, weight @ seen, 0.0)


def real_result(data: LayerData, shape: LayerShape, fitted: FittedLayer) -> FloatArray:
    """What the encode and lookup units give, in real units, [positions, outputs]."""
    vectors = subvectors(data.activations, data.window, shape.length, fitted.codebook.shape[0])
    codes = nearest_prototype(onto_grid(vectors, shape.shift, shape.codebook), fitted.codebook, Metric.L2)
    quantized = fitted.quantized
    sums = lookup(codes, quantized.table, quantized.bias[:, None], shape.accumulator_bits)
    return rows(sums * quantized.scale[:, None])


def visible_error(data: LayerData, shape: LayerShape, options: FitOptions) -> float:
    result = real_result(data, shape, fit_layer(data, shape, options))
    return normalized_error(np.maximum(result, 0), np.maximum(rows(data.target), 0))


def test_each_step_earns_its_place(data: LayerData) -> None:
    bare = replace(OPTIONS, weigh_directions=False, relu_rounds=0)
    plain = visible_error(data, SHAPE, replace(bare, ridge=1e6))
    refit = visible_error(data, SHAPE, bare)
    relu = visible_error(data, SHAPE, replace(bare, relu_rounds=2))
    weighed = visible_error(data, SHAPE, OPTIONS)
    tuned = visible_error(data, SHAPE, replace(OPTIONS, tuning=TuneOptions(steps=60, batch=512)))
    assert plain > refit > relu > weighed > tuned


@pytest.mark.parametrize("bits", [4, 6])
def test_narrow_codebooks_see_shifted_activations(data: LayerData, bits: int) -> None:
    shape = replace(SHAPE, codebook=Element(bits, signed=False), shift=8 - bits)
    assert fit_layer(data, shape, OPTIONS).codebook.max() < 1 << bits
    assert visible_error(data, shape, OPTIONS) < 1.5 * visible_error(data, SHAPE, OPTIONS)


def test_padding_behind_the_last_subvector_and_narrow_accumulators(data: LayerData) -> None:
    shape = replace(SHAPE, length=5, accumulator_bits=12)
    fitted = fit_layer(data, shape, OPTIONS)
    assert fitted.codebook.shape == (8, 16, 5)
    assert not fitted.codebook[7, :, 1:].any()
    assert (largest_sum(fitted.quantized.table, fitted.quantized.bias) <= 2047).all()


def test_shift_targets_get_powers_of_two(data: LayerData) -> None:
    fitted = fit_layer(data, replace(SHAPE, power_of_two_of=0.3), OPTIONS)
    exponents = np.log2(0.3 / fitted.quantized.scale)
    assert np.array_equal(exponents, np.round(exponents))


def test_a_shortcut_moves_the_floor_and_the_same_seed_gives_the_same_layer(data: LayerData) -> None:
    shortcut = np.random.default_rng(1).normal(size=data.target.shape)
    with_shortcut = replace(data, floor=-shortcut)
    first, second = (fit_layer(with_shortcut, SHAPE, OPTIONS, layer=3) for _ in range(2))
    assert np.array_equal(first.codebook, second.codebook)
    assert np.array_equal(first.quantized.table, second.quantized.table)
    result = real_result(data, SHAPE, first)
    wanted = rows(np.maximum(data.target + shortcut, 0))
    assert normalized_error(np.maximum(result + rows(shortcut), 0), wanted) < 0.5
    assert not np.array_equal(first.codebook, fit_layer(with_shortcut, SHAPE, OPTIONS, layer=4).codebook)
