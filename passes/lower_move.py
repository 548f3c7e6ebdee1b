"""Lowering of pure data movement: by transfers where one side is in DRAM, by the vector unit where both are on chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pqc.dialects import qnn_move
from pqc.dialects.pqa import FillOp, RescaleOp
from pqc.passes.lower_vector import Tensors, blocks_of, shape_fields
from pqc.passes.program_builder import ProgramBuilder, Tensor
from pqc.planning.tiling import MoveBlock, Span, plan_move
from pqc.planning.transfer import Map, dense_strides, strided

Three = tuple[int, int, int]


@dataclass(frozen=True)
class Place:
    """Elements of one frame of a tensor: the first one's byte, and the bytes from plane to plane, row to row, ..."""

    tensor: Tensor
    offset: int
    strides: Three

    @staticmethod
    def whole(tensor: Tensor) -> Place:
        """All elements in their order."""
        return Place(tensor, 0, tensor.map.strides)

    def start(self, frame: int, part: MoveBlock) -> int:
        """Where a block of the elements starts."""
        return frame * self.tensor.map.size + self.offset + part.offset(self.strides)


def move(builder: ProgramBuilder, source: Place, result: Place, counts: Three) -> None:
    """Copy ``counts`` elements from one place to another."""
    size = result.tensor.map.element_bytes
    through = [size] if not source.tensor.on_chip and not result.tensor.on_chip else []
    for frame in range(builder.batch):
        for part in plan_move(*counts, through, builder.room):
            _move_block(builder, source, result, frame, part)


def _move_block(builder: ProgramBuilder, source: Place, result: Place, frame: int, part: MoveBlock) -> None:
    size = result.tensor.map.element_bytes
    start, end = source.start(frame, part), result.start(frame, part)
    if source.tensor.on_chip and result.tensor.on_chip:
        _copy_on_chip(builder, source, result, frame, part)
    elif source.tensor.on_chip:
        transfer = strided(part.counts, size, result.strides, source.strides, end, start)
        builder.store(source.tensor.region, result.tensor.region, transfer)
    elif result.tensor.on_chip:
        transfer = strided(part.counts, size, source.strides, result.strides, start, end)
        builder.load(source.tensor.region, result.tensor.region, transfer, size * 8)
    else:
        view, dense = builder.temporary(part, size, "slab"), dense_strides(part.counts, size)
        loaded = strided(part.counts, size, source.strides, dense, start)
        builder.load(source.tensor.region, view.region, loaded, size * 8)
        builder.store(view.region, result.tensor.region, strided(part.counts, size, result.strides, dense, end))


def _copy_on_chip(builder: ProgramBuilder, source: Place, result: Place, frame: int, part: MoveBlock) -> None:
    """A change to the same grid: multiplied by one, clipped to everything."""
    element = result.tensor.storage.element
    fields = {
        "storage": source.tensor.storage,
        "source_offset": source.start(frame, part),
        "plane_stride": source.strides[0],
        "row_stride": source.strides[1],
        "column_stride": source.strides[2],
        "destination_storage": result.tensor.storage,
        "destination_offset": result.start(frame, part),
        "destination_plane_stride": result.strides[0],
        "destination_row_stride": result.strides[1],
        "multiplier": 1,
        "low": element.minimum,
        "high": element.maximum,
        **shape_fields(part),
    }
    builder.unit(RescaleOp, {"source": source.tensor.region, "destination": result.tensor.region}, fields)


def copy(builder: ProgramBuilder, source: Tensor, result: Tensor) -> None:
    """The same bytes in another tensor."""
    move(builder, Place.whole(source), Place.whole(result), _sizes(result.map))


def _sizes(lies: Map) -> Three:
    return (lies.planes, lies.rows, lies.columns)


def _three(values: Sequence[int], fill: int) -> Three:
    """One value for each of planes, rows and columns; features are planes."""
    padded = [*values, fill, fill][:3]
    return (padded[0], padded[1], padded[2])


def _dot(counts: Three, strides: Three) -> int:
    return sum(count * stride for count, stride in zip(counts, strides, strict=True))


def lower_slice(builder: ProgramBuilder, op: qnn_move.SliceOp, tensors: Tensors) -> None:
    """A strided copy."""
    source, result = tensors[op.x], tensors[op.result]
    starts, steps = _three(op.starts.get_values(), 0), _three(op.steps.get_values(), 1)
    plane, row, column = source.map.strides
    taken = Place(source, _dot(starts, (plane, row, column)), (steps[0] * plane, steps[1] * row, steps[2] * column))
    move(builder, taken, Place.whole(result), _sizes(result.map))


def lower_transpose(builder: ProgramBuilder, op: qnn_move.TransposeOp, tensors: Tensors) -> None:
    """A copy with exchanged strides."""
    source, result = tensors[op.x], tensors[op.result]
    order = [axis - 1 for axis in op.permutation.get_values()[1:]]
    strides = source.map.strides
    exchanged = strides if len(order) == 1 else (strides[order[0]], strides[order[1]], strides[order[2]])
    move(builder, Place(source, 0, exchanged), Place.whole(result), _sizes(result.map))


def lower_concat(builder: ProgramBuilder, op: qnn_move.ConcatOp, tensors: Tensors) -> None:
    """Each operand copied to its place."""
    result, axis, position = tensors[op.result], op.axis.value.data - 1, 0
    for value in op.parts:
        part = tensors[value]
        place = Place(result, position * result.map.strides[axis], result.map.strides)
        move(builder, Place.whole(part), place, _sizes(part.map))
        position += _sizes(part.map)[axis]


def lower_pad(builder: ProgramBuilder, op: qnn_move.PadOp, tensors: Tensors) -> None:
    """Zeros, and the operand in their middle: in place on chip, or on the way to DRAM."""
    source, result = tensors[op.x], tensors[op.result]
    before = _three(op.before.get_values(), 0)
    for frame, part in blocks_of(builder, result):
        made = builder.result(result, frame, part)
        fields = {"destination_storage": result.storage, **made.fields("destination", "destination_")}
        builder.unit(FillOp, {"destination": made.region}, fields | shape_fields(part))
        inside = _shared(part, before, _sizes(source.map))
        if inside is not None:
            size = result.map.element_bytes
            strides = (made.plane_stride, made.row_stride, size)
            corner = tuple(
                span.start + pad - whole
                for span, pad, whole in zip(
                    (inside.planes, inside.rows, inside.columns), before, part.starts, strict=True
                )
            )
            target = Tensor(made.region, result.map, result.storage, on_chip=True)
            # the block lies in its region from its own start on, whatever its place in the tensor and the batch
            first = made.offset + _dot((corner[0], corner[1], corner[2]), strides) - frame * result.map.size
            place = Place(target, first - inside.offset(strides), strides)
            _move_block(builder, Place.whole(source), place, frame, inside)
        builder.finish(made, result, frame, part)


def _shared(part: MoveBlock, before: Three, sizes: Three) -> MoveBlock | None:
    """What a block of a padded tensor shares with its operand, in the operand's coordinates."""
    spans = [
        Span(max(0, span.start - pad), min(size, span.stop - pad))
        for span, pad, size in zip((part.planes, part.rows, part.columns), before, sizes, strict=True)
    ]
    if any(span.size <= 0 for span in spans):
        return None
    return MoveBlock(*spans)
