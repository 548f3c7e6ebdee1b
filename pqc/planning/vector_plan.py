"""Cutting what the vector unit and the transfers do alone: pooling, element-wise work, copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pqc.isa.fields import Memory
from pqc.planning.search import Cut, Problem, even, largest
from pqc.planning.target_keys import Target
from pqc.planning.tiles import COUNT_LIMIT, DoesNotFitError, LayerShape, MapTile, Span, aligned, map_tiles, spans


@dataclass(frozen=True)
class PoolPlan:
    """For each block of channels, for each map tile: load, pool, store."""

    channel_blocks: tuple[Span, ...]
    tiles: tuple[MapTile, ...]


@dataclass(frozen=True)
class MoveBlock:
    """A part of a tensor [planes, rows, columns] that one load and one store copy."""

    planes: Span
    rows: Span
    columns: Span


@lru_cache(maxsize=1024)
def plan_pool(shape: LayerShape, target: Target) -> PoolPlan:
    """Cut a pooling layer for the vector unit; its ``outputs`` are its channels.

    Raises:
        DoesNotFitError: not even one output of one channel fits.
        ModelError: a stride, dilation or count beyond what an instruction holds.
    """
    taps = shape.window.kernel[0] * shape.window.kernel[1]

    def cut(channels: int, _: int) -> Cut:
        return Cut(
            outputs=channels,
            channels=channels,
            inputs=channels,
            codebook_bytes=0,
            table_bytes=0,
            resident_bytes=0,
            tile_bytes=0,
            slab_channels=shape.channels,
            column_cycles=-(-shape.channels * taps // target.vector.lanes),
            steps=-(-shape.channels // channels),
        )

    best = Problem(shape, target, 0, shape.channels, 1, cut).solve()
    return PoolPlan(spans(shape.channels, best.cut.outputs), map_tiles(shape, best.rows, best.columns))


def plan_elementwise(count: int, element_bytes: Sequence[int], target: Target) -> tuple[Span, ...]:
    """Cut ``count`` elements in pieces whose operands and result, of so many bytes an element each, fit together.

    Raises:
        DoesNotFitError: not even one element of each fits.
    """

    def needs(n: int) -> int:
        return sum(aligned(n * size) for size in element_bytes)

    return spans(count, _piece(count, needs, target))


def plan_move(planes: int, rows: int, columns: int, element_bytes: int, target: Target) -> tuple[MoveBlock, ...]:
    """Cut a tensor [planes, rows, columns] in blocks that fit the activation buffer, whole planes and rows first.

    No count of a block exceeds COUNT_LIMIT, so that any of its axes may be strided in DRAM.

    Raises:
        DoesNotFitError: not even one element fits.
    """
    column_piece = min(_piece(columns, lambda n: aligned(n * element_bytes), target), even(columns, COUNT_LIMIT))
    row_piece = plane_piece = 1
    if column_piece == columns:
        row_piece = min(_piece(rows, lambda n: aligned(n * columns * element_bytes), target), even(rows, COUNT_LIMIT))
    if column_piece == columns and row_piece == rows:
        size = rows * columns * element_bytes
        plane_piece = min(_piece(planes, lambda n: aligned(n * size), target), even(planes, COUNT_LIMIT))
    return tuple(
        MoveBlock(plane, row, column)
        for plane in spans(planes, plane_piece)
        for row in spans(rows, row_piece)
        for column in spans(columns, column_piece)
    )


def _piece(total: int, needs: Callable[[int], int], target: Target) -> int:
    """The largest even piece that fits half of the activation buffer, so that transfers overlap, or else all of it."""
    room = target.buffer_bytes(Memory.ACTIVATION)
    for share in (2, 1):
        size = largest(total, lambda n, room=room // share: needs(n) <= room)
        if size:
            return even(total, size)
    raise DoesNotFitError(Memory.ACTIVATION, needs(1), room)
