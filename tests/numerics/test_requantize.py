"""From accumulators to activations, against Python's integers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.integers import ELEMENTS, SEEDS, STORED, array

from pqc.numerics.element import Element
from pqc.numerics.requantize import MAXIMUM_SHIFT, MULTIPLIER_BITS, Clip, add, multiply, requantize, rescale

SHIFTS = st.integers(0, MAXIMUM_SHIFT)
MULTIPLIERS = st.integers(0, 2**MULTIPLIER_BITS - 1)


@st.composite
def clips(draw: st.DrawFn) -> Clip:
    element = draw(ELEMENTS)
    low = draw(st.integers(element.minimum, element.maximum))
    return Clip(element, low, draw(st.integers(low, element.maximum)))


def rounded(value: int, shift: int, clip: Clip) -> int:
    return max(clip.low, min(clip.high, math.floor(Fraction(value, 2**shift) + Fraction(1, 2))))


@given(clips(), SEEDS, st.lists(st.tuples(MULTIPLIERS, SHIFTS), min_size=1, max_size=4))
def test_requantize(clip: Clip, seed: int, parameters: list[tuple[int, int]]) -> None:
    rng = np.random.default_rng(seed)
    accumulator = rng.integers(-(2**31), 2**31, (2, len(parameters), 6)).astype(np.int32)
    accumulator[0, :, :2] = [-(2**31), 2**31 - 1]
    multiplier, shift = np.array([m for m, _ in parameters], np.int32), np.array([s for _, s in parameters], np.int32)
    found = requantize(accumulator, multiplier, shift, clip)
    assert found.dtype == clip.element.storage
    for n, o, m in np.ndindex(accumulator.shape):
        factor, by = parameters[int(o)]
        assert found[n, o, m] == rounded(int(accumulator[n, o, m]) * factor, by, clip)


@given(
    clips(),
    STORED,
    SEEDS,
    st.lists(st.tuples(MULTIPLIERS, SHIFTS, st.integers(0, 2**31 - 1)), min_size=1, max_size=4),
)
def test_requantize_adds_a_residual_before_it_rounds(
    clip: Clip, element: Element, seed: int, parameters: list[tuple[int, int, int]]
) -> None:
    rng = np.random.default_rng(seed)
    accumulator = rng.integers(-(2**31), 2**31, (2, len(parameters), 6)).astype(np.int32)
    residual = array(element, accumulator.shape, seed + 1)
    residual[0, :, 0] = element.maximum
    multiplier, shift, factor = (np.array([one[i] for one in parameters], np.int32) for i in range(3))
    found = requantize(accumulator, multiplier, shift, clip, residual, factor)
    for n, o, m in np.ndindex(accumulator.shape):
        first, by, second = parameters[int(o)]
        wide = int(accumulator[n, o, m]) * first + int(residual[n, o, m]) * second
        assert found[n, o, m] == rounded(wide, by, clip)


@given(clips(), STORED, SEEDS, st.integers(0, 2**31 - 1), SHIFTS)
def test_rescale(clip: Clip, element: Element, seed: int, multiplier: int, shift: int) -> None:
    x = array(element, (3, 7), seed)
    found = rescale(x, multiplier, shift, clip)
    assert found.dtype == clip.element.storage
    assert found.tolist() == [[rounded(value * multiplier, shift, clip) for value in row] for row in x.tolist()]


@given(clips(), STORED, STORED, SEEDS, st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1)), SHIFTS)
def test_add(
    clip: Clip, left_element: Element, right_element: Element, seed: int, multipliers: tuple[int, int], shift: int
) -> None:
    left, right = array(left_element, (20,), seed), array(right_element, (20,), seed + 1)
    found = add(left, right, multipliers, shift, clip)
    sums = [a * multipliers[0] + b * multipliers[1] for a, b in zip(left.tolist(), right.tolist(), strict=True)]
    assert found.tolist() == [rounded(value, shift, clip) for value in sums]


@given(ELEMENTS)
def test_the_full_clip_is_the_range_of_the_element(element: Element) -> None:
    clip = Clip.full(element)
    assert (clip.low, clip.high) == (element.minimum, element.maximum)


@pytest.mark.parametrize(("low", "high"), [(-1, 5), (3, 2), (0, 256)])
def test_bounds_outside_the_element_are_refused(low: int, high: int) -> None:
    with pytest.raises(ValueError, match="is not inside ui8"):
        Clip(Element(8, False), low, high)


@given(clips(), STORED, STORED, SEEDS, st.integers(-(2**MULTIPLIER_BITS), 2**MULTIPLIER_BITS), SHIFTS)
def test_multiply(clip: Clip, left: Element, right: Element, seed: int, multiplier: int, shift: int) -> None:
    x, y = array(left, (2, 3, 2, 2), seed), array(right, (2, 3, 1, 1), seed + 1)
    found = multiply(x, y, multiplier, shift, clip)
    assert found.dtype == clip.element.storage
    for place in np.ndindex(x.shape):
        product = int(x[place]) * int(y[place[:2]][0, 0]) * multiplier
        assert found[place] == rounded(product, shift, clip)


@pytest.mark.parametrize("shift", [0, 1, MAXIMUM_SHIFT])
@pytest.mark.parametrize("multiplier", [-(2**31), 2**31 - 1])
def test_no_product_leaves_64_bits(multiplier: int, shift: int) -> None:
    ends = [Element(16, signed=False).maximum, Element(16, signed=True).minimum, Element(16, signed=True).maximum]
    clip = Clip.full(Element(16, signed=True))
    for left in ends:
        for right in ends:
            found = multiply(np.array([left], np.int32), np.array([right], np.int32), multiplier, shift, clip)
            assert found[0] == rounded(left * right * multiplier, shift, clip)
