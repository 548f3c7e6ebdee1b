"""Descriptors of transfers between DRAM and the activation buffer: runs of bytes under three strided levels."""

from __future__ import annotations

from dataclasses import dataclass

from pqc.planning.tiles import Span


@dataclass(frozen=True)
class Map:
    """A tensor [planes, rows, columns] of one frame in DRAM, row-major, ``element_bytes`` an element."""

    planes: int
    rows: int
    columns: int
    element_bytes: int

    @property
    def elements(self) -> int:
        """How many elements it has."""
        return self.planes * self.rows * self.columns

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.elements * self.element_bytes

    @property
    def strides(self) -> tuple[int, int, int]:
        """Bytes from plane to plane, row to row and column to column."""
        return (self.rows * self.columns * self.element_bytes, self.columns * self.element_bytes, self.element_bytes)


@dataclass(frozen=True)
class Transfer:
    """What a load or store copies; offsets and strides in bytes, levels from planes to items."""

    item_bytes: int
    counts: tuple[int, int, int]
    dram_strides: tuple[int, int, int]
    buffer_strides: tuple[int, int, int]
    dram_offset: int = 0
    buffer_offset: int = 0

    def fields(self) -> dict[str, int]:
        """The fields of a load or store; strides of levels that are not repeated are left at zero."""
        planes, rows, items = self.counts
        values = {"item_bytes": self.item_bytes, "items": items, "rows": rows, "planes": planes}
        for level, count, outside, inside in zip(
            ("plane", "row", "item"), self.counts, self.dram_strides, self.buffer_strides, strict=True
        ):
            if count > 1:
                values[f"dram_{level}_stride"] = outside
                values[f"{level}_stride"] = inside
        return values | {"dram_offset": self.dram_offset, "address_offset": self.buffer_offset}


def linear(size: int, dram_offset: int = 0) -> Transfer:
    """``size`` consecutive bytes."""
    return Transfer(size, (1, 1, 1), (0, 0, 0), (0, 0, 0), dram_offset)


def strided(
    counts: tuple[int, int, int],
    element_bytes: int,
    dram_strides: tuple[int, int, int],
    buffer_strides: tuple[int, int, int],
    dram_offset: int = 0,
    buffer_offset: int = 0,
) -> Transfer:
    """Single elements at three levels of strides, merged into runs as long as both sides are consecutive."""
    run, levels = element_bytes, list(zip(counts, dram_strides, buffer_strides, strict=True))
    kept: list[tuple[int, int, int]] = []
    for count, outside, inside in reversed(levels):
        if not kept and (count == 1 or outside == inside == run):
            run *= count
        else:
            kept.append((count, outside, inside))
    while len(kept) < 3:
        kept.insert(0, (1, 0, 0))
    (items, rows, planes) = kept
    return Transfer(
        run,
        (planes[0], rows[0], items[0]),
        (planes[1], rows[1], items[1]),
        (planes[2], rows[2], items[2]),
        dram_offset,
        buffer_offset,
    )


def dense_strides(counts: tuple[int, int, int], element_bytes: int) -> tuple[int, int, int]:
    """Strides of a block [planes, rows, columns] that lies without gaps."""
    return (counts[1] * counts[2] * element_bytes, counts[2] * element_bytes, element_bytes)


def block(tensor: Map, planes: Span, rows: Span, columns: Span) -> Transfer:
    """A rectangular part of ``tensor`` in DRAM and the same part without gaps in the buffer."""
    counts = (planes.size, rows.size, columns.size)
    plane, row, column = tensor.strides
    offset = planes.start * plane + rows.start * row + columns.start * column
    return strided(counts, tensor.element_bytes, tensor.strides, dense_strides(counts, tensor.element_bytes), offset)
