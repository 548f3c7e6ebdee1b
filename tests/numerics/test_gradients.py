"""Gradients are the adjoints of what the operations compute."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pqc.numerics import floating, gradients
from pqc.numerics.window import Window, patches


def normal(seed: int, *shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    def two(low: int, high: int) -> tuple[int, int]:
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    return Window(two(1, 3), two(1, 3), (*two(0, 2), *two(0, 2)), two(1, 2))


@given(window=windows(), height=st.integers(1, 8), width=st.integers(1, 8), seed=st.integers(0, 99))
def test_spreading_is_the_adjoint_of_cutting_windows_out(window: Window, height: int, width: int, seed: int) -> None:
    assume(min(window.output_size(height, width)) >= 1)
    x = normal(seed, 2, 3, height, width)
    seen = patches(x, window)
    taps = normal(seed + 1, *seen.shape)
    back = gradients.spread(taps, window, (height, width))
    assert back.shape == x.shape
    assert np.vdot(taps, seen) == pytest.approx(np.vdot(back, x), rel=1e-3, abs=1e-3)


@given(
    window=windows(),
    group=st.sampled_from([(1, 6), (3, 3), (3, 6), (6, 6)]),
    size=st.integers(3, 8),
    seed=st.integers(0, 99),
)
def test_a_convolution_goes_back_to_its_input(window: Window, group: tuple[int, int], size: int, seed: int) -> None:
    assume(min(window.output_size(size, size)) >= 1)
    # a window that sees nothing but padding is refused
    assume(max(window.pads[0::2]) < window.extent[0] and max(window.pads[1::2]) < window.extent[1])
    groups, outputs = group
    x, weight = normal(seed, 2, 6, size, size), normal(1, outputs, 6 // groups, *window.kernel)
    result = floating.convolution(x, weight, np.zeros(outputs, np.float32), window, groups)
    gradient = normal(2, *result.shape)
    back = gradients.convolution(gradient, weight, window, groups, (size, size))
    assert np.vdot(gradient, result) == pytest.approx(np.vdot(back, x), rel=1e-3, abs=1e-2)


def test_only_the_first_of_the_largest_values_gets_something() -> None:
    x = np.array([[[[1, 3, 3, 2]]]], np.float32)
    back = gradients.max_pool(np.ones((1, 1, 1, 3), np.float32), x, Window((1, 2)))
    assert back.tolist() == [[[[0, 2, 1, 0]]]]


@pytest.mark.parametrize("padded", [False, True])
def test_a_mean_gives_each_tap_its_share(padded: bool) -> None:
    window, x = Window((2, 2), (1, 1), (1, 0, 0, 0)), normal(0, 1, 2, 3, 4)
    result = floating.average_pool(x, window, count_include_pad=padded)
    gradient = normal(1, *result.shape)
    back = gradients.average_pool(gradient, window, (3, 4), count_include_pad=padded)
    assert np.vdot(gradient, result) == pytest.approx(np.vdot(back, x), rel=1e-4)
