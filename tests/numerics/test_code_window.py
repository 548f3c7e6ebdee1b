"""Windows over maps of codes against loops over taps."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.operands import Geometry, geometries, seeds

from pqc.numerics.arrays import IntArray
from pqc.numerics.code_window import windowed_codes
from pqc.numerics.window import Window, patches

FRAMES = 2
kinds = st.sampled_from([np.uint8, np.uint16])


def random_codes(rng: np.random.Generator, kind: type[np.unsignedinteger], *shape: int) -> IntArray:
    return rng.integers(0, np.iinfo(kind).max, shape, endpoint=True).astype(kind)


def by_hand(codes: IntArray, geometry: Geometry, padding: IntArray) -> IntArray:
    """[frames, taps * groups, rows * columns], one code after the other."""
    frames, groups, height, width = codes.shape
    window, (rows, columns) = geometry.window, geometry.output
    seen = np.empty((frames, *window.kernel, groups, rows, columns), codes.dtype)
    for i, j, y, x in product(*map(range, (*window.kernel, rows, columns))):
        row = y * window.strides[0] + i * window.dilations[0] - window.pads[0]
        column = x * window.strides[1] + j * window.dilations[1] - window.pads[1]
        inside = 0 <= row < height and 0 <= column < width
        seen[:, i, j, :, y, x] = codes[:, :, row, column] if inside else padding
    return seen.reshape(frames, -1, rows * columns)


@given(geometries(), seeds, kinds, st.data())
def test_windows_and_parts_of_their_subspaces(
    geometry: Geometry, rng: np.random.Generator, kind: type[np.unsignedinteger], data: st.DataObject
) -> None:
    codes = random_codes(rng, kind, FRAMES, geometry.channels, geometry.height, geometry.width)
    padding = random_codes(rng, kind, geometry.channels)
    expected = by_hand(codes, geometry, padding)
    found = windowed_codes(codes, geometry.window, padding, geometry.output)
    assert found.dtype == kind
    np.testing.assert_array_equal(found, expected)
    start = data.draw(st.integers(0, geometry.elements - 1))
    stop = data.draw(st.integers(start + 1, geometry.elements))
    part = windowed_codes(codes, geometry.window, padding, geometry.output, range(start, stop))
    np.testing.assert_array_equal(part, expected[:, start:stop])


@given(geometries(), seeds)
def test_equal_padding_codes_are_the_fill_of_a_convolution_s_patches(
    geometry: Geometry, rng: np.random.Generator
) -> None:
    codes = random_codes(rng, np.uint8, FRAMES, geometry.channels, geometry.height, geometry.width)
    seen = patches(codes, geometry.window, geometry.output, fill=7).transpose(0, 2, 3, 1, 4, 5)
    padding = np.full(geometry.channels, 7, np.uint8)
    expected = seen.reshape(FRAMES, geometry.elements, geometry.columns)
    np.testing.assert_array_equal(windowed_codes(codes, geometry.window, padding, geometry.output), expected)


def test_the_pads_give_the_output_where_none_is_asked_for() -> None:
    codes = np.arange(4, dtype=np.uint8).reshape(1, 1, 2, 2)
    window = Window((2, 2), pads=(1, 0, 0, 1))
    found = windowed_codes(codes, window, np.array([9], np.uint8))
    assert found.tolist() == [[[9, 9, 0, 1], [9, 9, 1, 9], [0, 1, 2, 3], [1, 9, 3, 9]]]


@pytest.mark.parametrize(
    ("window", "output", "margins"),
    [
        (Window((3, 3), pads=(1, 1, 1, 1)), (4, 5), (1, 1, 1, 1)),
        (Window((3, 3), pads=(1, 1, 1, 1)), (2, 2), (1, 1, 0, 0)),
        (Window((1, 2), strides=(2, 3), dilations=(1, 4)), (3, 3), (0, 0, 1, 6)),
    ],
)
def test_margins(window: Window, output: tuple[int, int], margins: tuple[int, ...]) -> None:
    assert window.margins(4, 5, output) == margins
