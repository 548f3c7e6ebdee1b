"""How a change of what an operation of the float level sees changes what it gives: :mod:`pqc.numerics.floating`, back.

Each function takes the gradient of some number with respect to an operation's result and gives that with respect to
its input, both [frames, channels, height, width] in float32.
"""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.numerics.window import Window, patches

Size = tuple[int, int]
"""Height and width of a map."""


def spread(taps: AnyArray, window: Window, size: Size) -> FloatArray:
    """What all windows say of an element that they see, added up: the adjoint of :func:`patches`.

    ``taps`` is [frames, channels, kernel rows, kernel columns, rows, columns], the result [frames, channels, *size].
    """
    frames, channels, height, width, rows, columns = taps.shape
    (down, across), (below, aside) = window.strides, window.dilations
    top, left, bottom, right = window.margins(*size, (rows, columns))
    padded = np.zeros((frames, channels, top + size[0] + bottom, left + size[1] + right), np.float32)
    for row in range(height):
        for column in range(width):
            y, x = row * below, column * aside
            seen = padded[:, :, y : y + (rows - 1) * down + 1 : down, x : x + (columns - 1) * across + 1 : across]
            seen += taps[:, :, row, column]
    return padded[:, :, top : top + size[0], left : left + size[1]]


def convolution(gradient: FloatArray, weight: FloatArray, window: Window, group: int, size: Size) -> FloatArray:
    """Of a convolution with ``weight`` [outputs, channels / group, kernel rows, kernel columns]."""
    frames, outputs, rows, columns = gradient.shape
    kernel = weight.shape[1:]
    if group == 1:
        flat = gradient.transpose(1, 0, 2, 3).reshape(outputs, -1)
        taps = (weight.reshape(outputs, -1).T @ flat).reshape(*kernel, frames, rows, columns)
        return spread(taps.transpose(3, 0, 1, 2, 4, 5), window, size)
    if group == outputs:
        taps = gradient[:, :, None, None, None] * weight[:, :, :, :, None, None]
    else:
        factors = weight.reshape(group, outputs // group, -1).transpose(0, 2, 1)
        taps = factors @ gradient.reshape(frames, group, outputs // group, -1)
    return spread(taps.reshape(frames, -1, *kernel[1:], rows, columns), window, size)


def max_pool(gradient: FloatArray, x: FloatArray, window: Window) -> FloatArray:
    """Of the largest value in each window, the first of several."""
    seen = patches(x, window, fill=-np.inf)
    taps = seen.reshape(*seen.shape[:2], -1, *seen.shape[4:])
    back = np.zeros_like(taps)
    np.put_along_axis(back, taps.argmax(axis=2)[:, :, None], gradient[:, :, None], axis=2)
    return spread(back.reshape(seen.shape), window, (x.shape[2], x.shape[3]))


def average_pool(gradient: FloatArray, window: Window, size: Size, *, count_include_pad: bool = False) -> FloatArray:
    """Of the mean of each window over the taps inside the map, or over all taps."""
    taps = window.kernel[0] * window.kernel[1]
    inside = patches(np.ones((1, 1, *size), np.float32), window).sum(axis=(2, 3))
    share = gradient / (np.float32(taps) if count_include_pad else np.maximum(inside, 1))
    shape = (*share.shape[:2], *window.kernel, *share.shape[2:])
    return spread(np.broadcast_to(share[:, :, None, None], shape), window, size)
