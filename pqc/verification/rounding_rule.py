"""Quantization, one operation at a time: on what the integer network has, each gives what real numbers would, rounded.

How far the rounded result may be off follows from what is rounded: half a unit of the result's grid, the requantization
multiplier's last bits, and for weights that become integers half a step of each, times all that they are multiplied by.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Operation, SSAValue

from pqc.dialects import onnx, pq, qnn
from pqc.dialects.location import result_name
from pqc.dialects.pq_types import quantized
from pqc.interpreter.reference import execute, last_uses
from pqc.numerics import floating
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.numerics.element import Element, dequantize
from pqc.numerics.window import Window
from pqc.passes.attributes import main_of, target_of
from pqc.passes.constants import constant_array
from pqc.verification.execution import Execution
from pqc.verification.findings import Finding, Pair, compared
from pqc.verification.makers import makers

UNITS = 1.0
"""Of the result's grid: half of one for rounding, the other half for float32 on the way there."""

MULTIPLIER_ERROR = 2.0**-12
"""Of the largest result: multipliers have a few bits more than that."""


def rounded_results(before: Execution, after: Execution) -> Finding:
    """Compare each operation of ``before``, executed on what ``after`` has for its operands, with what that gives."""
    return compared("each operation equal after rounding", _pairs(before, after), after)


def _pairs(before: Execution, after: Execution) -> Iterator[Pair]:
    block = main_of(before.module).body.block
    ops = [op for op in block.ops if not isinstance(op, ReturnOp)]
    named_by = {op: name for name, op in makers(ops).items()}
    shifting, weight_bits = target_of(before.module).requantize == "shift", _weight_bits(after)
    values: dict[SSAValue, AnyArray] = dict(zip(block.args, dequantized_inputs(after), strict=True))
    # what rounding may have added to values that are compared only behind the moves that follow
    owed: dict[SSAValue, float] = {}
    freed = last_uses(block)
    for op in ops:
        operands = [values[value] for value in op.operands]
        (result,) = execute(op, operands)
        name = result_name(op)
        found = after.values.get(name) if op in named_by else None
        slack = _slack(op, operands, weight_bits.get(name, 8), shifting=shifting)
        slack = slack + max((owed.get(value, 0.0) for value in op.operands), default=0.0)
        if found is not None and found.scale is not None and found.maker is not None:
            element = quantized(found.maker.results[0]).element
            expected = np.clip(result, element.minimum * found.scale, element.maximum * found.scale)
            bound = UNITS * found.scale + MULTIPLIER_ERROR * float(np.abs(expected).max(initial=0.0)) + slack
            bound = bound + _half_a_sum(found.maker, found.scale, expected.ndim)
            yield Pair(name, expected, found.real.reshape(expected.shape), bound, found.scale, found.maker)
            result = found.real.reshape(expected.shape)
        elif name in after.values:
            owed[op.results[0]] = float(np.max(slack))
        values[op.results[0]] = result
        for value in freed.get(op, ()):
            values.pop(value, None)


def dequantized_inputs(network: Execution) -> list[FloatArray]:
    """The inputs of a quantized network as real numbers on their grids."""
    kinds = [quantized(argument) for argument in main_of(network.module).body.block.args]
    return [dequantize(x, kind.scale) for x, kind in zip(network.inputs, kinds, strict=True)]


def _half_a_sum(maker: Operation, scale: float, dimensions: int) -> AnyArray | float:
    """Half the real value of one in the sums that become a result: as far is a bias off that is added to them."""
    if not isinstance(maker, qnn.RequantizeOp):
        return 0.0
    multiplier, shift = (constant_array(value).astype(np.float64) for value in (maker.multiplier, maker.shift))
    return (scale / 2 * multiplier * 2.0**-shift).reshape(-1, *[1] * (dimensions - 2))


def _weight_bits(after: Execution) -> dict[str, int]:
    """Bits of the weights of each layer that multiplies."""
    ops = main_of(after.module).body.block.ops
    return {result_name(op): op.weight_bits.value.data for op in ops if isinstance(op, qnn.Conv2dOp | qnn.GemmOp)}


def _slack(op: Operation, operands: list[AnyArray], weight_bits: int, *, shifting: bool) -> AnyArray | float:
    """What rounding the constants of a layer may add to its results."""
    if isinstance(op, pq.ConvolutionOp) and op.step is None:
        table = constant_array(op.table)
        return len(table) * _half_step(table, (0, 1), op.config.table_bits.data, shifting=shifting)[:, None, None]
    if isinstance(op, onnx.ConvOp | onnx.GemmOp):
        x, weight = np.abs(operands[0]), operands[1]
        half = _half_step(weight, tuple(range(1, weight.ndim)), weight_bits, shifting=shifting)
        each = np.broadcast_to(half.reshape(-1, *[1] * (weight.ndim - 1)), weight.shape).astype(np.float32)
        none = np.zeros(len(weight), np.float32)
        if isinstance(op, onnx.GemmOp):
            return floating.gemm(x, each, none)
        window: Window = op.window
        return floating.convolution(x, each, none, window, op.group.value.data)
    return 0.0


def _half_step(constants: AnyArray, axes: tuple[int, ...], bits: int, *, shifting: bool) -> AnyArray:
    """Half a step of the grid that holds ``constants``, one for each output; powers of two are up to twice as far."""
    largest = np.abs(constants).max(axis=axes).astype(np.float64)
    return largest / Element(bits, signed=True).maximum * (1.0 if shifting else 0.5)
