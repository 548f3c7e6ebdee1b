"""The windows of a map as subvectors, in the layout that the lookup takes."""

from __future__ import annotations

from typing import Any

from pqc.numerics.grouping import Cut
from pqc.numerics.window import Window
from pqc.training.torch_library import Tensor, functional, once_differentiable, torch


class _Taps(torch.autograd.Function):
    """[channels, kernel rows * columns, frames, rows, columns] of an already padded map [channels, frames, h, w]."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, window: Window, size: tuple[int, int]) -> Tensor:
        ctx.shape, ctx.slices = x.shape, _slices(window, size)
        seen = x.new_empty(x.shape[0], len(ctx.slices), x.shape[1], *size)
        for tap, (rows, columns) in enumerate(ctx.slices):
            seen[:, tap] = x[:, :, rows, columns]
        return seen

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        to_x = gradient.new_zeros(ctx.shape)
        for tap, (rows, columns) in enumerate(ctx.slices):
            to_x[:, :, rows, columns] += gradient[:, tap]
        return to_x, None, None


def _slices(window: Window, size: tuple[int, int]) -> list[tuple[slice, slice]]:
    """The rows and columns that each tap sees, taps in (row, column) order."""

    def along(axis: int) -> list[slice]:
        stride, dilation = window.strides[axis], window.dilations[axis]
        starts = (tap * dilation for tap in range(window.kernel[axis]))
        return [slice(start, start + (size[axis] - 1) * stride + 1, stride) for start in starts]

    return [(rows, columns) for rows in along(0) for columns in along(1)]


def padded(x: Tensor, window: Window, fill: float = 0.0) -> Tensor:
    """``x`` [..., height, width] with the pads of ``window``."""
    top, left, bottom, right = window.pads
    return functional.pad(x, (left, right, top, bottom), value=fill) if any(window.pads) else x


def subvectors(x: Tensor, window: Window, cut: Cut) -> Tensor:
    """The subvectors [subspaces, length, frames * rows * columns] of ``x`` [frames, channels, height, width]."""
    frames, channels, height, width = x.shape
    size = window.output_size(height, width)
    seen: Tensor = _Taps.apply(padded(x, window).transpose(0, 1).contiguous(), window, size)
    area, positions = seen.shape[1], frames * size[0] * size[1]
    if cut.taps == 1:
        flat = seen.reshape(1, channels * area, positions)
    else:
        flat = seen.reshape(channels, area, positions).transpose(0, 1)
    missing = cut.groups * cut.length - flat.shape[1]
    if missing:
        flat = functional.pad(flat, (0, 0, 0, missing))
    return flat.reshape(cut.subspaces, cut.length, positions)
