"""What a change of each operation's operands does to its result, at the float level: gradients, going back.

There is a rule for every operation that can be quantized; normalizations are folded away before.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np
from xdsl.ir import Operation, SSAValue

from pqc.dialects import onnx
from pqc.dialects.blob import ConstantOp
from pqc.dialects.pq import OnGridOp
from pqc.interpreter.reference_onnx import values_inside
from pqc.numerics import floating, gradients
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.numerics.functions import slope

Arrays: TypeAlias = Sequence[AnyArray]
Gradients: TypeAlias = Sequence[FloatArray | None]


def inside_bounds(op: Operation, result: FloatArray, gradient: FloatArray) -> FloatArray:
    """Nothing goes back where a bound holds the result."""
    low, high = (0.0, None) if isinstance(op, onnx.ReluOp) else getattr(op, "bounds", (None, None))
    if low is not None:
        gradient = gradient * (result > np.float32(low))
    return gradient if high is None else gradient * (result < np.float32(high))


def _conv(op: onnx.ConvOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    x, weight = operands[:2]
    back = gradients.convolution(gradient, weight, op.window, op.group.value.data, x.shape[2:]) if wanted[0] else None
    return [back, None, None, gradient][: len(operands)]


def _gemm(op: onnx.GemmOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    return [gradient @ operands[1], None, None, gradient][: len(operands)]


def _same(op: Operation, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    return [gradient]


def _add_rule(op: onnx.AddOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    return [gradient if array.ndim == gradient.ndim else None for array in operands]


def _sub(op: onnx.SubOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    return [gradient, -gradient]


def _mul(op: onnx.MulOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    x, y = operands
    if y.ndim != x.ndim:
        return [floating.multiply(gradient, y), None]
    repeated = tuple(axis for axis, size in enumerate(y.shape) if size != x.shape[axis])
    return [gradient * y, (gradient * x).sum(axis=repeated, keepdims=True)]


def _function(op: onnx.FunctionOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    return [gradient * slope(op.function.data, operands[0], op.values)]


def _prelu(op: onnx.PReluOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    return [np.where(operands[0] < 0, floating.multiply(gradient, operands[1]), gradient), None]


def _pointwise(op: onnx.PointwiseOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    """Back through what the group holds."""
    argument = op.body.block.args[0]
    values = values_inside(op, operands[0])
    known: dict[SSAValue, FloatArray] = {op.yielded: gradient}
    for inner in reversed(op.operations[:-1]):
        if isinstance(inner, ConstantOp) or inner.results[0] not in known:
            continue
        passed = inside_bounds(inner, values[inner.results[0]], known[inner.results[0]])
        arrays = [values[value] for value in inner.operands]
        for value, one in zip(inner.operands, RULES[type(inner)](inner, arrays, passed, [True]), strict=True):
            if one is not None:
                known[value] = known[value] + one if value in known else one
    return [known[argument]]


def _max_pool(op: onnx.MaxPoolOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    return [gradients.max_pool(gradient, operands[0], op.window)]


def _average_pool(op: onnx.AveragePoolOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    padded, size = bool(op.count_include_pad.value.data), operands[0].shape[2:]
    return [gradients.average_pool(gradient, op.window, size, count_include_pad=padded)]


def _global_average_pool(
    op: onnx.GlobalAveragePoolOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]
) -> Gradients:
    shape = operands[0].shape
    return [np.broadcast_to(gradient / np.float32(prod(shape[2:])), shape)]


def _reshape(op: onnx.ReshapeOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    return [gradient.reshape(operands[0].shape)]


def _transpose(op: onnx.TransposeOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    return [gradient.transpose(np.argsort(op.perm.get_values()))]


def _slice(op: onnx.SliceOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    back = np.zeros_like(operands[0])
    floating.slicing(back, op.starts.get_values(), op.steps.get_values(), op.sizes)[...] = gradient
    return [back]


def _pad(op: onnx.PadOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    starts, shape = op.before.get_values(), operands[0].shape
    return [floating.slicing(gradient, starts, [1] * len(starts), shape[1:])]


def _concat(op: onnx.ConcatOp, operands: Arrays, gradient: FloatArray, wanted: Sequence[bool]) -> Gradients:
    axis = op.axis.value.data
    ends = np.cumsum([array.shape[axis] for array in operands])[:-1]
    return np.split(gradient, ends, axis=axis)


RULES: dict[type[Operation], Callable[[Any, Arrays, FloatArray, Sequence[bool]], Gradients]] = {
    onnx.ConvOp: _conv,
    onnx.GemmOp: _gemm,
    onnx.ReluOp: _same,
    onnx.ClipOp: _same,
    OnGridOp: _same,
    onnx.AddOp: _add_rule,
    onnx.SubOp: _sub,
    onnx.MulOp: _mul,
    onnx.FunctionOp: _function,
    onnx.PReluOp: _prelu,
    onnx.PointwiseOp: _pointwise,
    onnx.MaxPoolOp: _max_pool,
    onnx.AveragePoolOp: _average_pool,
    onnx.GlobalAveragePoolOp: _global_average_pool,
    onnx.ReshapeOp: _reshape,
    onnx.TransposeOp: _transpose,
    onnx.SliceOp: _slice,
    onnx.PadOp: _pad,
    onnx.ConcatOp: _concat,
}
"""Of each operation, whose gradient stops at its bounds already, what goes back to each operand; None to constants."""
