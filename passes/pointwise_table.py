"""The table of a pointwise group: what the float level gives for each value on its operand's grid, rounded once."""

from __future__ import annotations

import numpy as np

from pqc.dialects.blob import constant_of
from pqc.dialects.location import node_name
from pqc.dialects.onnx import PointwiseOp
from pqc.dialects.pq_types import GridAttr
from pqc.errors import ModelError
from pqc.interpreter.reference_onnx import run_pointwise
from pqc.numerics.arrays import IntArray
from pqc.numerics.element import dequantize


def differs_by_channel(op: PointwiseOp) -> bool:
    """Whether a constant inside is not the same for all channels."""
    constants = [constant_of(value) for inner in op.operations for value in inner.operands]
    return any(array is not None and bool((array != array.flat[0]).any()) for array in constants)


def pointwise_table(op: PointwiseOp, source: GridAttr, result: GridAttr) -> IntArray:
    """Entries [1 or channels, elements of ``source``] on the grid of ``result``, the least element's first.

    Each is off by half a step of that grid at most, unless the result lies outside of what the grid holds.

    Raises:
        ModelError: the function is not defined for a value on the grid of its operand.
    """
    element = source.integers
    elements = np.arange(element.minimum, element.maximum + 1)
    channels = op.result.type.get_shape()[1] if differs_by_channel(op) else 1
    x = np.repeat(dequantize(elements, source.scale.data)[:, None], channels, axis=1)
    rank = len(op.result.type.get_shape())
    y = run_pointwise(op, x.reshape(*x.shape, *[1] * (rank - 2))).reshape(elements.size, -1)
    if np.isnan(y).any():
        wrong = float(x[np.isnan(y).any(axis=1), 0][0])
        raise ModelError(
            f"node {node_name(op)!r}: its function is not defined at {wrong!r}, which its operand may be: "
            "clip the operand to where it is, with Clip or Relu in front"
        )
    table: IntArray = np.ascontiguousarray(result.integers.quantize(y, result.scale.data).T)
    return table[:1] if (table == table[:1]).all() else table
