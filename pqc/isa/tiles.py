"""The tiles of the activation buffer that an instruction works on: where each element of an operand lies."""

from __future__ import annotations

from dataclasses import dataclass

from pqc.isa.code_map import groups_read
from pqc.isa.fields import Instruction
from pqc.isa.instructions import (
    Add,
    Convolve,
    Encode,
    Fill,
    Lookup,
    Map,
    Multiply,
    Pool,
    Requantize,
    Rescale,
    Storage,
)

Counts = tuple[int, int, int]


@dataclass(frozen=True)
class Tile:
    """Elements [planes][rows][columns], ``strides`` bytes from one to the next at each level.

    ``field`` holds the address; the first element lies ``offset`` bytes behind it. The fields with the strides are
    named ``{prefix}plane_stride`` and ``{prefix}row_stride``.
    """

    field: str
    storage: Storage
    counts: Counts
    strides: Counts
    written: bool = False
    offset: int = 0
    prefix: str = ""

    @property
    def end(self) -> int:
        """One past the last byte touched, counted from the address; the offset if there is no element."""
        if 0 in self.counts:
            return self.offset
        steps = zip(self.counts, self.strides, strict=True)
        return self.offset + self.storage.bytes + sum((count - 1) * stride for count, stride in steps)


def tiles(instruction: Instruction) -> tuple[Tile, ...]:
    """All tiles of ``instruction``, what it reads first and what it writes last; a transfer has none."""
    match instruction:
        case Encode():
            return (source_tile(instruction), *((code_tile(instruction),) if instruction.to_buffer else ()))
        case Lookup():
            return (code_map(instruction),) if instruction.from_buffer else ()
        case Convolve():
            return (source_tile(instruction),)
        case Requantize():
            return (*((residual_tile(instruction),) if instruction.has_residual else ()), result_tile(instruction))
        case Add() | Multiply():
            return (left_tile(instruction), right_tile(instruction), result_tile(instruction))
        case Rescale() | Map() | Pool():
            return (source_tile(instruction), result_tile(instruction))
        case Fill():
            return (result_tile(instruction),)
        case _:
            return ()


def source_tile(i: Encode | Convolve | Pool | Rescale | Map) -> Tile:
    """The input tile."""
    if isinstance(i, Rescale | Map):
        return Tile("source", i.storage, _shape(i), (i.plane_stride, i.row_stride, i.column_stride))
    return Tile("source", i.storage, (i.channels, i.height, i.width), (i.plane_stride, i.row_stride, i.storage.bytes))


def code_tile(i: Encode) -> Tile:
    """The codes of an encode that go to the buffer, [subspaces][output rows][output columns]."""
    strides = (i.code_plane_stride, i.code_row_stride, i.code_storage.bytes)
    counts = (i.subspaces, i.output_rows, i.output_columns)
    return Tile("destination", i.code_storage, counts, strides, written=True, prefix="code_")


def code_map(i: Lookup) -> Tile:
    """What a lookup reads of a map of codes, [groups read][height][width]."""
    groups, strides = groups_read(i), (i.plane_stride, i.row_stride, i.code_storage.bytes)
    counts = (len(groups), i.height, i.width)
    return Tile("codes", i.code_storage, counts, strides, offset=groups.start * i.plane_stride)


def residual_tile(i: Requantize) -> Tile:
    """What a requantization adds."""
    strides = (i.residual_plane_stride, i.residual_row_stride, i.residual_storage.bytes)
    return Tile("residual", i.residual_storage, _shape(i), strides, prefix="residual_")


def left_tile(i: Add | Multiply) -> Tile:
    """The left operand."""
    column = i.left_column_stride if isinstance(i, Multiply) else i.left_storage.bytes
    strides = (i.left_plane_stride, i.left_row_stride, column)
    return Tile("left", i.left_storage, _shape(i), strides, prefix="left_")


def right_tile(i: Add | Multiply) -> Tile:
    """The right operand."""
    column = i.right_column_stride if isinstance(i, Multiply) else i.right_storage.bytes
    strides = (i.right_plane_stride, i.right_row_stride, column)
    return Tile("right", i.right_storage, _shape(i), strides, prefix="right_")


def result_tile(i: Requantize | Add | Rescale | Map | Multiply | Pool | Fill) -> Tile:
    """The activations that the vector unit writes."""
    storage, strides = i.destination_storage, (i.destination_plane_stride, i.destination_row_stride)
    return Tile("destination", storage, _shape(i), (*strides, storage.bytes), written=True, prefix="destination_")


def _shape(i: Requantize | Add | Rescale | Map | Multiply | Pool | Fill) -> Counts:
    """Planes, rows and columns of the result."""
    if isinstance(i, Pool):
        return (i.channels, i.output_rows, i.output_columns)
    return (i.outputs if isinstance(i, Requantize) else i.planes, i.rows, i.columns)
