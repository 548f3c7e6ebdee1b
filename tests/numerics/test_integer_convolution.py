"""The conventional convolution against explicit loops in Python's integers."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.integers import SEEDS, SPREADS, STORED, WINDOWS, Spread, array, taps

from pqc.numerics.convolution import convolve
from pqc.numerics.element import Element
from pqc.numerics.window import Window

WEIGHT_BITS = st.sampled_from([2, 8, 16])


@settings(max_examples=60)
@given(
    WINDOWS,
    STORED,
    WEIGHT_BITS,
    st.tuples(st.integers(1, 3), st.integers(1, 2), st.integers(1, 2)),
    st.tuples(st.integers(1, 5), st.integers(1, 5)),
    st.none() | st.tuples(st.integers(1, 4), st.integers(1, 4)),
    SEEDS,
    SPREADS,
    st.integers(8, 32),
)
def test_grouped_convolution_is_its_definition(
    window: Window,
    element: Element,
    weight_bits: int,
    channels: tuple[int, int, int],
    size: tuple[int, int],
    output: tuple[int, int] | None,
    seed: int,
    spread: Spread,
    accumulator_bits: int,
) -> None:
    groups, inputs, outputs = channels
    rows, columns = output or window.output_size(*size)
    assume(rows >= 1 and columns >= 1)
    x = array(element, (2, groups * inputs, *size), seed, spread)
    weight = array(Element(weight_bits, True), (groups * outputs, inputs, *window.kernel), seed + 1, spread)
    start = array(Element(16, True), (groups * outputs, 1), seed + 2).astype(np.int32)
    found = convolve(x, weight, window, groups, start, accumulator_bits, output)
    assert found.dtype == np.int32
    assert found.shape == (2, groups * outputs, rows * columns)
    half = 2 ** (accumulator_bits - 1)
    for frame, o, row, column in np.ndindex(2, groups * outputs, rows, columns):
        first = o // outputs * inputs
        seen = taps(x, window, frame, range(first, first + inputs), (row, column))
        total = sum(a * b for a, b in zip(seen, weight[o].reshape(-1).tolist(), strict=True)) + int(start[o, 0])
        assert found[frame, o, row * columns + column] == (total + half) % (2 * half) - half


def test_every_bit_of_the_longest_sums_counts() -> None:
    """Sums of the largest products over a deep window: their last bits decide what is left after wrapping."""
    depth = 4096
    x = np.full((1, depth, 1, 1), 65535, np.uint16)
    weight = np.full((2, depth, 1, 1), -32768, np.int16)
    weight[1, -1] = -32767
    start = np.array([[7], [-7]], np.int32)
    exact = [-32768 * 65535 * depth + 7, -32768 * 65535 * depth + 65535 - 7]
    expected = [[(value + 2**31) % 2**32 - 2**31] for value in exact]
    assert convolve(x, weight, Window((1, 1)), 1, start, 32)[0].tolist() == expected


def test_a_second_part_goes_on_from_accumulators() -> None:
    x, weight = array(Element(8, False), (2, 6, 4, 4), 0), array(Element(8, True), (3, 6, 3, 3), 1)
    window, bias = Window((3, 3), pads=(1, 1, 1, 1)), np.array([[1], [2], [3]], np.int32)
    whole = convolve(x, weight, window, 1, bias, 32)
    first = convolve(x[:, :2], weight[:, :2], window, 1, bias, 32)
    np.testing.assert_array_equal(convolve(x[:, 2:], weight[:, 2:], window, 1, first, 32), whole)
