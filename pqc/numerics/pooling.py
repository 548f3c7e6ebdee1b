"""Integer max and average pooling."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from pqc.numerics.arrays import IntArray
from pqc.numerics.requantize import Clip
from pqc.numerics.window import Window, patches


class PoolMode(IntEnum):
    """What a pooling window computes."""

    MAX = 0
    """The largest value; padding never wins."""
    AVERAGE = 1
    """The mean over the taps inside the map."""
    AVERAGE_WITH_PADDING = 2
    """The mean over all taps, padding counted as zeros."""


def max_pool(x: IntArray, window: Window, output: tuple[int, int] | None = None) -> IntArray:
    """The largest value in each window, [frames, channels, rows, columns] in the type of ``x``.

    A window that lies wholly in the padding gives the smallest value of the type.
    """
    return patches(x, window, output, fill=int(np.iinfo(x.dtype).min)).max(axis=(2, 3))


def average_pool(
    x: IntArray,
    window: Window,
    mode: PoolMode,
    multiplier: int,
    shift: int,
    clip: Clip,
    output: tuple[int, int] | None = None,
) -> IntArray:
    """``clip(floor(sum * multiplier / (count * 2**shift) + 1/2))`` in each window, exactly.

    ``count`` is the number of taps inside the map, or of all taps where the mode says so.
    """
    sums = patches(x.astype(np.int64), window, output).sum(axis=(2, 3))
    if mode is PoolMode.AVERAGE_WITH_PADDING:
        count = np.int64(window.kernel[0] * window.kernel[1])
    else:
        inside = np.ones((1, 1, *x.shape[2:]), np.int64)
        count = np.maximum(patches(inside, window, output).sum(axis=(2, 3)), 1)
    divisor = count << np.int64(shift)
    return clip.apply((2 * sums * multiplier + divisor) // (2 * divisor))
