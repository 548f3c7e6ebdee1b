"""Lowering of what the vector unit does alone, and of pure data movement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.ir import SSAValue

from pqc.dialects import qnn, qnn_move
from pqc.dialects.pqa import AddOp, FillOp, PoolOp, RescaleOp
from pqc.isa.fields import Memory
from pqc.numerics.pooling import PoolMode
from pqc.numerics.requantize import Clip
from pqc.passes.program_builder import ProgramBuilder, Tensor, dense_strides_of, window_fields
from pqc.planning.tiling import LayerShape, MoveBlock, Span, plan_elementwise, plan_move, plan_pool
from pqc.planning.transfer import Map, block, dense_strides, linear, strided

Tensors = Mapping[SSAValue, Tensor]


def lower_add(builder: ProgramBuilder, op: qnn.AddOp, tensors: Tensors) -> None:
    """Elementwise sums, a run of elements at a time."""
    left, right, result = tensors[op.left], tensors[op.right], tensors[op.result]
    sizes = [tensor.map.element_bytes for tensor in (left, right, result)]
    left_multiplier, right_multiplier = op.multipliers.get_values()
    for span in plan_elementwise(result.map.elements, sizes, builder.target):
        operands = {"left": _load_run(builder, left, span), "right": _load_run(builder, right, span)}
        fields = {
            "left_storage": left.storage,
            "right_storage": right.storage,
            "left_multiplier": left_multiplier,
            "right_multiplier": right_multiplier,
            "shift": op.shift.value.data,
            **_result_fields(result, span, op.bounds),
        }
        destination = builder.allocate(Memory.ACTIVATION, span.size * result.map.element_bytes, "result")
        builder.unit(AddOp, operands | {"destination": destination}, fields)
        _store_run(builder, destination, result, span)


def lower_rescale(builder: ProgramBuilder, op: qnn.RescaleOp, tensors: Tensors) -> None:
    """A change of grid or bounds, a run of elements at a time."""
    source, result = tensors[op.x], tensors[op.result]
    sizes = [source.map.element_bytes, result.map.element_bytes]
    for span in plan_elementwise(result.map.elements, sizes, builder.target):
        slab = _load_run(builder, source, span)
        destination = builder.allocate(Memory.ACTIVATION, span.size * result.map.element_bytes, "result")
        fields = {
            "storage": source.storage,
            "column_stride": source.map.element_bytes,
            "multiplier": op.multiplier.value.data,
            "shift": op.shift.value.data,
            **_result_fields(result, span, op.bounds),
        }
        builder.unit(RescaleOp, {"source": slab, "destination": destination}, fields)
        _store_run(builder, destination, result, span)


def _run(elements: int) -> dict[str, int]:
    """The shape of so many elements that lie without gaps: one row."""
    return {"planes": 1, "rows": 1, "columns": elements}


def _load_run(builder: ProgramBuilder, tensor: Tensor, span: Span) -> SSAValue:
    size = tensor.map.element_bytes
    return builder.load_activations(tensor, linear(span.size * size, span.start * size), span.size * size)


def _store_run(builder: ProgramBuilder, buffer: SSAValue, tensor: Tensor, span: Span) -> None:
    size = tensor.map.element_bytes
    builder.store(buffer, tensor, linear(span.size * size, span.start * size))


def _result_fields(result: Tensor, span: Span, clip: Clip) -> dict[str, int]:
    return {"destination_storage": result.storage, **_run(span.size), "low": clip.low, "high": clip.high}


def lower_pool(builder: ProgramBuilder, op: qnn.MaxPoolOp | qnn.AveragePoolOp, tensors: Tensors) -> None:
    """Pooling, a block of channels and a map tile at a time."""
    source, result, window = tensors[op.x], tensors[op.result], op.window.data
    lies, made = source.map, result.map
    shape = LayerShape(
        lies.planes,
        lies.rows,
        lies.columns,
        window,
        made.rows,
        made.columns,
        made.planes,
        lies.element_bytes,
        made.element_bytes,
    )
    plan = plan_pool(shape, builder.target)
    for channels in plan.channel_blocks:
        for tile in plan.tiles:
            transfer = block(lies, channels, tile.source_rows, tile.source_columns)
            size = channels.size * tile.source_rows.size * tile.source_columns.size * lies.element_bytes
            slab = builder.load_activations(source, transfer, size)
            destination = builder.allocate(
                Memory.ACTIVATION, channels.size * tile.positions * made.element_bytes, "result"
            )
            fields = window_fields(source, window, tile, channels) | _pool_fields(op)
            fields["destination_storage"] = result.storage
            fields |= dense_strides_of("destination", tile, made.element_bytes)
            builder.unit(PoolOp, {"source": slab, "destination": destination}, fields)
            builder.store(destination, result, block(made, channels, tile.rows, tile.columns))


def _pool_fields(op: qnn.MaxPoolOp | qnn.AveragePoolOp) -> dict[str, int]:
    if isinstance(op, qnn.MaxPoolOp):
        element = op.result.type.element
        return {"mode": PoolMode.MAX, "low": element.minimum, "high": element.maximum}
    return {
        "mode": op.pool_mode,
        "multiplier": op.multiplier.value.data,
        "shift": op.shift.value.data,
        "low": op.bounds.low,
        "high": op.bounds.high,
    }


def copy(builder: ProgramBuilder, source: Tensor, result: Tensor) -> None:
    """The same bytes in another tensor."""
    size = source.map.element_bytes
    for span in plan_elementwise(source.map.elements, [size], builder.target):
        _store_run(builder, _load_run(builder, source, span), result, span)


def _three(values: Sequence[int], fill: int) -> tuple[int, int, int]:
    """One value for each of planes, rows and columns; features are planes."""
    padded = [*values, fill, fill][:3]
    return (padded[0], padded[1], padded[2])


def _gather(
    builder: ProgramBuilder, source: Tensor, result: Tensor, strides: tuple[int, int, int], offset: int
) -> None:
    """Fill ``result`` with the elements of ``source`` at ``offset`` and multiples of ``strides``, in bytes."""
    lies = result.map
    for part in plan_move(lies.planes, lies.rows, lies.columns, lies.element_bytes, builder.target):
        counts = (part.planes.size, part.rows.size, part.columns.size)
        starts = (part.planes.start, part.rows.start, part.columns.start)
        first = offset + sum(start * stride for start, stride in zip(starts, strides, strict=True))
        dense = dense_strides(counts, lies.element_bytes)
        transfer = strided(counts, lies.element_bytes, strides, dense, first)
        buffer = builder.load_activations(source, transfer, counts[0] * counts[1] * counts[2] * lies.element_bytes)
        builder.store(buffer, result, block(lies, part.planes, part.rows, part.columns))


def lower_slice(builder: ProgramBuilder, op: qnn_move.SliceOp, tensors: Tensors) -> None:
    """A strided load, a dense store."""
    source = tensors[op.x]
    starts, steps = _three(op.starts.get_values(), 0), _three(op.steps.get_values(), 1)
    plane, row, column = source.map.strides
    strides = (steps[0] * plane, steps[1] * row, steps[2] * column)
    offset = starts[0] * plane + starts[1] * row + starts[2] * column
    _gather(builder, source, tensors[op.result], strides, offset)


def lower_transpose(builder: ProgramBuilder, op: qnn_move.TransposeOp, tensors: Tensors) -> None:
    """A load with exchanged strides, a dense store."""
    source = tensors[op.x]
    order = [axis - 1 for axis in op.permutation.get_values()[1:]]
    strides = source.map.strides
    exchanged = strides if len(order) == 1 else (strides[order[0]], strides[order[1]], strides[order[2]])
    _gather(builder, source, tensors[op.result], exchanged, 0)


def lower_pad(builder: ProgramBuilder, op: qnn_move.PadOp, tensors: Tensors) -> None:
    """Zeros on chip, the operand loaded into their middle, a dense store."""
    source, result = tensors[op.x], tensors[op.result]
    before, lies = _three(op.before.get_values(), 0), result.map
    for part in plan_move(lies.planes, lies.rows, lies.columns, lies.element_bytes, builder.target):
        elements = part.planes.size * part.rows.size * part.columns.size
        buffer = builder.allocate(Memory.ACTIVATION, elements * lies.element_bytes, "padded")
        builder.unit(FillOp, {"destination": buffer}, {"destination_storage": result.storage, **_run(elements)})
        _load_inside(builder, source, buffer, part, before)
        builder.store(buffer, result, block(lies, part.planes, part.rows, part.columns))


def _load_inside(
    builder: ProgramBuilder, source: Tensor, buffer: SSAValue, part: MoveBlock, before: tuple[int, int, int]
) -> None:
    """Load what a part of a padded tensor shares with its operand, if anything."""
    lies = source.map
    sizes = (lies.planes, lies.rows, lies.columns)
    wanted = (part.planes, part.rows, part.columns)
    taken = [
        Span(max(0, span.start - pad), min(size, span.stop - pad))
        for span, pad, size in zip(wanted, before, sizes, strict=True)
    ]
    if any(span.size <= 0 for span in taken):
        return
    dense = dense_strides((wanted[0].size, wanted[1].size, wanted[2].size), lies.element_bytes)
    inside = sum(
        (span.start + pad - whole.start) * stride
        for span, pad, whole, stride in zip(taken, before, wanted, dense, strict=True)
    )
    outside = sum(span.start * stride for span, stride in zip(taken, lies.strides, strict=True))
    counts = (taken[0].size, taken[1].size, taken[2].size)
    transfer = strided(counts, lies.element_bytes, lies.strides, dense, outside, inside)
    builder.load(source.region, buffer, transfer, lies.element_bytes * 8)


def lower_concat(builder: ProgramBuilder, op: qnn_move.ConcatOp, tensors: Tensors) -> None:
    """Each operand loaded densely and stored at its place."""
    result, axis, position = tensors[op.result], op.axis.value.data - 1, 0
    for value in op.parts:
        part = tensors[value]
        _place(builder, part, result, position * result.map.strides[axis])
        position += _extent(part.map, axis)


def _extent(lies: Map, axis: int) -> int:
    return (lies.planes, lies.rows, lies.columns)[axis]


def _place(builder: ProgramBuilder, part: Tensor, result: Tensor, offset: int) -> None:
    """Copy all of ``part`` into ``result``, ``offset`` bytes behind its start."""
    lies, size = part.map, part.map.element_bytes
    for piece in plan_move(lies.planes, lies.rows, lies.columns, size, builder.target):
        counts = (piece.planes.size, piece.rows.size, piece.columns.size)
        starts = (piece.planes.start, piece.rows.start, piece.columns.start)
        transfer = block(lies, piece.planes, piece.rows, piece.columns)
        buffer = builder.load_activations(part, transfer, counts[0] * counts[1] * counts[2] * size)
        first = offset + sum(a * b for a, b in zip(starts, result.map.strides, strict=True))
        builder.store(buffer, result, strided(counts, size, result.map.strides, dense_strides(counts, size), first))
