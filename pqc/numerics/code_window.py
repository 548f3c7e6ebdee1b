"""What a lookup that walks a window over a map of codes sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pqc.numerics.arrays import IntArray
from pqc.numerics.window import Window, patches


def windowed_codes(codes: IntArray, window: Window, padding: IntArray, output: tuple[int, int]) -> IntArray:
    """The codes of each window, tap by tap: [frames, taps * groups, rows * columns].

    ``codes`` [frames, groups, height, width]; subspace (kernel row * kernel columns + kernel column) * groups + group.
    ``output`` are rows and columns; a tap outside the map reads its group's code in ``padding`` [groups].
    """
    frames, groups, height, width = codes.shape
    (rows, columns), (top, left, _, _) = output, window.pads
    below = max(0, (rows - 1) * window.strides[0] + window.extent[0] - top - height)
    right = max(0, (columns - 1) * window.strides[1] + window.extent[1] - left - width)
    padded = np.empty((frames, groups, top + height + below, left + width + right), codes.dtype)
    padded[:] = padding[:, None, None]
    padded[:, :, top : top + height, left : left + width] = codes
    taps = patches(padded, replace(window, pads=(0, 0, 0, 0)), output)
    return taps.transpose(0, 2, 3, 1, 4, 5).reshape(frames, -1, rows * columns)
