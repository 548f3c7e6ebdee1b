"""Cutting what the vector unit and the transfers do alone: pooling, element-wise work, copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pqc.isa.fields import Memory
from pqc.numerics.packing import packed_bytes
from pqc.planning.cut import Cut, even, largest
from pqc.planning.problem import Problem
from pqc.planning.search import solve
from pqc.planning.target_keys import Target
from pqc.planning.tiles import COUNT_LIMIT, DoesNotFitError, LayerShape, MapTile, Span, aligned, map_tiles, spans

PIECES = 4
"""A tensor that lies on chip is worked on in so many pieces, so that what follows starts before all of it is done."""


@dataclass(frozen=True)
class PoolPlan:
    """For each block of channels, for each map tile: load, pool, store."""

    channel_blocks: tuple[Span, ...]
    tiles: tuple[MapTile, ...]


@dataclass(frozen=True)
class MoveBlock:
    """A part of a tensor [planes, rows, columns] that is worked on at a time."""

    planes: Span
    rows: Span
    columns: Span

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many planes, rows and columns."""
        return (self.planes.size, self.rows.size, self.columns.size)

    @property
    def starts(self) -> tuple[int, int, int]:
        """The first plane, row and column."""
        return (self.planes.start, self.rows.start, self.columns.start)

    @property
    def elements(self) -> int:
        """How many elements."""
        return self.planes.size * self.rows.size * self.columns.size

    def offset(self, strides: tuple[int, int, int]) -> int:
        """Where the block starts in something that has these strides."""
        return sum(start * stride for start, stride in zip(self.starts, strides, strict=True))


@lru_cache(maxsize=1024)
def plan_pool(shape: LayerShape, target: Target, room: int) -> PoolPlan:
    """Cut a pooling layer for the vector unit; its ``outputs`` are its channels.

    Raises:
        DoesNotFitError: not even one output of one channel fits.
        ModelError: a stride, dilation or count beyond what an instruction holds.
    """
    taps = shape.window.kernel[0] * shape.window.kernel[1]

    def cut(channels: int, _: int) -> Cut:
        blocks = -(-shape.channels // channels)
        return Cut(
            outputs=channels,
            channels=channels,
            inputs=channels,
            output_blocks=blocks,
            input_blocks=1,
            codebook_bytes=0,
            table_bytes=0,
            all_codebook_bytes=0,
            all_table_bytes=0,
            parameter_bytes=0,
            codebook_traffic=0,
            table_traffic=0,
            slab_channels=-(-shape.channels // blocks),
            column_cycles=-(-shape.channels * taps // target.vector.lanes),
        )

    best = solve(Problem(shape, target, room, 0, shape.channels, 1, target.vector.lanes, 1, cut))
    return PoolPlan(spans(shape.channels, best.cut.outputs), map_tiles(shape, best.rows, best.columns))


def plan_move(planes: int, rows: int, columns: int, element_bytes: Sequence[int], room: int) -> tuple[MoveBlock, ...]:
    """Cut a tensor [planes, rows, columns] in blocks, whole planes and rows first.

    ``element_bytes``: for each operand and result that passes through the activation buffer, of which ``room`` bytes
    are left, the bytes of one element. No count of a block exceeds COUNT_LIMIT, so that any of its axes may be strided.

    Raises:
        DoesNotFitError: not even one element of each fits.
    """
    if not element_bytes:
        return _blocks(
            (planes, rows, columns), (even(planes, COUNT_LIMIT), -(-rows // PIECES), even(columns, COUNT_LIMIT))
        )

    def piece(total: int, elements: int) -> int:
        found = _piece(total, lambda n: sum(aligned(n * elements * size) for size in element_bytes), room)
        return min(found, even(total, COUNT_LIMIT))

    sizes = [1, 1, piece(columns, 1)]
    if sizes[2] == columns:
        sizes[1] = piece(rows, columns)
    if sizes[1:] == [rows, columns]:
        sizes[0] = piece(planes, rows * columns)
    return _blocks((planes, rows, columns), (sizes[0], sizes[1], sizes[2]))


def planes_of_tables(planes: int, entries: int, entry_bits: int, room: int) -> int:
    """Of how many of ``planes`` the tables of ``entries`` each are loaded at a time, into a buffer of ``room`` bytes.

    Half of the buffer at most, so that the next ones can come meanwhile, unless one table alone is larger.

    Raises:
        DoesNotFitError: not even one table fits.
    """
    for share in (2, 1):
        found = largest(planes, lambda n, limit=room // share: packed_bytes(n * entries, entry_bits) <= limit)
        if found:
            return even(planes, found)
    what = f"a map's table of {entries} entries of {entry_bits} bits"
    raise DoesNotFitError(Memory.TABLE, packed_bytes(entries, entry_bits), room, what)


def most_index_bits(entry_bits: int, room: int) -> int:
    """How many bits an element may have at most whose function's table fits into a buffer of ``room`` bytes."""
    return (8 * room // entry_bits).bit_length() - 1


def within_planes(blocks: Sequence[MoveBlock], first: int) -> dict[Span, list[MoveBlock]]:
    """``blocks``, whose planes count from plane ``first`` on, by their planes."""
    found: dict[Span, list[MoveBlock]] = {}
    for block in blocks:
        planes = Span(first + block.planes.start, first + block.planes.stop)
        found.setdefault(planes, []).append(MoveBlock(planes, block.rows, block.columns))
    return found


def _blocks(totals: tuple[int, int, int], sizes: tuple[int, int, int]) -> tuple[MoveBlock, ...]:
    return tuple(
        MoveBlock(plane, row, column)
        for plane in spans(totals[0], sizes[0])
        for row in spans(totals[1], sizes[1])
        for column in spans(totals[2], sizes[2])
    )


def _piece(total: int, needs: Callable[[int], int], room: int) -> int:
    """The largest even piece that fits half of ``room``, so that transfers overlap, or else all of it."""
    for share in (2, 1):
        size = largest(total, lambda n, limit=room // share: needs(n) <= limit)
        if size:
            return even(total, size)
    raise DoesNotFitError(Memory.ACTIVATION, needs(1), room)
