"""Windows over maps of codes: a layer whose subspaces are kernel taps looks codes up where they were made."""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import IntArray
from pqc.numerics.window import Window


def windowed_codes(
    codes: IntArray,
    window: Window,
    padding: IntArray,
    output: tuple[int, int] | None = None,
    subspaces: range | None = None,
) -> IntArray:
    """The codes that each window sees: [frames, taps * groups, rows * columns] in the type of ``codes``.

    ``codes`` [frames, groups, height, width]; ``padding`` [groups] are the codes of taps outside the map. Subspace
    (kernel row * kernel columns + kernel column) * groups + group is what one tap sees of one group; ``subspaces``
    asks for a part of them, in steps of one. ``output`` asks for that many rows and columns instead of those that
    ``window.pads`` give.
    """
    frames, groups, height, width = codes.shape
    rows, columns = output or window.output_size(height, width)
    wanted = range(window.kernel[0] * window.kernel[1] * groups) if subspaces is None else subspaces
    top, left, below, right = window.margins(height, width, (rows, columns))
    if top or left or below or right:
        inside, codes = codes, np.empty((frames, groups, top + height + below, left + width + right), codes.dtype)
        codes[...] = padding[:, None, None]
        codes[:, :, top : top + height, left : left + width] = inside
    seen = np.empty((frames, len(wanted), rows, columns), codes.dtype)
    start = wanted.start
    while start < wanted.stop:
        tap, group = divmod(start, groups)
        count = min(groups - group, wanted.stop - start)
        place = start - wanted.start
        y, x = (index * step for index, step in zip(divmod(tap, window.kernel[1]), window.dilations, strict=True))
        bottom, side = y + (rows - 1) * window.strides[0] + 1, x + (columns - 1) * window.strides[1] + 1
        part = codes[:, group : group + count, y : bottom : window.strides[0], x : side : window.strides[1]]
        seen[:, place : place + count] = part
        start += count
    return seen.reshape(frames, len(wanted), rows * columns)
