"""What the operations of the ``pq`` and ``qnn`` dialects compute, through :mod:`pqc.numerics`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.ir import Operation

from pqc.dialects import pq, qnn, qnn_move
from pqc.dialects.pq_types import quantized
from pqc.interpreter.kernel import Kernel
from pqc.numerics import floating
from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.numerics.code_window import windowed_codes
from pqc.numerics.convolution import convolve
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, codes_of_zero, encode, starts_of
from pqc.numerics.grouping import Cut, Grouping
from pqc.numerics.lookup import lookup
from pqc.numerics.mapping import map_elements
from pqc.numerics.pooling import average_pool, max_pool
from pqc.numerics.requantize import add, multiply, requantize, rescale
from pqc.numerics.window import Window

Arrays = Sequence[AnyArray]
Results = tuple[AnyArray, ...]

CONVENTIONAL_BITS = 32
"""Accumulator bits of the conventional unit."""

SUM_BITS = 32
"""Bits of the sums of a ``pq.convolution`` of integers, which none overflows; accumulators may have fewer."""


def _codes(
    x: IntArray, codebook: IntArray, window: Window, starts: Sequence[int], grid: tuple[int, Element], metric: Metric
) -> IntArray:
    """Codes [frames, subspaces, rows, columns] of ``x`` [frames, channels, height, width]."""
    codes = encode(x, codebook, window, None, starts, grid, metric)
    return codes.reshape(*codes.shape[:2], *window.output_size(x.shape[2], x.shape[3]))


def _encode(op: pq.EncodeOp, operands: Arrays) -> Results:
    x, codebook = operands
    grid = op.shift.value.data, op.prototype_element
    return (_codes(x, codebook, op.window.data, op.starts, grid, op.distance),)


def _lookup(op: pq.LookupOp, operands: Arrays) -> Results:
    codes, table, bias = operands[:3]
    frames, subspaces, rows, columns = codes.shape
    if op.window is None:
        seen = codes.reshape(frames, subspaces, rows * columns)
    else:
        rows, columns = op.window.data.output_size(rows, columns)
        seen = windowed_codes(codes, op.window.data, operands[3], (rows, columns))
    sums = lookup(seen, table, bias[:, None], op.accumulator_bits)
    return (sums.reshape(frames, table.shape[2], rows, columns),)


def _on_grid(op: pq.OnGridOp, operands: Arrays) -> Results:
    return (op.grid.integers.on_grid(operands[0], op.grid.scale.data),)


def _seen_codes(op: pq.ConvolutionOp, integers: IntArray, codebook: IntArray) -> IntArray:
    """The codes that each position of the result adds up: [frames, subspaces, rows * columns]."""
    window, metric, length = op.window.data, op.config.distance, codebook.shape[2]
    grid = op.shift.value.data, op.prototype_element
    groups = Cut.of(op.config.grouped, integers.shape[1], window, length).groups
    starts = starts_of(0, length, groups)
    if op.config.grouped is Grouping.WINDOW:
        return encode(integers, codebook, window, None, starts, grid, metric)
    codes = _codes(integers, codebook, Window((1, 1)), starts, grid, metric)
    return windowed_codes(codes, window, codes_of_zero(codebook, groups, metric), window.output_size(*codes.shape[2:]))


def _convolution(op: pq.ConvolutionOp, operands: Arrays) -> Results:
    """Encode in integers, then add up table entries, real or integer ones; step, residual and bounds follow."""
    x, codebook, table, bias = operands[:4]
    codes = _seen_codes(op, op.grid.integers.quantize(x, op.grid.scale.data), codebook)
    if op.step is None:
        y = _real_sums(codes, table) + bias[:, None]
    else:
        y = lookup(codes, table, bias[:, None], SUM_BITS).astype(np.float32) * operands[4][:, None]
    y = y.reshape(len(x), -1, *op.window.data.output_size(*x.shape[2:]))
    if op.residual is not None:
        y = y + operands[-1]
    return (floating.clip(y, *op.bounds),)


def _real_sums(codes: IntArray, table: FloatArray) -> FloatArray:
    """The entries that ``codes`` [frames, subspaces, columns] select, added up: [frames, outputs, columns]."""
    frames, subspaces, columns = codes.shape
    total = np.zeros((frames * columns, table.shape[2]), np.float32)
    for s in range(subspaces):
        total += np.take(table[s], codes[:, s].reshape(-1), axis=0)
    return total.reshape(frames, columns, -1).transpose(0, 2, 1)


def _conv2d(op: qnn.Conv2dOp, operands: Arrays) -> Results:
    x, weight, bias = operands
    window = op.window.data
    sums = convolve(x, weight, window, op.groups.value.data, bias[:, None], CONVENTIONAL_BITS)
    return (sums.reshape(x.shape[0], weight.shape[0], *window.output_size(x.shape[2], x.shape[3])),)


def _gemm(op: qnn.GemmOp, operands: Arrays) -> Results:
    x, weight, bias = operands
    sums = convolve(x[:, :, None, None], weight[:, :, None, None], Window((1, 1)), 1, bias[:, None], CONVENTIONAL_BITS)
    return (sums[:, :, 0],)


def _requantize(op: qnn.RequantizeOp, operands: Arrays) -> Results:
    accumulator, multiplier, shift = operands[:3]
    flat = accumulator.reshape(*accumulator.shape[:2], -1)
    if op.residual is None:
        y = requantize(flat, multiplier, shift, op.bounds)
    else:
        y = requantize(flat, multiplier, shift, op.bounds, operands[3].reshape(flat.shape), operands[4])
    return (y.reshape(accumulator.shape),)


def _add(op: qnn.AddOp, operands: Arrays) -> Results:
    left, right = op.multipliers.get_values()
    return (add(operands[0], operands[1], (left, right), op.shift.value.data, op.bounds),)


def _rescale(op: qnn.RescaleOp, operands: Arrays) -> Results:
    return (rescale(operands[0], op.multiplier.value.data, op.shift.value.data, op.bounds),)


def _map(op: qnn.MapOp, operands: Arrays) -> Results:
    first, element = quantized(op.x).element.minimum, op.result.type.element
    return (map_elements(operands[0], operands[1], first, element),)


def _multiply(op: qnn.MultiplyOp, operands: Arrays) -> Results:
    return (multiply(operands[0], operands[1], op.multiplier.value.data, op.shift.value.data, op.bounds),)


def _max_pool(op: qnn.MaxPoolOp, operands: Arrays) -> Results:
    return (max_pool(operands[0], op.window.data),)


def _average_pool(op: qnn.AveragePoolOp, operands: Arrays) -> Results:
    multiplier, shift = op.multiplier.value.data, op.shift.value.data
    return (average_pool(operands[0], op.window.data, op.pool_mode, multiplier, shift, op.bounds),)


def _reshape(op: qnn_move.ReshapeOp, operands: Arrays) -> Results:
    return (operands[0].reshape(operands[0].shape[0], *op.result.type.get_shape()[1:]),)


def _transpose(op: qnn_move.TransposeOp, operands: Arrays) -> Results:
    return (operands[0].transpose(op.permutation.get_values()),)


def _slice(op: qnn_move.SliceOp, operands: Arrays) -> Results:
    sizes = op.result.type.get_shape()[1:]
    taken = zip(op.starts.get_values(), op.steps.get_values(), sizes, strict=True)
    return (operands[0][(slice(None), *(slice(a, a + step * n, step) for a, step, n in taken))],)


def _pad(op: qnn_move.PadOp, operands: Arrays) -> Results:
    sizes = zip(op.before.get_values(), op.after.get_values(), strict=True)
    return (np.pad(operands[0], ((0, 0), *sizes)),)


def _concat(op: qnn_move.ConcatOp, operands: Arrays) -> Results:
    return (np.concatenate(operands, axis=op.axis.value.data),)


KERNELS: dict[type[Operation], Kernel] = {
    pq.OnGridOp: _on_grid,
    pq.EncodeOp: _encode,
    pq.LookupOp: _lookup,
    pq.ConvolutionOp: _convolution,
    qnn.Conv2dOp: _conv2d,
    qnn.GemmOp: _gemm,
    qnn.RequantizeOp: _requantize,
    qnn.AddOp: _add,
    qnn.RescaleOp: _rescale,
    qnn.MapOp: _map,
    qnn.MultiplyOp: _multiply,
    qnn.MaxPoolOp: _max_pool,
    qnn.AveragePoolOp: _average_pool,
    qnn_move.ReshapeOp: _reshape,
    qnn_move.TransposeOp: _transpose,
    qnn_move.SliceOp: _slice,
    qnn_move.PadOp: _pad,
    qnn_move.ConcatOp: _concat,
}
"""What each operation computes."""
