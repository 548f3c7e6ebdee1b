"""How each operation of the float level that only moves elements becomes one that moves integers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from xdsl.ir import Operation, SSAValue

from pqc.dialects import onnx, qnn_move
from pqc.dialects.onnx import shape_of

Value = SSAValue


def _reshape(op: onnx.ReshapeOp, operands: Sequence[Value]) -> list[Operation]:
    return [qnn_move.ReshapeOp(operands[0], shape=shape_of(op.result)[1:])]


def _transpose(op: onnx.TransposeOp, operands: Sequence[Value]) -> list[Operation]:
    return [qnn_move.TransposeOp(operands[0], permutation=op.perm.get_values())]


def _slice(op: onnx.SliceOp, operands: Sequence[Value]) -> list[Operation]:
    shape = shape_of(op.result)[1:]
    return [qnn_move.SliceOp(operands[0], starts=op.starts.get_values(), steps=op.steps.get_values(), shape=shape)]


def _pad(op: onnx.PadOp, operands: Sequence[Value]) -> list[Operation]:
    return [qnn_move.PadOp(operands[0], before=op.before.get_values(), after=op.after.get_values())]


def _concat(op: onnx.ConcatOp, operands: Sequence[Value]) -> list[Operation]:
    return [qnn_move.ConcatOp(operands, axis=op.axis.value.data)]


MOVES: dict[type[Operation], Callable[[Any, Sequence[Value]], list[Operation]]] = {
    onnx.ReshapeOp: _reshape,
    onnx.TransposeOp: _transpose,
    onnx.SliceOp: _slice,
    onnx.PadOp: _pad,
    onnx.ConcatOp: _concat,
}
"""By operation: what it becomes, given its operands at the integer level. No grid has a say in it."""
