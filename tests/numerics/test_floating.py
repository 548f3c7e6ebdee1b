"""The float operations against straightforward loops and hand-computed values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pqc.numerics import floating
from pqc.numerics.arrays import FloatArray
from pqc.numerics.shapes import ShapeError
from pqc.numerics.window import Window


def random(*shape: int) -> FloatArray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def looped_convolution(x: FloatArray, weight: FloatArray, bias: FloatArray, window: Window, group: int) -> FloatArray:
    """The definition, one output at a time, in float64."""
    (top, left, bottom, right), (sh, sw), (dh, dw) = window.pads, window.strides, window.dilations
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (top, bottom), (left, right)))
    rows, columns = window.output_size(*x.shape[2:])
    inputs, outputs = weight.shape[1], len(weight) // group
    result = np.zeros((len(x), len(weight), rows, columns))
    for output, row, column in np.ndindex(len(weight), rows, columns):
        first = output // outputs * inputs
        region = padded[
            :,
            first : first + inputs,
            row * sh : row * sh + window.extent[0] : dh,
            column * sw : column * sw + window.extent[1] : dw,
        ]
        result[:, output, row, column] = (region * weight[output]).sum(axis=(1, 2, 3)) + bias[output]
    return result


SMALL = st.integers(1, 3)
PADS = st.integers(0, 2)


@settings(max_examples=60, deadline=None)
@given(
    window=st.builds(
        Window,
        st.tuples(SMALL, SMALL),
        st.tuples(SMALL, SMALL),
        st.tuples(PADS, PADS, PADS, PADS),
        st.tuples(SMALL, SMALL),
    ),
    group=st.integers(1, 3),
    per_group=st.tuples(st.integers(1, 2), st.integers(1, 3)),
)
def test_convolution_is_its_definition(window: Window, group: int, per_group: tuple[int, int]) -> None:
    inputs, outputs = per_group
    top, left, bottom, right = (pad % size for pad, size in zip(window.pads, window.extent * 2, strict=True))
    # no window may lie wholly in the padding
    window = replace(window, pads=(top, left, bottom, right))
    x, weight, bias = (
        random(2, inputs * group, 8, 9),
        random(outputs * group, inputs, *window.kernel),
        random(outputs * group),
    )
    found = floating.convolution(x, weight, bias, window, group)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, looped_convolution(x, weight, bias, window, group), rtol=1e-4, atol=1e-4)


def test_more_frames_than_a_chunk_give_the_same() -> None:
    x, weight, bias, window = random(floating.CHUNK + 3, 4, 5, 5), random(2, 4, 3, 3), random(2), Window((3, 3))
    whole = floating.convolution(x, weight, bias, window)
    # the order of float32 sums depends on the size of a matrix product
    np.testing.assert_allclose(whole[-2:], floating.convolution(x[-2:], weight, bias, window), rtol=0, atol=1e-5)
    assert floating.convolution(x[:0], weight, bias, window).shape == (0, 2, 3, 3)


def test_frames_that_are_large_are_cut_into_smaller_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight, bias, window = random(5, 4, 5, 5), random(2, 4, 3, 3), random(2), Window((3, 3))
    whole = floating.convolution(x, weight, bias, window)
    for elements in (1, 2 * 4 * 9 * 9):
        monkeypatch.setattr(floating, "CHUNK_ELEMENTS", elements)
        np.testing.assert_allclose(floating.convolution(x, weight, bias, window), whole, rtol=0, atol=1e-5)


def test_operands_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(ShapeError, match="wants 3 channels, not 4"):
        floating.convolution(random(1, 4, 5, 5), random(2, 3, 3, 3), random(2), Window((3, 3)))
    with pytest.raises(ShapeError, match=r"must be \[outputs, 4\]"):
        floating.gemm(random(1, 4), random(2, 3), random(2))


def test_gemm_transposes_the_weight() -> None:
    x, weight = np.array([[1, 2]], np.float32), np.array([[1, 0], [0, 1], [1, 1]], np.float32)
    found = floating.gemm(x, weight, np.array([0, 0, 10], np.float32))
    np.testing.assert_array_equal(found, [[1, 2, 13]])


def test_clip_binds_only_at_given_bounds() -> None:
    x = np.array([-2, 0, 2], np.float32)
    np.testing.assert_array_equal(floating.clip(x, None, None), [-2, 0, 2])
    np.testing.assert_array_equal(floating.clip(x, -1.0, None), [-1, 0, 2])
    np.testing.assert_array_equal(floating.clip(x, None, 1.0), [-2, 0, 1])
    assert floating.clip(x, -1.0, 1.0).dtype == np.float32


@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (2, 3)])
def test_batch_normalization_is_its_definition(shape: tuple[int, ...]) -> None:
    x, scale, bias, mean, variance = random(*shape), random(3), random(3) + 1, random(3) + 2, np.abs(random(3)) + 0.1
    found = floating.batch_normalization(x, scale, bias, mean, variance, 1e-3)
    wide = [floating.per_channel(values, len(shape)) for values in (scale, bias, mean, variance)]
    np.testing.assert_allclose(found, (x - wide[2]) / np.sqrt(wide[3] + 1e-3) * wide[0] + wide[1], rtol=1e-4, atol=1e-5)
    assert found.dtype == np.float32


def test_add_takes_a_tensor_or_one_value_per_channel() -> None:
    x = random(2, 3, 4, 5)
    np.testing.assert_array_equal(floating.add(x, x), 2 * x)
    np.testing.assert_array_equal(floating.add(x, np.array([0, 1, 2], np.float32))[:, 2], x[:, 2] + 2)


def test_padding_never_wins_in_max_pool() -> None:
    x = np.full((1, 1, 2, 2), -5, np.float32)
    np.testing.assert_array_equal(floating.max_pool(x, Window((2, 2), (1, 1), (1, 1, 1, 1))), np.full((1, 1, 3, 3), -5))


def test_average_pool_counts_padding_only_when_asked() -> None:
    x, window = np.ones((1, 1, 2, 2), np.float32), Window((2, 2), (2, 2), (1, 1, 1, 1))
    np.testing.assert_array_equal(floating.average_pool(x, window), np.ones((1, 1, 2, 2)))
    np.testing.assert_array_equal(floating.average_pool(x, window, count_include_pad=True), np.full((1, 1, 2, 2), 0.25))
    assert floating.average_pool(x, window).dtype == np.float32


def test_global_average_pool_keeps_four_dimensions() -> None:
    x = np.arange(8, dtype=np.float32).reshape(1, 2, 2, 2)
    np.testing.assert_array_equal(floating.global_average_pool(x), [[[[1.5]], [[5.5]]]])


def test_slicing_takes_sizes_by_steps() -> None:
    x = np.arange(20, dtype=np.float32).reshape(1, 4, 5)
    np.testing.assert_array_equal(floating.slicing(x, [1, 0], [2, 3], [2, 2]), [[[5, 8], [15, 18]]])


def test_padding_adds_zeros_behind_the_frames() -> None:
    x = np.ones((2, 1, 1), np.float32)
    np.testing.assert_array_equal(floating.padding(x, [0, 1], [1, 0]), [[[0, 1], [0, 0]]] * 2)
