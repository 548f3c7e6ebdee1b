"""Operations executed on many frames: a few frames at a time, each part by one of several threads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
from xdsl.ir import Operation, SSAValue

from pqc.dialects.onnx import ConvOp, GemmOp, shape_of
from pqc.dialects.pq_types import QuantizedType
from pqc.interpreter.reference import execute
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.passes.constants import constant_array
from pqc.workers import in_parallel

FRAMES_AT_ONCE = 64
"""Frames executed together, at most."""

ELEMENTS_AT_ONCE = 1 << 22
"""Elements of the largest tensor of these frames, at most, which bounds the memory: integers are computed in int64."""

FLOATS_AT_ONCE = 1 << 24
"""The same for the float network: 64 MiB."""


def execute_frames(ops: Sequence[Operation], values: Mapping[SSAValue, AnyArray]) -> AnyArray:
    """Execute ``ops`` on the values [frames, ...] of their operands: the last result, for all frames.

    Operands that no operation computes and that have no value are constants.
    """
    frames = max(array.shape[0] for array in values.values())
    sizes = [prod(array.shape[1:]) for array in values.values()]
    kind = ops[-1].results[0].type
    shape = kind.get_shape() if isinstance(kind, QuantizedType) else shape_of(ops[-1].results[0])
    elements = ELEMENTS_AT_ONCE if isinstance(kind, QuantizedType) else FLOATS_AT_ONCE
    step = max(1, min(FRAMES_AT_ONCE, elements // max(*sizes, prod(shape[1:]))))

    def part(start: int) -> AnyArray:
        local = {value: array[start : start + step] for value, array in values.items()}
        for op in ops:
            operands = [local[value] if value in local else constant_array(value) for value in op.operands]
            local.update(zip(op.results, execute(op, operands), strict=True))
        return local[ops[-1].results[0]]

    first = part(0)
    result = np.empty((frames, *first.shape[1:]), first.dtype)
    result[:step] = first

    def fill(start: int) -> None:
        result[start : start + step] = part(start)

    in_parallel(fill, range(step, frames, step))
    return result


def sums_before_bounds(op: ConvOp | GemmOp, values: Mapping[SSAValue, AnyArray]) -> FloatArray:
    """What the float network has before bounds are applied: [frames, outputs, rows, columns]."""
    unbounded = op.clone()
    for name in ("low", "high"):
        unbounded.properties.pop(name, None)
    sums = execute_frames([unbounded], values)
    unbounded.erase()
    return sums
