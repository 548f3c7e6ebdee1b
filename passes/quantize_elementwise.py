"""How each operation of the float level that treats elements or windows by themselves becomes an integer one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xdsl.ir import Operation, SSAValue

from pqc.dialects import onnx, qnn
from pqc.dialects.blob import ConstantOp
from pqc.dialects.onnx import shape_of
from pqc.numerics.pooling import PoolMode
from pqc.numerics.quantization import elementwise
from pqc.numerics.window import Window
from pqc.passes.attributes import Grids
from pqc.passes.pointwise_table import pointwise_table

Value = SSAValue


def _rescale(
    grids: Grids,
    op: onnx.ReluOp | onnx.ClipOp,
    operands: Sequence[Value],
    low: float | None,
    high: float | None,
) -> list[Operation]:
    result_scale = grids.scale_of(op.result)
    (multiplier,), shift = elementwise(grids.scale_of(op.x) / result_scale)
    clip = grids.bounds_of(op.result, low, high)
    return [qnn.RescaleOp(operands[0], multiplier=multiplier, shift=shift, clip=clip, scale=result_scale)]


def _relu(grids: Grids, op: onnx.ReluOp, operands: Sequence[Value]) -> list[Operation]:
    return _rescale(grids, op, operands, 0.0, None)


def _clip(grids: Grids, op: onnx.ClipOp, operands: Sequence[Value]) -> list[Operation]:
    return _rescale(grids, op, operands, *op.bounds)


def _add(grids: Grids, op: onnx.AddOp, operands: Sequence[Value]) -> list[Operation]:
    scale = grids.scale_of(op.result)
    (left, right), shift = elementwise(grids.scale_of(op.x) / scale, grids.scale_of(op.y) / scale)
    clip = grids.bounds_of(op.result)
    return [qnn.AddOp(operands[0], operands[1], multipliers=(left, right), shift=shift, clip=clip, scale=scale)]


def _sub(grids: Grids, op: onnx.SubOp, operands: Sequence[Value]) -> list[Operation]:
    scale = grids.scale_of(op.result)
    (left, right), shift = elementwise(grids.scale_of(op.x) / scale, grids.scale_of(op.y) / scale)
    clip = grids.bounds_of(op.result)
    return [qnn.AddOp(operands[0], operands[1], multipliers=(left, -right), shift=shift, clip=clip, scale=scale)]


def _mul(grids: Grids, op: onnx.MulOp, operands: Sequence[Value]) -> list[Operation]:
    scale = grids.scale_of(op.result)
    (multiplier,), shift = elementwise(grids.scale_of(op.x) * grids.scale_of(op.y) / scale)
    clip = grids.bounds_of(op.result)
    return [qnn.MultiplyOp(operands[0], operands[1], multiplier=multiplier, shift=shift, clip=clip, scale=scale)]


def _pointwise(grids: Grids, op: onnx.PointwiseOp, operands: Sequence[Value]) -> list[Operation]:
    grid = grids[op.result]
    table = ConstantOp("map", pointwise_table(op, grids[op.x], grid))
    return [table, qnn.MapOp(operands[0], table.result, element=grid.integers, scale=grid.scale.data)]


def _max_pool(grids: Grids, op: onnx.MaxPoolOp, operands: Sequence[Value]) -> list[Operation]:
    return [qnn.MaxPoolOp(operands[0], window=op.window)]


def _mean(
    grids: Grids, op: onnx.AveragePoolOp | onnx.GlobalAveragePoolOp, x: Value, window: Window, mode: PoolMode
) -> list[Operation]:
    scale = grids.scale_of(op.result)
    (multiplier,), shift = elementwise(grids.scale_of(op.x) / scale)
    clip = grids.bounds_of(op.result)
    pool = qnn.AveragePoolOp(x, window=window, mode=mode, multiplier=multiplier, shift=shift, clip=clip, scale=scale)
    return [pool]


def _average_pool(grids: Grids, op: onnx.AveragePoolOp, operands: Sequence[Value]) -> list[Operation]:
    padded = bool(op.count_include_pad.value.data)
    mode = PoolMode.AVERAGE_WITH_PADDING if padded else PoolMode.AVERAGE
    return _mean(grids, op, operands[0], op.window, mode)


def _global_average_pool(grids: Grids, op: onnx.GlobalAveragePoolOp, operands: Sequence[Value]) -> list[Operation]:
    _, _, height, width = shape_of(op.x)
    return _mean(grids, op, operands[0], Window((height, width)), PoolMode.AVERAGE)


ELEMENTWISE: dict[type[Operation], Callable[[Grids, Any, Sequence[Value]], list[Operation]]] = {
    onnx.ReluOp: _relu,
    onnx.ClipOp: _clip,
    onnx.AddOp: _add,
    onnx.SubOp: _sub,
    onnx.MulOp: _mul,
    onnx.PointwiseOp: _pointwise,
    onnx.MaxPoolOp: _max_pool,
    onnx.AveragePoolOp: _average_pool,
    onnx.GlobalAveragePoolOp: _global_average_pool,
}
"""By operation: what it becomes, given all grids and its operands at the integer level."""
