"""A window over a map of codes, tap by tap, and that it sees what encoding each window would give."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from support.integers import SEEDS, WINDOWS, array, tap

from pqc.numerics.arrays import IntArray
from pqc.numerics.code_window import windowed_codes
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, codes_of_zero, nearest_prototype
from pqc.numerics.grouping import Cut, Grouping
from pqc.numerics.window import Window

SIZES, GROUPS, OUTPUTS = st.tuples(st.integers(1, 5), st.integers(1, 5)), st.integers(1, 3), st.integers(1, 4)
CODES = st.sampled_from([Element(8, signed=False), Element(16, signed=False)])


def looped(codes: IntArray, window: Window, padding: IntArray, output: tuple[int, int]) -> IntArray:
    """One code after the other, from the definition of the subspaces' order."""
    frames, groups = codes.shape[:2]
    rows, columns = window.kernel
    result = np.empty((frames, rows * columns * groups, output[0] * output[1]), codes.dtype)
    for frame, i, j, group, row, column in np.ndindex(frames, rows, columns, groups, *output):
        code = tap(codes, window, (frame, group, i, j), (row, column), fill=int(padding[group]))
        result[frame, (i * columns + j) * groups + group, row * output[1] + column] = code
    return result


@given(CODES, WINDOWS, GROUPS, SIZES, st.tuples(OUTPUTS, OUTPUTS), SEEDS)
def test_each_tap_reads_its_code_or_the_padding(
    element: Element, window: Window, groups: int, size: tuple[int, int], output: tuple[int, int], seed: int
) -> None:
    codes, padding = array(element, (2, groups, *size), seed), array(element, (groups,), seed + 1)
    found = windowed_codes(codes, window, padding, output)
    np.testing.assert_array_equal(found, looped(codes, window, padding, output))
    assert found.dtype == codes.dtype


@given(WINDOWS, st.integers(1, 7), SIZES, st.integers(1, 4), st.integers(1, 9), st.sampled_from(Metric), SEEDS)
def test_encoding_pixels_once_gives_what_encoding_every_window_gives(
    window: Window, channels: int, size: tuple[int, int], length: int, prototypes: int, metric: Metric, seed: int
) -> None:
    assume(min(window.output_size(*size)) >= 1)
    pixel, element = Window((1, 1)), Element(8, signed=True)
    x, cut = array(element, (2, channels, *size), seed), Cut.of(Grouping.CHANNEL, channels, window, length)
    codebook = array(element, (cut.groups, prototypes, length), seed + 1)
    pixels = Cut.of(Grouping.CHANNEL, channels, pixel, length).subvectors(x, pixel)
    codes = nearest_prototype(pixels, codebook, metric).reshape(2, cut.groups, *size)
    found = windowed_codes(codes, window, codes_of_zero(codebook, metric), window.output_size(*size))
    expected = nearest_prototype(cut.subvectors(x, window), cut.for_taps(codebook), metric)
    np.testing.assert_array_equal(found, expected)


def test_the_code_of_zero_is_the_lowest_of_the_nearest() -> None:
    codebook = np.array([[[3, 0], [1, -1], [-1, 1]], [[0, 1], [0, 0], [0, 0]]], np.int8)
    assert codes_of_zero(codebook, Metric.L2).tolist() == [1, 1]
