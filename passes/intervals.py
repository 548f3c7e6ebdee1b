"""What the integers of a quantized network can be at most: bounds for every channel, and the codes that can occur.

Bounds follow from those of the inputs, which are their types', operation by operation. Whatever grows with its
operands is computed by the reference interpreter itself, on maps that hold a bound everywhere; sums take for each term
the end of its range that is worse. So a bound may be too wide, and is never too narrow.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, Operation, SSAValue

from pqc.dialects import qnn, qnn_move
from pqc.dialects.blob import ConstantOp
from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.dialects.pq_types import QuantizedType, quantized
from pqc.dialects.rules import tensor_type
from pqc.interpreter.reference import execute
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.numerics.encode import onto_grid
from pqc.numerics.reachable import reachable_codes
from pqc.passes.constants import constant_array

Mask: TypeAlias = npt.NDArray[np.bool_]

GROWING = (
    qnn.MaxPoolOp,
    qnn_move.ConcatOp,
    qnn_move.PadOp,
    qnn_move.ReshapeOp,
    qnn_move.SliceOp,
    qnn_move.TransposeOp,
)
"""Operations that grow with their operands, whatever their properties; of others nothing is assumed."""


class Interval(NamedTuple):
    """The least and the greatest value of each channel (or feature), [channels] int64 each."""

    low: IntArray
    high: IntArray


class Intervals:
    """The bounds of every value of a block of quantized operations."""

    def __init__(self, block: Block) -> None:
        self._bounds: dict[SSAValue, Interval] = {}
        self._codes: dict[SSAValue, Mask] = {}
        for argument in block.args:
            self._bounds[argument] = _whole(argument)
        for op in block.ops:
            if isinstance(op, EncodeOp):
                self._codes[op.codes] = self._encoded(op)
            elif not isinstance(op, ConstantOp | ReturnOp):
                self._bounds[op.results[0]] = self._bounded(op)

    def __getitem__(self, value: SSAValue) -> Interval:
        """The bounds of an activation or of accumulators."""
        return self._bounds[value]

    def codes_seen(self, op: LookupOp) -> Mask:
        """The codes that a lookup can see of each group, [groups, prototypes]; outside the map lies the padding's."""
        seen = self._codes[op.codes].copy()
        if op.window is not None and op.padding is not None and any(op.window.data.pads):
            seen[np.arange(len(seen)), constant_array(op.padding)] = True
        return seen

    def _bounded(self, op: Operation) -> Interval:
        if isinstance(op, LookupOp):
            return self._looked_up(op)
        if isinstance(op, qnn.Conv2dOp | qnn.GemmOp):
            return self._summed(op)
        if not _grows_with_operands(op):
            return _whole(op.results[0])
        ends: list[IntArray] = []
        for end in range(2):
            operands = [
                _map(value, self._bounds[value][end]) if value in self._bounds else constant_array(value)
                for value in op.operands
            ]
            (result,) = execute(op, operands)
            by_channel = result.astype(np.int64).reshape(result.shape[1], -1)
            ends.append(by_channel.max(axis=1) if end else by_channel.min(axis=1))
        return Interval(*ends)

    def _encoded(self, op: EncodeOp) -> Mask:
        """The codes that each subspace can have: with padding, an element may be zero, too."""
        window, grid, codebook = op.window.data, op.prototype_element, constant_array(op.codebook)
        low, high = self._bounds[op.x]
        if any(window.pads):
            low, high = np.minimum(low, 0), np.maximum(high, 0)
        starts: IntArray = np.array([*op.starts], np.int64)
        within: IntArray = np.arange(codebook.shape[2], dtype=np.int64)
        taken: IntArray = starts[:, None] + within
        taps = window.kernel[0] * window.kernel[1]
        ends: list[IntArray] = []
        for bound in (low, high):
            elements = np.append(np.repeat(onto_grid(bound, op.shift.value.data, grid), taps), 0)
            ends.append(elements[np.minimum(taken, elements.size - 1)])
        return reachable_codes(ends[0], ends[1], codebook, op.distance)

    def _looked_up(self, op: LookupOp) -> Interval:
        table, bias = constant_array(op.table).astype(np.int64), constant_array(op.bias).astype(np.int64)
        groups = self.codes_seen(op)
        seen = np.tile(groups, (len(table) // len(groups), 1))[:, :, None]
        bounds = np.iinfo(np.int64)
        low = bias + np.where(seen, table, bounds.max).min(axis=1).sum(axis=0)
        high = bias + np.where(seen, table, bounds.min).max(axis=1).sum(axis=0)
        return _unless_wrapped(Interval(low, high), op.accumulator_bits)

    def _summed(self, op: qnn.Conv2dOp | qnn.GemmOp) -> Interval:
        weight, bias = constant_array(op.weight).astype(np.int64), constant_array(op.bias).astype(np.int64)
        low, high = self._bounds[op.x]
        groups = 1
        if isinstance(op, qnn.Conv2dOp):
            groups = op.groups.value.data
            if any(op.window.data.pads):
                low, high = np.minimum(low, 0), np.maximum(high, 0)
        shape = (groups, weight.shape[0] // groups, weight.shape[1], -1)
        terms = [weight.reshape(shape) * bound.reshape(groups, 1, -1, 1) for bound in (low, high)]
        ends = (np.minimum(*terms), np.maximum(*terms))
        sums = [bias + end.sum(axis=(2, 3)).reshape(-1) for end in ends]
        return _unless_wrapped(Interval(*sums), 32)


def _unless_wrapped(bounds: Interval, bits: int) -> Interval:
    """The bounds, or all that accumulators hold where a sum might wrap."""
    least, most = -(1 << bits - 1), (1 << bits - 1) - 1
    fits = (bounds.low >= least) & (bounds.high <= most)
    return Interval(np.where(fits, bounds.low, least), np.where(fits, bounds.high, most))


def _shape(value: SSAValue) -> tuple[int, ...]:
    """Channels, and rows and columns if there are any."""
    kind = value.type
    return (kind if isinstance(kind, QuantizedType) else tensor_type(value)).get_shape()[1:]


def _whole(value: SSAValue) -> Interval:
    """All values of an activation's type."""
    element, channels = quantized(value).element, _shape(value)[0]
    return Interval(np.full(channels, element.minimum, np.int64), np.full(channels, element.maximum, np.int64))


def _map(value: SSAValue, bound: IntArray) -> AnyArray:
    """One frame of a value that has its channels' ``bound`` everywhere."""
    shape = _shape(value)
    kind = quantized(value).element.storage if isinstance(value.type, QuantizedType) else np.dtype(np.int32)
    return np.broadcast_to(bound.reshape(-1, *[1] * (len(shape) - 1)), shape)[None].astype(kind)


def _grows_with_operands(op: Operation) -> bool:
    """Whether no larger operand gives a smaller result: no multiplier is negative."""
    if isinstance(op, qnn.RequantizeOp):
        constants = (op.multiplier, op.residual_multiplier)
        return all(value is None or int(constant_array(value).min()) >= 0 for value in constants)
    if isinstance(op, qnn.AddOp):
        return min(op.multipliers.get_values()) >= 0
    if isinstance(op, qnn.RescaleOp | qnn.AveragePoolOp):
        return op.multiplier.value.data >= 0
    return isinstance(op, GROWING)
