"""Integer pooling against exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.integers import SEEDS, SPREADS, STORED, WINDOWS, Spread, array, taps

from pqc.numerics.arrays import IntArray
from pqc.numerics.element import Element
from pqc.numerics.pooling import PoolMode, average_pool, max_pool
from pqc.numerics.requantize import MAXIMUM_SHIFT, Clip
from pqc.numerics.window import Window

MAP = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 6), st.integers(1, 6))
OUTPUT = st.none() | st.tuples(st.integers(1, 4), st.integers(1, 4))
AVERAGES = st.sampled_from([PoolMode.AVERAGE, PoolMode.AVERAGE_WITH_PADDING])


def mean(x: IntArray, window: Window, place: tuple[int, int, int, int], mode: PoolMode) -> Fraction:
    frame, channel, row, column = place
    inside = taps(x, window, frame, range(channel, channel + 1), (row, column), fill=None)
    count = window.kernel[0] * window.kernel[1] if mode is PoolMode.AVERAGE_WITH_PADDING else len(inside)
    return Fraction(sum(inside), max(1, count))


@given(WINDOWS, MAP, OUTPUT, STORED, SEEDS, SPREADS)
def test_max_pool_takes_the_largest_inside_the_map(
    window: Window,
    shape: tuple[int, int, int, int],
    output: tuple[int, int] | None,
    element: Element,
    seed: int,
    spread: Spread,
) -> None:
    rows, columns = output or window.output_size(*shape[2:])
    assume(rows >= 1 and columns >= 1)
    x = array(element, shape, seed, spread)
    found = max_pool(x, window, output)
    assert found.dtype == x.dtype
    for frame, channel, row, column in np.ndindex(*shape[:2], rows, columns):
        inside = taps(x, window, frame, range(channel, channel + 1), (row, column), fill=None)
        assert found[frame, channel, row, column] == max(inside, default=element.minimum)


@given(WINDOWS, MAP, OUTPUT, STORED, SEEDS, SPREADS, AVERAGES, st.integers(0, 2**15 - 1), st.integers(0, MAXIMUM_SHIFT))
def test_average_pool_rounds_the_exact_mean_half_up(
    window: Window,
    shape: tuple[int, int, int, int],
    output: tuple[int, int] | None,
    element: Element,
    seed: int,
    spread: Spread,
    mode: PoolMode,
    multiplier: int,
    shift: int,
) -> None:
    rows, columns = output or window.output_size(*shape[2:])
    assume(rows >= 1 and columns >= 1)
    x, clip = array(element, shape, seed, spread), Clip.full(element)
    found = average_pool(x, window, mode, multiplier, shift, clip, output)
    assert found.dtype == element.storage
    for place in np.ndindex(*shape[:2], rows, columns):
        frame, channel, row, column = place
        exact = mean(x, window, (frame, channel, row, column), mode) * Fraction(multiplier, 2**shift)
        assert found[place] == max(clip.low, min(clip.high, math.floor(exact + Fraction(1, 2))))


@pytest.mark.parametrize("mode", [PoolMode.AVERAGE, PoolMode.AVERAGE_WITH_PADDING])
def test_a_large_global_mean_is_exact(mode: PoolMode) -> None:
    x = np.full((1, 1, 64, 64), 65535, np.uint16)
    x[0, 0, 0, 0] = 65534
    found = average_pool(x, Window((64, 64)), mode, 2**15 - 1, 15, Clip.full(Element(16, False)))
    exact = Fraction(65535 * 4096 - 1, 4096) * Fraction(2**15 - 1, 2**15)
    assert found.tolist() == [[[[math.floor(exact + Fraction(1, 2))]]]]


def test_halves_go_up_on_both_sides_of_zero() -> None:
    x = np.array([[[[1, 2]], [[-1, -2]]]], np.int8)
    found = average_pool(x, Window((1, 2)), PoolMode.AVERAGE, 1, 0, Clip.full(Element(8, True)))
    assert found.reshape(-1).tolist() == [2, -1]


def test_padding_counts_only_where_the_mode_says_so() -> None:
    x, window = np.full((1, 1, 2, 2), 8, np.uint8), Window((2, 2), (2, 2), (1, 1, 1, 1))
    clip = Clip.full(Element(8, False))
    assert average_pool(x, window, PoolMode.AVERAGE, 1, 0, clip).reshape(-1).tolist() == [8, 8, 8, 8]
    assert average_pool(x, window, PoolMode.AVERAGE_WITH_PADDING, 1, 0, clip).reshape(-1).tolist() == [2, 2, 2, 2]
