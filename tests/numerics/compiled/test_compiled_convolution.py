"""The compiled convolution against its definition, wrapping included."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.integers import SEEDS, SPREADS, STORED, WINDOWS, Spread, array

from pqc.numerics.element import Element
from pqc.numerics.kernels import NUMPY, compiled_kernels
from pqc.numerics.window import Window


@settings(max_examples=60)
@given(
    WINDOWS,
    STORED,
    st.sampled_from([2, 8, 16]),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 2)),
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5)),
    st.none() | st.tuples(st.integers(1, 4), st.integers(1, 4)),
    st.booleans(),
    SEEDS,
    SPREADS,
)
def test_sums_are_those_of_the_definition(
    window: Window,
    element: Element,
    weight_bits: int,
    channels: tuple[int, int, int],
    size: tuple[int, int, int],
    asked: tuple[int, int] | None,
    first: bool,
    seed: int,
    spread: Spread,
) -> None:
    """Dense, grouped and depthwise, from the bias or from earlier sums."""
    groups, inputs, outputs = channels
    frames, *map_size = size
    output = asked or window.output_size(map_size[0], map_size[1])
    assume(min(output) >= 1)
    x = array(element, (frames, groups * inputs, *map_size), seed, spread)
    weight = array(Element(weight_bits, True), (groups * outputs, inputs, *window.kernel), seed + 1, spread)
    rng = np.random.default_rng(seed)
    before = rng.integers(-(1 << 31), 1 << 31, (frames, groups * outputs, output[0] * output[1])).astype(np.int32)
    bias = rng.integers(-(1 << 31), 1 << 31, groups * outputs).astype(np.int32) if first else None
    how = (weight.astype(np.int32), window, groups, output)
    found, expected = before.copy(), before.copy()
    compiled_kernels().convolver(*how)(found, x, bias)
    NUMPY.convolver(*how)(expected, x, bias)
    np.testing.assert_array_equal(found, expected)


def test_every_bit_of_the_longest_sums_counts() -> None:
    """Sums beyond float32, and beyond 32 bits."""
    x = np.full((1, 4096, 1, 1), 65535, np.uint16)
    weight = np.full((2, 4096, 1, 1), 32767, np.int32)
    weight[1, -1] -= 1
    how = (weight, Window((1, 1)), 1, (1, 1))
    found, expected = np.zeros((1, 2, 1), np.int32), np.zeros((1, 2, 1), np.int32)
    compiled_kernels().convolver(*how)(found, x, None)
    NUMPY.convolver(*how)(expected, x, None)
    assert found.tolist() == expected.tolist()
    assert found[0, 0, 0] - found[0, 1, 0] == 65535


def test_many_frames_go_in_parts() -> None:
    x = array(Element(8, True), (9, 3, 20, 20), 0)
    weight = array(Element(8, True), (4, 3, 3, 3), 1).astype(np.int32)
    how = (weight, Window((3, 3), (1, 1), (1, 1, 1, 1)), 1, (20, 20))
    bias = np.arange(4, dtype=np.int32)
    found, expected = np.empty((9, 4, 400), np.int32), np.empty((9, 4, 400), np.int32)
    compiled_kernels().convolver(*how)(found, x, bias)
    NUMPY.convolver(*how)(expected, x, bias)
    np.testing.assert_array_equal(found, expected)
