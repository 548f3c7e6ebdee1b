"""Planes: activations with their padding around them, so that a tap of a window is a shift.

A stride takes the elements of a channel apart: plane (channel, a, b) holds the rows a, a + stride, ... and the columns
b, b + stride, ... of the padded map, [plane rows][frames][plane columns]. Position (output row, frame, output column)
of the output has number (output row * frames + frame) * plane columns + output column, and finds each of its taps so
many elements behind the tap's offset. The numbers of some columns behind a row are no positions; what is computed for
them is thrown away.
"""

from __future__ import annotations

from typing import NamedTuple

from pqc.numerics.arrays import AnyArray
from pqc.numerics.compiled.jit import glue, inner
from pqc.numerics.compiled.rows import part, row
from pqc.numerics.window import Window

POSITIONS = 2048
"""Elements of a plane: frames go together until there are so many. A few planes stay in the first cache."""

UNROLLED = 64
"""Loops over positions go on to a multiple of this: what is left over, a vector loop does one by one."""

WIDE = (-(1 << 15), (1 << 16) - 1)
"""Bounds that no activation leaves."""


class Geometry(NamedTuple):
    """A window and the positions of its output."""

    rows: int
    columns: int
    kernel_height: int
    kernel_width: int
    stride_height: int
    stride_width: int
    dilation_height: int
    dilation_width: int
    pad_top: int
    pad_left: int


class Grid(NamedTuple):
    """How activations come onto the codebook's grid: shifted, inside [low, high], with ``centre`` as origin."""

    shift: int
    low: int
    high: int
    centre: int


def geometry_of(window: Window, output: tuple[int, int]) -> Geometry:
    """The geometry of ``window`` with ``output`` rows and columns."""
    return Geometry(*output, *window.kernel, *window.strides, *window.dilations, *window.pads[:2])


@inner
def plane_rows(g: Geometry) -> int:
    """Rows of a plane."""
    return g.rows + (g.kernel_height - 1) * g.dilation_height // g.stride_height


@inner
def plane_columns(g: Geometry) -> int:
    """Columns of a plane."""
    return g.columns + (g.kernel_width - 1) * g.dilation_width // g.stride_width


@inner
def frames_at_once(g: Geometry, frames: int) -> int:
    """How many frames go together."""
    return max(1, min(frames, POSITIONS // (plane_rows(g) * plane_columns(g))))


@inner
def positions(g: Geometry, frames: int) -> int:
    """Positions of some frames, rounded up."""
    return (g.rows * frames * plane_columns(g) + UNROLLED - 1) // UNROLLED * UNROLLED


@inner
def plane_elements(g: Geometry, frames: int, channels: int) -> int:
    """Elements of the planes of some channels, with a plane of zeros behind them and what the last shift reaches."""
    planes = channels * g.stride_height * g.stride_width + 1
    return planes * plane_rows(g) * frames * plane_columns(g) + plane_columns(g) + UNROLLED


@inner
def tap_offset(element: int, channels: int, g: Geometry, frames: int) -> int:
    """Where position 0 finds element (channel, kernel row, kernel column); behind the last there are zeros."""
    size = plane_rows(g) * frames * plane_columns(g)
    channel, tap = divmod(element, g.kernel_height * g.kernel_width)
    if channel >= channels:
        return channels * g.stride_height * g.stride_width * size
    y = tap // g.kernel_width * g.dilation_height
    x = tap % g.kernel_width * g.dilation_width
    plane = (channel * g.stride_height + y % g.stride_height) * g.stride_width + x % g.stride_width
    return plane * size + y // g.stride_height * frames * plane_columns(g) + x // g.stride_width


@inner
def is_read(phase: int, kernel: int, dilation: int, stride: int) -> bool:
    """Whether some tap reads the rows or columns ``phase``, ``phase`` + ``stride``, ..."""
    found = False
    for tap in range(kernel):
        found |= tap * dilation % stride == phase
    return found


@inner
def convert(target: AnyArray, source: AnyArray, step: int, grid: Grid) -> None:
    """Bring every ``step``-th element of ``source`` onto the grid."""
    number = target.dtype.type
    centre = number(grid.centre)
    if grid.shift == 0 and grid.low <= WIDE[0] and grid.high >= WIDE[1]:
        if step == 1:
            for v in range(target.size):
                target[v] = number(source[v]) - centre
        else:
            for v in range(target.size):
                target[v] = number(source[v * step]) - centre
        return
    half = (1 << grid.shift) >> 1
    for v in range(target.size):
        value = (int(source[v * step]) + half) >> grid.shift
        target[v] = number(min(max(value, grid.low), grid.high)) - centre


@glue
def fill_planes(
    planes: AnyArray,
    x: AnyArray,
    first_frame: int,
    frames: int,
    first_channel: int,
    channels: int,
    g: Geometry,
    grid: Grid,
) -> None:
    """Bring some channels of some frames of ``x`` [frames, channels, height, width] into planes."""
    height, width = x.shape[2], x.shape[3]
    rows, columns = plane_rows(g), plane_columns(g)
    planes[:] = -grid.centre
    for plane in range(channels * g.stride_height * g.stride_width):
        channel, phase = divmod(plane, g.stride_height * g.stride_width)
        below, beside = divmod(phase, g.stride_width)
        read = is_read(below, g.kernel_height, g.dilation_height, g.stride_height)
        if not (read and is_read(beside, g.kernel_width, g.dilation_width, g.stride_width)):
            continue
        # the columns [first, last) of the plane lie inside the map
        first = min(max(0, -((beside - g.pad_left) // g.stride_width)), columns)
        last = max(first, min(columns, (width - 1 + g.pad_left - beside) // g.stride_width + 1))
        start = first * g.stride_width + beside - g.pad_left
        for u in range(rows):
            y = u * g.stride_height + below - g.pad_top
            if y < 0 or y >= height or first == last:
                continue
            for f in range(frames):
                place = ((plane * rows + u) * frames + f) * columns
                source = row(x, first_frame + f, first_channel + channel, y)
                convert(
                    part(planes, place + first, last - first), part(source, start, width - start), g.stride_width, grid
                )
