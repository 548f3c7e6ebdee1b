"""Ratios of scales as multiplier and shift."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.numerics.fixed_point import fixed_point, is_power_of_two, power_of_two_at_least
from pqc.numerics.requantize import MAXIMUM_SHIFT, MULTIPLIER_BITS

RATIOS = st.floats(2.0**-20, 32767.0)


@given(RATIOS)
def test_multiplier_and_shift_are_next_to_the_ratio(ratio: float) -> None:
    multiplier, shift = fixed_point(ratio)
    assert 0 <= shift <= MAXIMUM_SHIFT
    assert 2 ** (MULTIPLIER_BITS - 1) <= multiplier < 2**MULTIPLIER_BITS
    step = Fraction(1, 2**shift)
    assert abs(Fraction(ratio) - multiplier * step) <= step


@given(st.integers(-25, 14))
def test_powers_of_two_are_exact(exponent: int) -> None:
    multiplier, shift = fixed_point(2.0**exponent)
    assert Fraction(multiplier, 2**shift) == Fraction(2) ** exponent


def test_vanishing_ratios_get_the_longest_shift() -> None:
    assert fixed_point(3 * 2.0**-41) == (2, MAXIMUM_SHIFT)
    assert fixed_point(2.0**-60) == (0, MAXIMUM_SHIFT)


def test_a_multiplier_that_rounds_beyond_its_bits_is_halved() -> None:
    ratio = 1 - 2.0**-30
    assert fixed_point(ratio) == (2 ** (MULTIPLIER_BITS - 1), MULTIPLIER_BITS - 1)


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.nan, math.inf])
def test_ratios_that_are_none_are_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="must be positive and finite"):
        fixed_point(ratio)


@pytest.mark.parametrize("ratio", [32768.0, 1e30])
def test_ratios_that_are_too_large_are_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match="allowed is less than 32768"):
        fixed_point(ratio)


@given(st.floats(1e-30, 1e30))
def test_the_power_of_two_at_least(scale: float) -> None:
    power = power_of_two_at_least(scale)
    assert is_power_of_two(power)
    assert power / 2 < scale <= power
    assert is_power_of_two(scale) == (power == scale)


def test_zero_is_no_power_of_two() -> None:
    assert not is_power_of_two(0.0)
    assert not is_power_of_two(-2.0)
