"""Window geometry and patches against explicit loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.integers import SEEDS, STORED, WINDOWS, array, tap

from pqc.numerics.arrays import IntArray
from pqc.numerics.element import Element
from pqc.numerics.window import Window, patches

MAP = st.tuples(st.integers(1, 2), st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))


def looped(x: IntArray, window: Window, output: tuple[int, int], fill: int) -> IntArray:
    result = np.empty((*x.shape[:2], *window.kernel, *output), np.int64)
    for frame, channel, i, j, row, column in np.ndindex(*result.shape):
        result[frame, channel, i, j, row, column] = tap(x, window, (frame, channel, i, j), (row, column), fill)
    return result


@given(WINDOWS, st.integers(1, 9), st.integers(1, 9))
def test_output_size_counts_the_windows_that_fit(window: Window, height: int, width: int) -> None:
    top, left, bottom, right = window.pads
    sizes = zip(
        (height + top + bottom, width + left + right), window.kernel, window.strides, window.dilations, strict=True
    )
    counted = tuple(
        len([start for start in range(0, size, stride) if start + (kernel - 1) * dilation < size])
        for size, kernel, stride, dilation in sizes
    )
    assume(all(counted))
    assert window.output_size(height, width) == counted


@given(WINDOWS, MAP, STORED, SEEDS, st.integers(0, 100))
def test_patches_are_what_each_window_sees(
    window: Window, shape: tuple[int, int, int, int], element: Element, seed: int, fill: int
) -> None:
    assume(min(window.output_size(*shape[2:])) >= 1)
    x = array(element, shape, seed)
    found = patches(x, window, fill=fill)
    assert found.dtype == x.dtype
    np.testing.assert_array_equal(found, looped(x, window, window.output_size(*shape[2:]), fill))


@given(WINDOWS, MAP, SEEDS, st.tuples(st.integers(1, 9), st.integers(1, 9)))
def test_any_output_size_may_be_asked_for(
    window: Window, shape: tuple[int, int, int, int], seed: int, output: tuple[int, int]
) -> None:
    x = array(Element(8, True), shape, seed)
    np.testing.assert_array_equal(patches(x, window, output), looped(x, window, output, 0))


def test_patches_of_a_strided_view() -> None:
    whole = array(Element(8, False), (2, 3, 9, 10), 0)
    part, window = whole[:, ::2, 1::2, ::3], Window((2, 2), pads=(0, 0, 1, 0))
    np.testing.assert_array_equal(patches(part, window), patches(part.copy(), window))


def test_patches_are_read_only() -> None:
    assert not patches(np.zeros((1, 1, 4, 4), np.uint8), Window((2, 2))).flags.writeable


@pytest.mark.parametrize(
    "numbers",
    [
        ((0, 1), (1, 1), (0, 0, 0, 0), (1, 1)),
        ((1, 1), (1, 0), (0, 0, 0, 0), (1, 1)),
        ((1, 1), (1, 1), (0, 0, -1, 0), (1, 1)),
        ((1, 1), (1, 1), (0, 0, 0, 0), (0, 1)),
    ],
)
def test_what_is_no_window_is_refused(
    numbers: tuple[tuple[int, int], tuple[int, int], tuple[int, int, int, int], tuple[int, int]],
) -> None:
    with pytest.raises(ValueError, match="not a window"):
        Window(*numbers)
