"""Cutting windows into subvectors: where each element goes, for activations and weights alike."""

from __future__ import annotations

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from support.integers import SEEDS, WINDOWS, array, tap

from pqc.numerics.element import Element
from pqc.numerics.encode import starts_of, subvectors
from pqc.numerics.grouping import Cut, Grouping
from pqc.numerics.window import Window, patches

SIZES, CHANNELS, LENGTHS = st.tuples(st.integers(1, 5), st.integers(1, 5)), st.integers(1, 7), st.integers(1, 9)
S8 = Element(8, signed=True)


def fits(window: Window, size: tuple[int, int]) -> bool:
    return min(window.output_size(*size)) >= 1


@given(WINDOWS, CHANNELS, SIZES, LENGTHS, SEEDS)
def test_by_window_they_are_those_of_the_encode_unit(
    window: Window, channels: int, size: tuple[int, int], length: int, seed: int
) -> None:
    assume(fits(window, size))
    x, cut = array(S8, (2, channels, *size), seed), Cut.of(Grouping.WINDOW, channels, window, length)
    assert (cut.taps, cut.subspaces) == (1, cut.groups)
    np.testing.assert_array_equal(
        cut.subvectors(x, window), subvectors(x, window, length, starts_of(0, length, cut.subspaces))
    )


@given(WINDOWS, CHANNELS, SIZES, LENGTHS, SEEDS)
def test_by_channel_they_are_channels_at_one_tap(
    window: Window, channels: int, size: tuple[int, int], length: int, seed: int
) -> None:
    assume(fits(window, size))
    x, cut = array(S8, (2, channels, *size), seed), Cut.of(Grouping.CHANNEL, channels, window, length)
    found = cut.subvectors(x, window)
    height, width = window.kernel
    rows, columns = window.output_size(*size)
    assert found.shape == (2, height * width * -(-channels // length), length, rows * columns)
    for frame, s, element, column in np.ndindex(found.shape):
        place, group = divmod(s, cut.groups)
        channel = group * length + element
        wanted = 0
        if channel < channels:
            row, offset = divmod(place, width)
            wanted = tap(x, window, (frame, channel, row, offset), divmod(column, columns))
        assert found[frame, s, element, column] == wanted


@given(WINDOWS, CHANNELS, SIZES, LENGTHS, st.sampled_from(Grouping), SEEDS)
def test_weights_in_the_same_order_give_the_same_products(
    window: Window, channels: int, size: tuple[int, int], length: int, grouping: Grouping, seed: int
) -> None:
    assume(fits(window, size))
    x, cut = array(S8, (2, channels, *size), seed), Cut.of(grouping, channels, window, length)
    area = window.kernel[0] * window.kernel[1]
    weight = np.random.default_rng(seed).integers(-9, 10, (3, channels * area))
    arranged = cut.elements(weight[:, :, None])[:, :, 0].reshape(3, cut.subspaces, length)
    wanted = weight @ patches(x.astype(np.int64), window).reshape(2, channels * area, -1)
    np.testing.assert_array_equal(np.einsum("osl,fslm->fom", arranged, cut.subvectors(x, window)), wanted)


def test_taps_share_the_codebook_of_their_group() -> None:
    cut, codebook = Cut(groups=2, taps=3, length=1), np.array([[[1], [2]], [[3], [4]]])
    assert cut.for_taps(codebook)[:, :, 0].tolist() == [[1, 2], [3, 4]] * 3
