"""An affine map of the channels behind a ``pq.convolution`` becomes part of its table, bias and step."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation, SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.dialects.pq import ConvolutionOp
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.passes.constants import constant_array
from pqc.passes.rewriting import is_used_once

LARGEST_BIAS = 1 << 30
"""The most that the bias of a sum becomes; behind it little room would be left for the sum."""


def folded_lookup(value: SSAValue, factor: FloatArray, offset: FloatArray) -> list[Operation] | None:
    """The convolution that makes ``value`` with its result times ``factor`` plus ``offset``, both [outputs].

    None where no such convolution makes ``value`` for one reader alone, or where it cannot take the map up. In the
    integer form the step takes up the factor, the table its sign, and the offset is rounded to whole steps.
    """
    op = value.owner
    if not isinstance(op, ConvolutionOp) or not is_used_once(value):
        return None
    if op.residual is not None or op.bounds != (None, None):
        return None
    table, bias = constant_array(op.table), constant_array(op.bias)
    if op.step is None:
        real = [("table", table * factor), ("bias", bias * factor + offset)]
        return _replaced(op, [(name, array.astype(np.float32)) for name, array in real])
    return _with_integers(op, table, bias, constant_array(op.step), factor, offset)


def _with_integers(
    op: ConvolutionOp, table: AnyArray, bias: AnyArray, step: AnyArray, factor: FloatArray, offset: FloatArray
) -> list[Operation] | None:
    largest = (1 << op.config.table_bits.data - 1) - 1
    steps = (step.astype(np.float64) * np.abs(factor)).astype(np.float32)
    sign = np.where(factor < 0, -1, 1)
    entries = table.astype(np.int64) * sign
    smallest = float(np.finfo(np.float32).tiny)
    if not (steps >= smallest).all() or not np.isfinite(steps).all() or entries.max() > largest:
        return None
    start = bias.astype(np.int64) * sign + np.floor(offset / steps.astype(np.float64) + 0.5)
    if np.abs(start).max() > LARGEST_BIAS:
        return None
    return _replaced(op, [("table", entries.astype(table.dtype)), ("bias", start.astype(np.int32)), ("step", steps)])


def _replaced(op: ConvolutionOp, arrays: list[tuple[str, AnyArray]]) -> list[Operation]:
    constants = [ConstantOp(name, array) for name, array in arrays]
    table, bias, *step = (constant.result for constant in constants)
    return [*constants, op.with_table(table, bias, step[0] if step else None)]
