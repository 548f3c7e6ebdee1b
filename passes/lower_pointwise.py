"""Lowering of functions by tables and of products, on the vector unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from xdsl.ir import SSAValue

from pqc.dialects import qnn
from pqc.dialects.pq_types import quantized
from pqc.dialects.pqa import MapOp, MultiplyOp
from pqc.isa.fields import Memory
from pqc.numerics.arrays import IntArray
from pqc.numerics.packing import pack
from pqc.passes.constants import constant_array
from pqc.passes.lower_vector import Tensors, blocks_of, passing_bytes, shape_fields
from pqc.passes.program_builder import ProgramBuilder, Tensor, View
from pqc.planning.tiling import MoveBlock, Span, plan_move, planes_of_tables, within_planes


@dataclass(frozen=True)
class Table:
    """A map's entries [1 or planes, entries] and the bits of one."""

    entries: IntArray
    bits: int

    @property
    def by_plane(self) -> bool:
        """Whether each plane has its own."""
        return len(self.entries) > 1

    def load(self, builder: ProgramBuilder, planes: Span) -> SSAValue:
        """The region of the table buffer where the entries of some planes are loaded to."""
        rows = self.entries[planes.start : planes.stop] if self.by_plane else self.entries
        return builder.load_constant("map", pack(rows, self.bits), Memory.TABLE, self.bits)


def lower_map(builder: ProgramBuilder, op: qnn.MapOp, tensors: Tensors) -> None:
    """A function by its table, which is loaded once; tables of single planes are loaded as they are needed."""
    source, result = tensors[op.x], tensors[op.result]
    table = Table(constant_array(op.table), quantized(op.result).element.bits)
    fields = {
        "storage": source.storage,
        "column_stride": source.map.element_bytes,
        "entry_bits": table.bits,
        "first": quantized(op.x).element.minimum,
        "entries": table.entries.shape[1],
        "table_per_plane": int(table.by_plane),
        "destination_storage": result.storage,
    }
    for planes, blocks in _tabled_blocks(builder, source, result, table):
        region = table.load(builder, planes)
        for frame in range(builder.batch):
            for part in blocks:
                view, made = builder.source(source, frame, part), builder.result(result, frame, part)
                regions = {"source": view.region, "table": region, "destination": made.region}
                where = view.fields("source", "") | made.fields("destination", "destination_")
                builder.unit(MapOp, regions, fields | where | shape_fields(part))
                builder.finish(made, result, frame, part)


def _tabled_blocks(
    builder: ProgramBuilder, source: Tensor, result: Tensor, table: Table
) -> Iterator[tuple[Span, list[MoveBlock]]]:
    """The blocks of a frame by the planes whose tables are loaded together.

    Raises:
        DoesNotFitError: not even one table fits the table buffer.
    """
    lies, room = result.map, builder.target.buffer_bytes(Memory.TABLE)
    passing = passing_bytes(source, result)
    together = planes_of_tables(lies.planes if table.by_plane else 1, table.entries.shape[1], table.bits, room)
    if not table.by_plane:
        blocks = plan_move(lies.planes, lies.rows, lies.columns, passing, builder.room)
        yield Span(0, lies.planes), list(blocks)
        return
    for first in range(0, lies.planes, together):
        planes = min(together, lies.planes - first)
        blocks = plan_move(planes, lies.rows, lies.columns, passing, builder.room)
        yield from within_planes(blocks, first).items()


def lower_multiply(builder: ProgramBuilder, op: qnn.MultiplyOp, tensors: Tensors) -> None:
    """Elementwise products; along an axis that the right operand does not have, it is read with a stride of 0."""
    left, right, result = tensors[op.left], tensors[op.right], tensors[op.result]
    fields = {
        "left_storage": left.storage,
        "left_column_stride": left.map.element_bytes,
        "right_storage": right.storage,
        "right_column_stride": 0 if _repeats(right, result)[2] else right.map.element_bytes,
        "destination_storage": result.storage,
        "multiplier": op.multiplier.value.data,
        "shift": op.shift.value.data,
        "low": op.bounds.low,
        "high": op.bounds.high,
    }
    for frame, part in blocks_of(builder, result, left, right):
        view, factor = builder.source(left, frame, part), _factor(builder, right, result, frame, part)
        made = builder.result(result, frame, part)
        regions = {"left": view.region, "right": factor.region, "destination": made.region}
        where = view.fields("left", "left_") | factor.fields("right", "right_")
        where |= made.fields("destination", "destination_")
        builder.unit(MultiplyOp, regions, fields | where | shape_fields(part))
        builder.finish(made, result, frame, part)


def _repeats(right: Tensor, result: Tensor) -> tuple[bool, bool, bool]:
    """Along which of planes, rows and columns the right operand has one element for all of the result's."""
    one, all_of = right.map, result.map
    return (one.planes < all_of.planes, one.rows < all_of.rows, one.columns < all_of.columns)


def _factor(builder: ProgramBuilder, right: Tensor, result: Tensor, frame: int, part: MoveBlock) -> View:
    """What a block is multiplied by."""
    planes, rows, columns = _repeats(right, result)
    single = Span(0, 1)
    taken = MoveBlock(
        single if planes else part.planes, single if rows else part.rows, single if columns else part.columns
    )
    view = builder.source(right, frame, taken, "factor")
    return replace(view, plane_stride=0 if planes else view.plane_stride, row_stride=0 if rows else view.row_stride)
