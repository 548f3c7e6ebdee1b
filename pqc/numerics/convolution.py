"""Conventional integer convolution: the multiply-accumulate layers that stay as they are."""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import IntArray
from pqc.numerics.rounding import wrap
from pqc.numerics.window import Window, patches


def convolve(
    x: IntArray,
    weight: IntArray,
    window: Window,
    groups: int,
    start: IntArray,
    accumulator_bits: int,
    output: tuple[int, int] | None = None,
) -> IntArray:
    """``start`` plus the grouped convolution of ``x`` with ``weight``, in two's complement.

    ``x`` [frames, channels, height, width], ``weight`` [outputs, channels / groups, kernel rows, kernel columns],
    ``start`` broadcastable to the result [frames, outputs, rows * columns] (int32).
    """
    seen = patches(x, window, output)
    frames, channels, kernel_height, kernel_width, rows, columns = seen.shape
    outputs = weight.shape[0]
    depth = channels // groups * kernel_height * kernel_width
    # float64 products and sums of these integers are exact: |x| < 2^16, |w| < 2^16, depth < 2^21
    vectors = seen.reshape(frames, groups, depth, rows * columns).astype(np.float64)
    weights = weight.reshape(1, groups, outputs // groups, depth).astype(np.float64)
    sums = (weights @ vectors).astype(np.int64).reshape(frames, outputs, rows * columns)
    return wrap(sums + start.astype(np.int64), accumulator_bits).astype(np.int32)


def accumulate(
    accumulators: IntArray,
    x: IntArray,
    weight: IntArray,
    window: Window,
    groups: int,
    bias: IntArray | None,
    output: tuple[int, int],
) -> None:
    """Put into ``accumulators`` [frames, outputs, rows * columns], int32, what :func:`convolve` gives in 32 bits.

    It starts from ``bias`` [outputs], or from what the accumulators hold if there is none.
    """
    start = accumulators if bias is None else bias[:, None]
    accumulators[...] = convolve(x, weight, window, groups, start, 32, output)
