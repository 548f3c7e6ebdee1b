"""Grids, integer weights and the parameters of requantization, against what they promise in exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.integers import ELEMENTS, SEEDS

from pqc.errors import ModelError
from pqc.numerics.arrays import FloatArray
from pqc.numerics.element import Element, dequantize
from pqc.numerics.fixed_point import is_power_of_two
from pqc.numerics.quantization import (
    RESIDUAL_LIMIT,
    choose_grid,
    clip_to_grid,
    elementwise,
    input_bits,
    power_of_two_steps,
    quantize_weights,
    requantization,
    uniform_steps,
)
from pqc.numerics.requantize import MAXIMUM_SHIFT, MULTIPLIER_BITS

SCALES = st.floats(1e-2, 1e2)
ENDS = st.just(0.0) | st.floats(1e-30, 1e3) | st.floats(-1e3, -1e-30)
BOUNDS = st.none() | st.integers(-(10**7), 10**7).map(lambda n: n / 64)
UNSIGNED, SIGNED = Element(8, False), Element(8, True)


@given(ENDS, ENDS, st.integers(2, 16), st.booleans())
def test_a_grid_just_holds_its_range(first: float, second: float, bits: int, power_of_two: bool) -> None:
    low, high = min(first, second), max(first, second)
    element, scale = choose_grid(low, high, bits, power_of_two)
    assert (element.bits, element.signed) == (bits, low < 0)
    assert not power_of_two or is_power_of_two(scale)
    reach = max(abs(low), abs(high))
    assert reach <= element.maximum * scale * (1 + 1e-12)
    if reach > 0:
        assert element.maximum * scale <= reach * (2 if power_of_two else 1 + 1e-12)


def test_an_empty_range_gets_the_scale_one() -> None:
    assert choose_grid(0.0, 0.0, 8, False) == (UNSIGNED, 1.0)
    assert choose_grid(0.0, 0.0, 8, True) == (UNSIGNED, 1.0)


def random_weights(seed: int, *shape: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    size = 10.0 ** rng.uniform(-3, 1, (shape[0], *[1] * (len(shape) - 1)))
    return (rng.normal(size=shape) * size).astype(np.float32), rng.normal(size=shape[0]).astype(np.float32)


@given(SEEDS, st.integers(2, 8), SCALES, st.none() | SCALES)
def test_weights_and_bias_are_within_half_a_step(
    seed: int, bits: int, source_scale: float, power_of_two_of: float | None
) -> None:
    weight, bias = random_weights(seed, 4, 3, 2, 2)
    found = quantize_weights(weight, bias, bits, UNSIGNED, source_scale, power_of_two_of)
    element = Element(bits, True)
    assert found.weight.dtype == element.storage
    assert found.weight.shape == weight.shape
    assert found.bias.dtype == np.int32
    step = (found.scale / source_scale).reshape(-1, 1, 1, 1)
    error = np.abs(dequantize(found.weight, 1.0) * step - weight)
    # a power of two may fall short of the largest weight by what floats lose
    assert (error <= step * (0.5 + 1e-3)).all()
    assert (np.abs(found.bias * found.scale - bias) <= found.scale * (0.5 + 1e-6)).all()
    if power_of_two_of is not None:
        assert all(is_power_of_two(float(one)) for one in found.scale / power_of_two_of)


@given(SEEDS)
def test_each_output_uses_its_whole_range(seed: int) -> None:
    weight, bias = random_weights(seed, 5, 7)
    found = quantize_weights(weight, bias, 8, SIGNED, 0.01, None)
    assert np.abs(found.weight.astype(np.int64)).max(axis=1).tolist() == [127] * 5


@given(SEEDS, st.integers(2, 16), st.integers(-12, 4), st.integers(-8, 2), st.none() | st.sampled_from([0.125, 4.0]))
def test_weights_on_a_grid_of_powers_of_two_are_kept_exactly(
    seed: int, bits: int, exponent: int, source: int, power_of_two_of: float | None
) -> None:
    rng, element = np.random.default_rng(seed), Element(bits, True)
    integers = rng.integers(element.minimum, element.maximum, (4, 6), endpoint=True)
    # the first output uses the whole range, and the others some of it
    integers[1:] >>= 1
    integers[:, 0] = [element.minimum, 1, 1, -1]
    steps = np.ldexp(1.0, exponent + rng.integers(0, 3, 4))
    weight = (integers * steps[:, None]).astype(np.float32)
    offsets = rng.integers(-1000, 1000, 4)
    bias = (offsets * steps * 2.0**source).astype(np.float32)
    found = quantize_weights(weight, bias, bits, UNSIGNED, 2.0**source, power_of_two_of)
    np.testing.assert_array_equal(found.weight * (found.scale / 2.0**source)[:, None], weight)
    np.testing.assert_array_equal(found.bias * found.scale, bias)


def test_the_finest_grid_of_powers_of_two_is_found_where_there_is_one() -> None:
    rows = [[1.0, 0.5], [-2.0, 0.0], [127.0, -128.0], [128.0, 1.0], [0.0, 0.0], [1.0, 0.3], [2.0**-20, 3 * 2.0**-20]]
    found = power_of_two_steps(np.array(rows, np.float32), SIGNED)
    assert found.tolist() == [2.0**-6, 2.0**-6, 1.0, 0.0, 2.0**-6, 0.0, 2.0**-25]


def test_outputs_without_weights_keep_their_bias() -> None:
    found = quantize_weights(np.zeros((1, 4), np.float32), np.array([2.5], np.float32), 8, UNSIGNED, 0.1, None)
    assert not found.weight.any()
    assert found.bias[0] * found.scale[0] == pytest.approx(2.5, rel=1e-3)


def test_a_bias_beyond_the_accumulator_makes_the_grid_coarser() -> None:
    weight, bias = np.full((1, 2), 1e-12, np.float32), np.array([1e6], np.float32)
    found = quantize_weights(weight, bias, 8, UNSIGNED, 1.0, None)
    assert abs(int(found.bias[0])) < 2**31
    assert found.bias[0] * found.scale[0] == pytest.approx(1e6, rel=1e-6)


def test_sums_that_could_leave_the_accumulator_are_refused() -> None:
    weight, bias = np.ones((1, 4096), np.float32), np.zeros(1, np.float32)
    with pytest.raises(ModelError, match="do not fit a 32-bit accumulator; use fewer activation bits"):
        quantize_weights(weight, bias, 8, Element(16, False), 1.0, None)
    assert quantize_weights(weight, bias, 8, UNSIGNED, 1.0, None).weight.max() == 64


@given(st.lists(SCALES, min_size=1, max_size=4), SCALES, st.none() | SCALES)
def test_requantization_is_next_to_the_ratios(
    scales: list[float], result_scale: float, residual_scale: float | None
) -> None:
    found = requantization(np.array(scales), result_scale, residual_scale)
    for scale, multiplier, shift, residual in zip(
        scales, found.multiplier.tolist(), found.shift.tolist(), found.residual_multiplier.tolist(), strict=True
    ):
        assert 0 <= multiplier < 2**MULTIPLIER_BITS
        assert 0 <= shift <= MAXIMUM_SHIFT
        assert 0 <= residual <= RESIDUAL_LIMIT
        step = Fraction(1, 2**shift)
        assert abs(Fraction(scale / result_scale) - multiplier * step) <= step
        expected = Fraction(0) if residual_scale is None else Fraction(residual_scale / result_scale)
        assert abs(expected - residual * step) <= step * Fraction(51, 100)


@given(st.lists(st.integers(-MAXIMUM_SHIFT, 0), min_size=1, max_size=4), SCALES)
def test_powers_of_two_up_to_one_get_the_multiplier_one(exponents: list[int], result_scale: float) -> None:
    found = requantization(result_scale * np.exp2(np.array(exponents, np.float64)), result_scale, None)
    assert found.multiplier.tolist() == [1] * len(exponents)
    assert found.shift.tolist() == [-exponent for exponent in exponents]
    assert not found.residual_multiplier.any()


@given(SCALES, st.floats(1.0, 2.0**31 - 1), st.floats(2.0**-20, 1.0))
def test_the_residual_multiplier_fits_whatever_the_ratio(result: float, residual: float, accumulator: float) -> None:
    found = requantization(np.array([accumulator * result]), result, min(residual * result, RESIDUAL_LIMIT * result))
    assert 0 < int(found.residual_multiplier[0]) <= RESIDUAL_LIMIT


def test_ratios_that_cannot_be_held_are_refused() -> None:
    with pytest.raises(ModelError, match=r"activations cannot be requantized: ratio of scales = 1000000.0"):
        requantization(np.array([1.0]), 1e-6, None)
    with pytest.raises(ModelError, match=r"a residual cannot be requantized: ratio of scales = 10000000000.0"):
        requantization(np.array([1e-10]), 1e-10, 1.0)
    with pytest.raises(ModelError, match="activations cannot be brought onto one grid"):
        elementwise(1.0, 1e6)


@given(st.lists(st.floats(2.0**-10, 32767.0), min_size=1, max_size=3))
def test_operands_share_one_shift(ratios: list[float]) -> None:
    multipliers, shift = elementwise(*ratios)
    assert 0 <= shift <= MAXIMUM_SHIFT
    for ratio, multiplier in zip(ratios, multipliers, strict=True):
        assert 0 <= multiplier < 2**MULTIPLIER_BITS
        assert abs(Fraction(ratio) - Fraction(multiplier, 2**shift)) <= Fraction(1, 2**shift)


@given(BOUNDS, BOUNDS, ELEMENTS, st.integers(-8, 8))
def test_bounds_lie_inside_the_element(low: float | None, high: float | None, element: Element, exponent: int) -> None:
    scale = 2.0**exponent
    if low is not None and high is not None:
        low, high = min(low, high), max(low, high)

    def on_grid(bound: float) -> int:
        rounded = math.floor(Fraction(bound) / Fraction(scale) + Fraction(1, 2))
        return max(element.minimum, min(element.maximum, rounded))

    clip = clip_to_grid(low, high, element, scale)
    assert clip.element == element
    assert clip.low == (element.minimum if low is None else on_grid(low))
    assert clip.low <= clip.high
    assert clip.high == max(clip.low, element.maximum if high is None else on_grid(high))


def test_infinite_bounds_do_not_bind() -> None:
    clip = clip_to_grid(-math.inf, math.inf, SIGNED, 0.1)
    assert (clip.low, clip.high) == (-128, 127)


def test_bounds_beyond_the_element_meet_its_edge() -> None:
    assert clip_to_grid(1e9, None, UNSIGNED, 1.0).low == 255
    assert clip_to_grid(None, -1e9, UNSIGNED, 1.0).high == 0


def test_weights_that_were_quantized_before_keep_their_integers() -> None:
    random = np.random.default_rng(5)
    integers = random.integers(-90, 91, (6, 4, 3, 3))
    integers[:, 0, 0, 0] = 90
    scales = random.uniform(0.001, 0.1, (6, 1, 1, 1)).astype(np.float32)
    weight = integers.astype(np.float32) * scales
    element = Element(8, signed=True)
    np.testing.assert_allclose(uniform_steps(weight, element), scales.reshape(-1), rtol=1e-6)
    found = quantize_weights(weight, np.zeros(6, np.float32), 8, Element(8, signed=False), 0.5, None)
    np.testing.assert_array_equal(found.weight, integers)
    np.testing.assert_allclose(found.scale, 0.5 * scales.reshape(-1), rtol=1e-6)


def test_weights_that_were_not_have_no_step() -> None:
    weight = np.random.default_rng(6).normal(size=(50, 4, 3, 3)).astype(np.float32)
    weight[3] = 0
    assert not uniform_steps(weight, Element(8, signed=True)).any()


@pytest.mark.parametrize(
    ("low", "high", "bits"),
    [
        (-123.4, 25.1, 12),
        (-1.0, 4.0, 12),
        (-3.0, 0.0, 12),
        (-1.0, 3.0, 8),
        (-2.1, 2.6, 8),
        (0.0, 255.0, 8),
        (0.0, 0.0, 8),
    ],
)
def test_a_lopsided_input_gets_more_bits(low: float, high: float, bits: int) -> None:
    assert input_bits(low, high, 8) == bits


def test_no_input_gets_more_than_16_bits() -> None:
    assert input_bits(-1.0, 10.0, 14) == 16


@pytest.mark.parametrize(("most", "bits"), [(16, 12), (10, 10), (8, 8), (6, 8)])
def test_what_an_input_gets_on_top_ends_where_it_has_to(most: int, bits: int) -> None:
    assert input_bits(-1.0, 10.0, 8, most) == bits
