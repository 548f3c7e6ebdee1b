"""The geometry of tiles: spans, what part of a map each output tile reads, and the refusal when nothing fits."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from pqc.errors import ModelError
from pqc.isa.fields import Memory
from pqc.isa.instructions import Convolve
from pqc.numerics.window import Window
from pqc.problems import NodeProblem, ProblemsError

ALIGNMENT = 16
"""Every region of an on-chip memory starts at a multiple of this many bytes."""

COUNT_LIMIT = Convolve.fields["channels"].bits.maximum
"""Largest value of an instruction's 16-bit counts: channels, rows, columns, outputs, subspaces, planes."""

WINDOW_LIMIT = Convolve.fields["stride_height"].bits.maximum
"""Largest value of an instruction's 8-bit window fields: kernels of convolutions, strides, dilations, pads."""


class DoesNotFitError(ProblemsError):
    """``what``, by default even the smallest tile, needs more bytes than a memory has."""

    def __init__(self, memory: Memory | str, needed: int, available: int, what: str = "the smallest tile") -> None:
        self.memory = memory
        self.needed = needed
        self.available = available
        name = memory.name.lower() if isinstance(memory, Memory) else memory
        kibibytes = f"{aligned(needed) / 1024:.10g}"
        found = f"the {name} buffer has {available} bytes, but {what} needs {needed}"
        allowed = f"buffers.{name} of at least {kibibytes} KiB"
        problem = NodeProblem("", "", found, allowed, f"compile with --set buffers.{name}={kibibytes}")
        super().__init__(f"{found}: allowed is {allowed}", [problem])


@dataclass(frozen=True, order=True)
class Span:
    """The half-open range [start, stop)."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        """How many it holds."""
        return self.stop - self.start


@dataclass(frozen=True)
class MapTile:
    """A rectangle of output positions and the rectangle of the input map, the slab, that its windows see.

    ``pad_top`` and ``pad_left`` count the padding rows and columns before the slab. A slab ends early only at the
    map's edge, so that whatever a window sees beyond the slab lies outside the map.
    """

    rows: Span
    columns: Span
    source_rows: Span
    source_columns: Span
    pad_top: int
    pad_left: int

    @property
    def positions(self) -> int:
        """Output positions of the tile."""
        return self.rows.size * self.columns.size


@dataclass(frozen=True)
class LayerShape:
    """A layer of one frame: input [channels, height, width], output [outputs, rows, columns].

    ``source_bytes``, ``destination_bytes`` and ``residual_bytes`` are the bytes of one element of the input, of the
    result and of the tensor that is added on the way out (0: none is).
    """

    channels: int
    height: int
    width: int
    window: Window
    rows: int
    columns: int
    outputs: int
    source_bytes: int
    destination_bytes: int
    residual_bytes: int = 0


@dataclass(frozen=True)
class AxisTile:
    """A tile along one axis: output positions, input positions, padding before the first input position."""

    positions: Span
    source: Span
    pad: int


def aligned(size: int) -> int:
    """``size`` rounded up to ALIGNMENT."""
    return -(-size // ALIGNMENT) * ALIGNMENT


def spans(total: int, size: int) -> tuple[Span, ...]:
    """[0, total) cut in pieces of ``size``; the last one may be shorter."""
    return tuple(Span(start, min(start + size, total)) for start in range(0, total, size))


def axis_tiles(window: Window, axis: int, source: int, positions: int, tile: int) -> tuple[AxisTile, ...]:
    """Cut the ``positions`` output positions of ``axis`` (0: rows, 1: columns) in pieces of ``tile``.

    Raises:
        ModelError: some windows lie wholly behind the map.
    """
    stride, extent, pad = window.strides[axis], window.extent[axis], window.pads[axis]
    tiles: list[AxisTile] = []
    for span in spans(positions, tile):
        first = span.start * stride - pad
        last = (span.stop - 1) * stride - pad + extent
        if first >= source:
            raise ModelError(
                f"windows of {extent} {('rows', 'columns')[axis]} lie wholly in the padding behind a map of {source}: "
                f"allowed is padding smaller than the window"
            )
        # A tile whose windows see only padding before the map still reads one position, which no tap meets.
        seen = Span(max(0, first), min(source, max(1, last)))
        tiles.append(AxisTile(span, seen, seen.start - first))
    return tuple(tiles)


def map_tiles(shape: LayerShape, tile_rows: int, tile_columns: int) -> tuple[MapTile, ...]:
    """Cut a layer's output map in tiles of at most ``tile_rows`` by ``tile_columns``, row by row.

    Raises:
        ModelError: some windows lie wholly behind the map.
    """
    rows = axis_tiles(shape.window, 0, shape.height, shape.rows, tile_rows)
    columns = axis_tiles(shape.window, 1, shape.width, shape.columns, tile_columns)
    return tuple(
        MapTile(row.positions, column.positions, row.source, column.source, row.pad, column.pad)
        for row, column in product(rows, columns)
    )


def slab_size(window: Window, axis: int, source: int, tile: int) -> int:
    """The most input positions that a tile of ``tile`` output positions can see along ``axis``."""
    return min(source, (tile - 1) * window.strides[axis] + window.extent[axis])
