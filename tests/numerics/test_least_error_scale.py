"""The scale that costs least is at least as good as the one that holds everything, and finer where that pays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.numerics.arrays import FloatArray
from pqc.numerics.element import Element, dequantize
from pqc.numerics.fixed_point import is_power_of_two
from pqc.numerics.least_error_scale import FINEST, least_error_scale
from pqc.numerics.quantization import choose_grid


def cost(values: FloatArray, weights: FloatArray, element: Element, scale: float) -> float:
    errors = values - dequantize(element.quantize(values, scale), scale)
    return float((np.square(errors, dtype=np.float64) * weights).sum())


@given(
    seed=st.integers(0, 10_000),
    bits=st.integers(2, 7),
    positive=st.booleans(),
    power_of_two=st.booleans(),
)
def test_no_worse_than_the_scale_that_holds_all(seed: int, bits: int, positive: bool, power_of_two: bool) -> None:
    random = np.random.default_rng(seed)
    values = random.standard_t(3, size=500).astype(np.float32)
    values = np.abs(values) if positive else values
    weights = random.random(500).astype(np.float32)
    element, reach = choose_grid(float(values.min()), float(values.max()), bits, power_of_two)
    scale = least_error_scale(values, weights, element, reach, power_of_two)
    assert FINEST * reach <= scale <= reach
    assert cost(values, weights, element, scale) <= cost(values, weights, element, reach) * (1 + 1e-5)
    assert is_power_of_two(scale) or not power_of_two


def test_one_large_value_among_many_small_ones_is_cut_off() -> None:
    values = np.append(np.linspace(-1, 1, 1000), 8).astype(np.float32)
    element, reach = choose_grid(-1, 8, 4, power_of_two=False)
    assert least_error_scale(values, np.ones_like(values), element, reach, power_of_two=False) < reach / 2


def test_one_that_matters_is_not() -> None:
    values = np.append(np.linspace(-1, 1, 1000), 8).astype(np.float32)
    weights = np.append(np.ones(1000), 1e6).astype(np.float32)
    element, reach = choose_grid(-1, 8, 4, power_of_two=False)
    assert least_error_scale(values, weights, element, reach, power_of_two=False) == reach


@pytest.mark.parametrize("power_of_two", [False, True])
def test_zeros_keep_their_scale(power_of_two: bool) -> None:
    values = np.zeros(3, np.float32)
    element, reach = choose_grid(0, 0, 4, power_of_two)
    assert least_error_scale(values, values, element, reach, power_of_two) == reach
