"""Element types: their ranges, saturation, and rounding of real numbers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.integers import ELEMENTS, SEEDS, array

from pqc.numerics.element import Element, dequantize


@given(ELEMENTS)
def test_ranges_are_those_of_two_s_complement(element: Element) -> None:
    values = range(-(2 ** (element.bits - 1)), 2 ** (element.bits - 1)) if element.signed else range(2**element.bits)
    assert (element.minimum, element.maximum) == (values[0], values[-1])
    held = np.iinfo(element.storage)
    assert held.min <= element.minimum <= element.maximum <= held.max
    assert element.storage.itemsize == element.storage_bytes == (1 if element.bits <= 8 else 2)


@given(ELEMENTS, st.floats(1e-6, 10), st.lists(st.floats(-1e4, 1e4, width=32), min_size=1))
def test_real_numbers_on_a_grid_are_what_the_integers_stand_for(
    element: Element, scale: float, values: list[float]
) -> None:
    real = np.array(values, np.float32)
    found = element.on_grid(real, scale)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, dequantize(element.quantize(real, scale), scale))


def test_spelling() -> None:
    assert [str(Element(8, False)), str(Element(16, True))] == ["ui8", "si16"]


@pytest.mark.parametrize("bits", [-1, 0, 17])
def test_other_widths_are_refused(bits: int) -> None:
    with pytest.raises(ValueError, match=f"element bits = {bits}, allowed are 1 to 16"):
        Element(bits, False)


@given(ELEMENTS, st.sampled_from(["<u1", "<i1", "<u2", "<i2", "<i4", "<i8"]), SEEDS)
def test_clip_saturates_integers_of_any_type(element: Element, dtype: str, seed: int) -> None:
    held = np.iinfo(dtype)
    edges = [held.min, held.max, element.minimum, element.minimum - 1, element.maximum, element.maximum + 1, 0]
    rng = np.random.default_rng(seed)
    some = [int(value) for value in rng.integers(held.min, held.max, 20, endpoint=True)]
    values = [value for value in edges + some if held.min <= value <= held.max]
    clipped = element.clip(np.array(values, dtype))
    assert clipped.dtype == element.storage
    assert clipped.tolist() == [max(element.minimum, min(element.maximum, value)) for value in values]


@given(ELEMENTS, st.integers(-12, 6), st.lists(st.floats(-1e4, 1e4, width=32), min_size=1))
def test_quantize_rounds_half_up_exactly_on_grids_of_powers_of_two(
    element: Element, exponent: int, values: list[float]
) -> None:
    scale = 2.0**exponent
    ties = [(k + 0.5) * scale for k in (-3, -2, -1, 0, 1, 2)]
    found = element.quantize(np.array(values + ties, np.float32), scale)
    exact = [math.floor(Fraction(value) / Fraction(scale) + Fraction(1, 2)) for value in values + ties]
    assert found.tolist() == [max(element.minimum, min(element.maximum, value)) for value in exact]
    assert found.dtype == element.storage


@given(st.floats(1e-6, 1e3), st.lists(st.floats(-1e3, 1e3, width=32), min_size=1))
def test_quantize_gives_a_nearest_integer_on_any_grid(scale: float, values: list[float]) -> None:
    element = Element(16, True)
    for value, found in zip(values, element.quantize(np.array(values, np.float32), scale).tolist(), strict=True):
        quotient = Fraction(value) / Fraction(scale)
        inside = max(Fraction(element.minimum), min(Fraction(element.maximum), quotient))
        assert abs(found - inside) <= Fraction(1, 2) + Fraction(1, 10**9)


def test_quantize_saturates_whatever_is_far_away() -> None:
    far = np.array([3e38, -3e38, np.inf, -np.inf], np.float32)
    assert Element(8, True).quantize(far, 1e-30).tolist() == [127, -128, 127, -128]


@given(ELEMENTS, SEEDS, st.floats(1e-6, 1e3))
def test_quantize_inverts_dequantize(element: Element, seed: int, scale: float) -> None:
    values = array(element, (50,), seed)
    real = dequantize(values, scale)
    assert real.dtype == np.float32
    np.testing.assert_allclose(real, [value * scale for value in values.tolist()], rtol=1e-6)
    np.testing.assert_array_equal(element.quantize(real, scale), values)
