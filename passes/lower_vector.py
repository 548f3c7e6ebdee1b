"""Lowering of what the vector unit does alone: sums, changes of grid, pooling."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from xdsl.ir import SSAValue

from pqc.dialects import qnn
from pqc.dialects.pqa import AddOp, PoolOp, RescaleOp
from pqc.numerics.pooling import PoolMode
from pqc.numerics.requantize import Clip
from pqc.passes.program_builder import ProgramBuilder, Tensor, result_of, slab_of, window_fields
from pqc.planning.tiling import LayerShape, MoveBlock, plan_move, plan_pool

Tensors = Mapping[SSAValue, Tensor]


def passing_bytes(*tensors: Tensor) -> list[int]:
    """The bytes of an element of each tensor that passes through the activation buffer."""
    return [tensor.moved_bytes for tensor in tensors if tensor.moved_bytes]


def blocks_of(builder: ProgramBuilder, result: Tensor, *operands: Tensor) -> Iterator[tuple[int, MoveBlock]]:
    """(frame, block) of a tensor that is worked on block by block."""
    passing, lies = passing_bytes(*operands, result), result.map
    for frame in range(builder.batch):
        for part in plan_move(lies.planes, lies.rows, lies.columns, passing, builder.room):
            yield frame, part


def shape_fields(part: MoveBlock) -> dict[str, int]:
    """The fields that count a block's elements."""
    return {"planes": part.planes.size, "rows": part.rows.size, "columns": part.columns.size}


def lower_add(builder: ProgramBuilder, op: qnn.AddOp, tensors: Tensors) -> None:
    """Elementwise sums."""
    left, right, result = tensors[op.left], tensors[op.right], tensors[op.result]
    left_multiplier, right_multiplier = op.multipliers.get_values()
    for frame, part in blocks_of(builder, result, left, right):
        views = builder.source(left, frame, part), builder.source(right, frame, part)
        made = builder.result(result, frame, part)
        regions = {"left": views[0].region, "right": views[1].region, "destination": made.region}
        fields = {
            "left_storage": left.storage,
            "right_storage": right.storage,
            "left_multiplier": left_multiplier,
            "right_multiplier": right_multiplier,
            "shift": op.shift.value.data,
            **views[0].fields("left", "left_"),
            **views[1].fields("right", "right_"),
            **made.fields("destination", "destination_"),
            **_result_fields(result, op.bounds),
        }
        builder.unit(AddOp, regions, fields | shape_fields(part))
        builder.finish(made, result, frame, part)


def lower_rescale(builder: ProgramBuilder, op: qnn.RescaleOp, tensors: Tensors) -> None:
    """A change of grid or bounds."""
    source, result = tensors[op.x], tensors[op.result]
    for frame, part in blocks_of(builder, result, source):
        view, made = builder.source(source, frame, part), builder.result(result, frame, part)
        fields = {
            "storage": source.storage,
            "multiplier": op.multiplier.value.data,
            "shift": op.shift.value.data,
            "column_stride": source.map.element_bytes,
            **view.fields("source", ""),
            **made.fields("destination", "destination_"),
            **_result_fields(result, op.bounds),
        }
        builder.unit(RescaleOp, {"source": view.region, "destination": made.region}, fields | shape_fields(part))
        builder.finish(made, result, frame, part)


def _result_fields(result: Tensor, clip: Clip) -> dict[str, int]:
    return {"destination_storage": result.storage, "low": clip.low, "high": clip.high}


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
        source.moved_bytes,
        result.moved_bytes,
    )
    plan = plan_pool(shape, builder.target, builder.room)
    for frame in range(builder.batch):
        for channels in plan.channel_blocks:
            for tile in plan.tiles:
                slab = builder.source(source, frame, slab_of(tile, channels))
                part = result_of(tile, channels)
                destination = builder.result(result, frame, part)
                fields = window_fields(source.storage, window, tile, channels) | _pool_fields(op)
                fields |= slab.fields("source", "") | destination.fields("destination", "destination_")
                fields["destination_storage"] = result.storage
                builder.unit(PoolOp, {"source": slab.region, "destination": destination.region}, fields)
                builder.finish(destination, result, frame, part)


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
