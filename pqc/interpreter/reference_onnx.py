"""The float level, executed: one numpy call per operation."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.ir import Operation, SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.dialects.onnx import (
    AddOp,
    AveragePoolOp,
    BatchNormOp,
    ClipOp,
    ConcatOp,
    ConvOp,
    FunctionOp,
    GemmOp,
    GlobalAveragePoolOp,
    MaxPoolOp,
    MulOp,
    PadOp,
    PointwiseOp,
    PReluOp,
    ReluOp,
    ReshapeOp,
    SliceOp,
    SubOp,
    TransposeOp,
)
from pqc.interpreter.kernel import Kernel
from pqc.numerics import floating
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.numerics.functions import evaluate

Arrays = Sequence[AnyArray]
Results = tuple[AnyArray, ...]


def _finish(op: ConvOp | GemmOp, result: AnyArray, operands: Arrays) -> Results:
    """Add the residual, the fourth operand, where there is one, and clip."""
    summed = result + operands[3] if op.residual is not None else result
    return (floating.clip(summed, *op.bounds),)


def _conv(op: ConvOp, operands: Arrays) -> Results:
    x, weight, bias = operands[:3]
    return _finish(op, floating.convolution(x, weight, bias, op.window, op.group.value.data), operands)


def _gemm(op: GemmOp, operands: Arrays) -> Results:
    return _finish(op, floating.gemm(*operands[:3]), operands)


def _batch_norm(op: BatchNormOp, operands: Arrays) -> Results:
    x, scale, bias, mean, variance = operands
    return (floating.batch_normalization(x, scale, bias, mean, variance, op.epsilon.value.data),)


def _relu(_: ReluOp, operands: Arrays) -> Results:
    return (floating.clip(operands[0], 0.0, None),)


def _clip(op: ClipOp, operands: Arrays) -> Results:
    return (floating.clip(operands[0], *op.bounds),)


def _add(_: AddOp, operands: Arrays) -> Results:
    return (floating.add(*operands),)


def _sub(_: SubOp, operands: Arrays) -> Results:
    return (floating.subtract(*operands),)


def _mul(_: MulOp, operands: Arrays) -> Results:
    return (floating.multiply(*operands),)


def _function(op: FunctionOp, operands: Arrays) -> Results:
    return (evaluate(op.function.data, operands[0], op.values),)


def _prelu(_: PReluOp, operands: Arrays) -> Results:
    return (floating.prelu(*operands),)


def values_inside(op: PointwiseOp, x: FloatArray) -> dict[SSAValue, AnyArray]:
    """Everything that a group computes for ``x``: of the operand's dimensions, but with any number of elements."""
    values: dict[SSAValue, AnyArray] = {op.body.block.args[0]: x}
    for inner in op.operations[:-1]:
        if isinstance(inner, ConstantOp):
            values[inner.result] = inner.array
        else:
            (values[inner.results[0]],) = KERNELS[type(inner)](inner, [values[value] for value in inner.operands])
    return values


def run_pointwise(op: PointwiseOp, x: FloatArray) -> FloatArray:
    """What a group gives for ``x``, see :func:`values_inside`."""
    return values_inside(op, x)[op.yielded]


def _pointwise(op: PointwiseOp, operands: Arrays) -> Results:
    return (run_pointwise(op, operands[0]),)


def _max_pool(op: MaxPoolOp, operands: Arrays) -> Results:
    return (floating.max_pool(operands[0], op.window),)


def _average_pool(op: AveragePoolOp, operands: Arrays) -> Results:
    counted = bool(op.count_include_pad.value.data)
    return (floating.average_pool(operands[0], op.window, count_include_pad=counted),)


def _global_average_pool(_: GlobalAveragePoolOp, operands: Arrays) -> Results:
    return (floating.global_average_pool(operands[0]),)


def _reshape(op: ReshapeOp, operands: Arrays) -> Results:
    return (operands[0].reshape(len(operands[0]), *op.result_shape()[1:]),)


def _transpose(op: TransposeOp, operands: Arrays) -> Results:
    return (operands[0].transpose(op.perm.get_values()),)


def _slice(op: SliceOp, operands: Arrays) -> Results:
    return (floating.slicing(operands[0], op.starts.get_values(), op.steps.get_values(), op.sizes),)


def _pad(op: PadOp, operands: Arrays) -> Results:
    return (floating.padding(operands[0], op.before.get_values(), op.after.get_values()),)


def _concat(op: ConcatOp, operands: Arrays) -> Results:
    return (np.concatenate(operands, axis=op.axis.value.data),)


KERNELS: dict[type[Operation], Kernel] = {
    ConvOp: _conv,
    GemmOp: _gemm,
    BatchNormOp: _batch_norm,
    ReluOp: _relu,
    ClipOp: _clip,
    AddOp: _add,
    SubOp: _sub,
    MulOp: _mul,
    FunctionOp: _function,
    PReluOp: _prelu,
    PointwiseOp: _pointwise,
    MaxPoolOp: _max_pool,
    AveragePoolOp: _average_pool,
    GlobalAveragePoolOp: _global_average_pool,
    ReshapeOp: _reshape,
    TransposeOp: _transpose,
    SliceOp: _slice,
    PadOp: _pad,
    ConcatOp: _concat,
}
"""One kernel for every operation of the ``onnx`` dialect."""
