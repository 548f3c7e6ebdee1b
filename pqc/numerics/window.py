"""Sliding windows over [frames, channels, height, width] tensors: their geometry and their patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pqc.numerics.arrays import AnyArray


@dataclass(frozen=True)
class Window:
    """A convolution or pooling window; ``pads`` are top, left, bottom, right, as in ONNX."""

    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        if min(self.kernel) < 1 or min(self.strides) < 1 or min(self.dilations) < 1 or min(self.pads) < 0:
            raise ValueError(f"not a window: {self}")

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns one window spans, dilation included."""
        return (
            (self.kernel[0] - 1) * self.dilations[0] + 1,
            (self.kernel[1] - 1) * self.dilations[1] + 1,
        )

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Output rows and columns on a ``height`` by ``width`` map (rounded down, as ONNX does by default)."""
        top, left, bottom, right = self.pads
        return (
            (height + top + bottom - self.extent[0]) // self.strides[0] + 1,
            (width + left + right - self.extent[1]) // self.strides[1] + 1,
        )

    def margins(self, height: int, width: int, output: tuple[int, int]) -> tuple[int, int, int, int]:
        """How far ``output`` windows reach beyond a ``height`` by ``width`` map: top, left, bottom, right.

        Top and left are the pads; the others are what the last window needs, however large the pads are.
        """
        top, left, _, _ = self.pads
        below = (output[0] - 1) * self.strides[0] + self.extent[0] - top - height
        right = (output[1] - 1) * self.strides[1] + self.extent[1] - left - width
        return (top, left, max(0, below), max(0, right))


def patches(x: AnyArray, window: Window, output: tuple[int, int] | None = None, fill: float = 0) -> AnyArray:
    """What each window sees: a read-only view [frames, channels, kernel rows, kernel columns, rows, columns].

    ``output`` asks for that many rows and columns instead of those that ``window.pads`` give; taps outside
    ``x`` read ``fill``.
    """
    frames, channels, height, width = x.shape
    rows, columns = output or window.output_size(height, width)
    (sh, sw), (dh, dw) = window.strides, window.dilations
    top, left, below, right = window.margins(height, width, (rows, columns))
    if top or left or below or right:
        x = np.pad(x, ((0, 0), (0, 0), (top, below), (left, right)), constant_values=fill)
    f, c, h, w = x.strides
    shape = (frames, channels, *window.kernel, rows, columns)
    return np.lib.stride_tricks.as_strided(x, shape, (f, c, h * dh, w * dw, h * sh, w * sw), writeable=False)
