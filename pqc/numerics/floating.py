"""The meaning of every operation of the float level, in float32.

Activations are [frames, channels, height, width] or [frames, features]; all arrays are float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from pqc.numerics import shapes
from pqc.numerics.arrays import FloatArray
from pqc.numerics.window import Window, patches

CHUNK = 64
"""Frames whose patches are in memory at a time, at most."""

CHUNK_ELEMENTS = 1 << 26
"""Elements of these patches, at most, unless one frame has more: 256 MiB."""


def clip(x: FloatArray, low: float | None, high: float | None) -> FloatArray:
    """``min(max(x, low), high)``; None does not bind."""
    if low is not None:
        x = np.maximum(x, np.float32(low))
    return x if high is None else np.minimum(x, np.float32(high))


def convolution(x: FloatArray, weight: FloatArray, bias: FloatArray, window: Window, group: int = 1) -> FloatArray:
    """2-D convolution [frames, outputs, rows, columns].

    ``weight`` is [outputs, channels / group, kernel rows, kernel columns], ``bias`` [outputs].

    Raises:
        ShapeError: the operands do not go together.
    """
    shape = shapes.convolution(x.shape, weight.shape, bias.shape, window, group)
    result = np.empty(shape, np.float32)
    depthwise = group == x.shape[1]
    seen = x.shape[1] * prod(window.kernel) * prod(shape[2:])
    chunk = max(1, min(CHUNK, CHUNK_ELEMENTS // seen))
    for start in range(0, len(x), chunk):
        taps = patches(x[start : start + chunk], window)
        if group == 1:
            summed = _dense(taps, weight)
        else:
            summed = _depthwise(taps, weight) if depthwise else _grouped(taps, weight, group)
        result[start : start + chunk] = summed.reshape(-1, *shape[1:])
    result += bias[:, None, None]
    return result


def _dense(taps: FloatArray, weight: FloatArray) -> FloatArray:
    """One matrix product for all frames: [frames, outputs, positions]; many small ones would cost their overhead."""
    frames, outputs = len(taps), len(weight)
    columns = taps.transpose(1, 2, 3, 0, 4, 5).reshape(weight[0].size, -1)
    return (weight.reshape(outputs, -1) @ columns).reshape(outputs, frames, -1).transpose(1, 0, 2)


def _grouped(taps: FloatArray, weight: FloatArray, group: int) -> FloatArray:
    """One matrix product per frame and group: [frames, groups, outputs / groups, positions]."""
    frames, outputs = len(taps), len(weight)
    positions = taps.shape[4] * taps.shape[5]
    columns = taps.reshape(frames, group, weight[0].size, positions)
    return weight.reshape(group, outputs // group, weight[0].size) @ columns


def _depthwise(taps: FloatArray, weight: FloatArray) -> FloatArray:
    """Channel by channel, tap after tap over whole maps: [frames, channels, outputs / channels, rows, columns]."""
    frames, channels, height, width, rows, columns = taps.shape
    factors = weight.reshape(channels, -1, height, width)
    result = np.zeros((frames, channels, factors.shape[1], rows, columns), np.float32)
    for row in range(height):
        for column in range(width):
            result += taps[:, :, None, row, column] * factors[:, :, row, column, None, None]
    return result


def gemm(x: FloatArray, weight: FloatArray, bias: FloatArray) -> FloatArray:
    """``x`` [frames, features] times the transpose of ``weight`` [outputs, features], plus ``bias`` [outputs].

    Raises:
        ShapeError: the operands do not go together.
    """
    shapes.gemm(x.shape, weight.shape, bias.shape)
    return x @ weight.T + bias


def batch_normalization(
    x: FloatArray, scale: FloatArray, bias: FloatArray, mean: FloatArray, variance: FloatArray, epsilon: float
) -> FloatArray:
    """``(x - mean) / sqrt(variance + epsilon) * scale + bias`` per channel (dimension 1)."""
    factor, offset = batch_normalization_line(scale, bias, mean, variance, epsilon)
    return x * per_channel(factor.astype(np.float32), x.ndim) + per_channel(offset.astype(np.float32), x.ndim)


def batch_normalization_line(
    scale: FloatArray, bias: FloatArray, mean: FloatArray, variance: FloatArray, epsilon: float
) -> tuple[FloatArray, FloatArray]:
    """Factor and offset, float64 [channels], of the line ``x * factor + offset`` that batch normalization is."""
    factor = scale.astype(np.float64) / np.sqrt(variance.astype(np.float64) + epsilon)
    return factor, bias.astype(np.float64) - mean.astype(np.float64) * factor


def per_channel(values: FloatArray, rank: int) -> FloatArray:
    """One value per channel, [channels], as a view that broadcasts against an activation of ``rank`` dimensions."""
    return values.reshape(-1, *(1,) * (rank - 2))


def add(x: FloatArray, y: FloatArray) -> FloatArray:
    """``x + y``, where ``y`` has the shape of ``x`` or is [channels]."""
    return x + (y if y.ndim == x.ndim else per_channel(y, x.ndim))


def subtract(x: FloatArray, y: FloatArray) -> FloatArray:
    """``x - y``, both of one shape."""
    return x - y


def multiply(x: FloatArray, y: FloatArray) -> FloatArray:
    """``x * y``, where ``y`` has the dimensions of ``x``, some of them perhaps 1, or is [channels]."""
    return x * (y if y.ndim == x.ndim else per_channel(y, x.ndim))


def prelu(x: FloatArray, slope: FloatArray) -> FloatArray:
    """``x``, or ``slope * x`` where x is negative; ``slope`` [channels]."""
    return np.where(x < 0, x * per_channel(slope, x.ndim), x)


def max_pool(x: FloatArray, window: Window) -> FloatArray:
    """The largest value in each window; padding never wins."""
    return patches(x, window, fill=-np.inf).max(axis=(2, 3))


def average_pool(x: FloatArray, window: Window, *, count_include_pad: bool = False) -> FloatArray:
    """The mean of each window over the taps inside the map, or over all taps."""
    sums = patches(x, window).sum(axis=(2, 3))
    if count_include_pad:
        return sums / np.float32(window.kernel[0] * window.kernel[1])
    inside = np.ones((1, 1, *x.shape[2:]), np.float32)
    return sums / np.maximum(patches(inside, window).sum(axis=(2, 3)), 1)


def global_average_pool(x: FloatArray) -> FloatArray:
    """The mean over height and width, [frames, channels, 1, 1]."""
    return x.mean(axis=(2, 3), keepdims=True)


def slicing(x: FloatArray, starts: Sequence[int], steps: Sequence[int], sizes: Sequence[int]) -> FloatArray:
    """``sizes[i]`` elements of dimension i + 1, every ``steps[i]``-th from ``starts[i]``."""
    ranges = zip(starts, steps, sizes, strict=True)
    return x[(slice(None), *(slice(start, start + (size - 1) * step + 1, step) for start, step, size in ranges))]


def padding(x: FloatArray, before: Sequence[int], after: Sequence[int]) -> FloatArray:
    """Dimension i + 1 with ``before[i]`` zeros in front and ``after[i]`` behind."""
    return np.pad(x, [(0, 0), *zip(before, after, strict=True)])
