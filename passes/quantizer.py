"""How each operation of the float level becomes integer operations; used to quantize, and to simulate while fitting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from xdsl.dialects.builtin import UnknownLoc
from xdsl.ir import Operation, SSAValue

from pqc.codebook.table import QuantizedTable, check_shifts, proven_margin, quantize_table
from pqc.dialects import onnx, pq, qnn
from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import hint, node_name
from pqc.errors import InternalError, ModelError
from pqc.numerics.encode import codes_of_zero
from pqc.numerics.grouping import Codebooks, Grouping
from pqc.numerics.quantization import (
    Float64,
    Requantization,
    quantize_weights,
    requantization,
)
from pqc.numerics.window import Window
from pqc.passes.attributes import ERROR, MEASUREMENTS, Grids
from pqc.passes.constants import constant_array
from pqc.passes.quantize_elementwise import ELEMENTWISE
from pqc.passes.quantize_moves import MOVES
from pqc.planning.target import Target

Value = SSAValue

Layer: TypeAlias = onnx.ConvOp | onnx.GemmOp | pq.ConvolutionOp
"""What ends in a requantization."""


@dataclass(frozen=True)
class Quantizer:
    """Turns float operations into integer ones on the grids that calibration chose."""

    grids: Grids
    target: Target
    weight_bits: int = 8

    def convert(self, op: Operation, operands: Sequence[Value]) -> list[Operation]:
        """Integer operations that do what ``op`` does; ``operands`` are its operands at the integer level.

        The last operation's result stands for the result of ``op``. All carry its location.

        Raises:
            InternalError: there is no rule for the operation.
        """
        made = self._made(op, operands)
        for new in made:
            if isinstance(new.location, UnknownLoc):
                new.location = op.location
            if isinstance(new, ConstantOp):
                hint(new.result, new.label)
        made[-1].results[0].name_hint = op.results[0].name_hint
        return made

    def _made(self, op: Operation, operands: Sequence[Value]) -> list[Operation]:
        kind = type(op)
        if kind in MOVES:
            return MOVES[kind](op, operands)
        if kind in ELEMENTWISE:
            return ELEMENTWISE[kind](self.grids, op, operands)
        if kind in _LAYERS:
            return _LAYERS[kind](self, op, operands)
        raise InternalError(f"no rule quantizes {op.name}")

    def requantization(self, op: Layer, scale: Float64) -> Requantization:
        """How accumulators of ``scale`` [outputs] are brought onto the grid of the result of ``op``, residual included.

        Raises:
            ModelError: a ratio of scales is too large.
        """
        residual_scale = None if op.residual is None else self.grids.scale_of(op.residual)
        try:
            return requantization(scale, self.grids.scale_of(op.result), residual_scale)
        except ModelError as error:
            raise ModelError(f"node {node_name(op)!r}: {error}") from error

    def power_of_two_of(self, op: Operation) -> float | None:
        """The result's scale where the target can only shift, so that accumulators must be a power of two of it."""
        return self.grids.scale_of(op.results[0]) if self.target.requantize == "shift" else None


def _optional(value: Any) -> float | None:
    return None if value is None else float(value.value.data)


def _finish(
    quantizer: Quantizer, op: Any, made: list[Operation], scale: Any, residual: Value | None
) -> list[Operation]:
    """Requantize the accumulators of the last operation in ``made``, with the residual and bounds of ``op``."""
    parameters = quantizer.requantization(op, scale)
    multiplier = ConstantOp("multiplier", parameters.multiplier)
    shift = ConstantOp("shift", parameters.shift)
    made += [multiplier, shift]
    residual_multiplier: Value | None = None
    if residual is not None:
        factor = ConstantOp("residual_multiplier", parameters.residual_multiplier)
        residual_multiplier = factor.result
        made.append(factor)
    accumulators = next(m for m in reversed(made) if isinstance(m, pq.LookupOp | qnn.Conv2dOp | qnn.GemmOp))
    requantize = qnn.RequantizeOp(
        accumulators.accumulator,
        multiplier.result,
        shift.result,
        residual,
        residual_multiplier,
        clip=quantizer.grids.bounds_of(op.result, _optional(op.low), _optional(op.high)),
        scale=quantizer.grids.scale_of(op.result),
    )
    return [*made, requantize]


def _weights(quantizer: Quantizer, op: onnx.ConvOp | onnx.GemmOp) -> tuple[ConstantOp, ConstantOp, Any]:
    weights = quantize_weights(
        constant_array(op.weight),
        constant_array(op.bias),
        quantizer.weight_bits,
        quantizer.grids[op.x].integers,
        quantizer.grids.scale_of(op.x),
        quantizer.power_of_two_of(op),
    )
    return ConstantOp("weight", weights.weight), ConstantOp("bias", weights.bias), weights.scale


def _conv(quantizer: Quantizer, op: onnx.ConvOp, operands: Sequence[Value]) -> list[Operation]:
    weight, bias, scale = _weights(quantizer, op)
    conv = qnn.Conv2dOp(
        operands[0],
        weight.result,
        bias.result,
        window=op.window,
        groups=op.group.value.data,
        weight_bits=quantizer.weight_bits,
    )
    hint(conv.accumulator, "sums")
    return _finish(quantizer, op, [weight, bias, conv], scale, operands[3] if op.residual is not None else None)


def _gemm(quantizer: Quantizer, op: onnx.GemmOp, operands: Sequence[Value]) -> list[Operation]:
    weight, bias, scale = _weights(quantizer, op)
    gemm = qnn.GemmOp(operands[0], weight.result, bias.result, weight_bits=quantizer.weight_bits)
    hint(gemm.accumulator, "sums")
    return _finish(quantizer, op, [weight, bias, gemm], scale, operands[3] if op.residual is not None else None)


def _pq_convolution(quantizer: Quantizer, op: pq.ConvolutionOp, operands: Sequence[Value]) -> list[Operation]:
    integers = integers_of(quantizer, op)
    codebook = ConstantOp("codebook", constant_array(op.codebook))
    by_channel = op.config.grouped is Grouping.CHANNEL
    encode = pq.EncodeOp(
        operands[0],
        codebook.result,
        window=Window((1, 1)) if by_channel else op.window.data,
        metric=op.config.distance,
        shift=op.shift.value.data,
        prototype_bits=op.config.prototype_bits.data,
        shared=op.config.sharing is Codebooks.SHARED,
    )
    entries, start = ConstantOp("table", integers.table), ConstantOp("bias", integers.bias)
    groups, metric = encode.codes.type.get_shape()[1], op.config.distance
    padding = ConstantOp("padding", codes_of_zero(codebook.array, groups, metric)) if by_channel else None
    lookup = pq.LookupOp(
        encode.codes,
        entries.result,
        start.result,
        table_bits=op.config.table_bits.data,
        accumulator_bits=quantizer.target.accumulator_bits,
        window=op.window.data if by_channel else None,
        padding=None if padding is None else padding.result,
    )
    lookup.attributes |= {name: op.attributes[name] for name in (ERROR, MEASUREMENTS) if name in op.attributes}
    hint(encode.codes, "codes")
    hint(lookup.accumulator, "sums")
    made: list[Operation] = [codebook, encode, entries, start, *([] if padding is None else [padding]), lookup]
    return _finish(quantizer, op, made, integers.scale, operands[-1] if op.residual is not None else None)


def integers_of(quantizer: Quantizer, op: pq.ConvolutionOp) -> QuantizedTable:
    """The table's integers: those of the integer form as they are, a real table on the grids that fit it.

    Raises:
        ModelError: the integers of the integer form are none that the target can add up and requantize.
    """
    table, bias, bits = constant_array(op.table), constant_array(op.bias), quantizer.target.accumulator_bits
    unit = quantizer.power_of_two_of(op)
    if op.step is None:
        return quantize_table(table, bias, op.config.table_bits.data, bits, unit)
    scale = constant_array(op.step).astype(np.float64)
    try:
        margin = proven_margin(table, bias, bits)
        check_shifts(scale, unit)
    except ModelError as error:
        raise ModelError(f"node {node_name(op)!r}: {error}") from error
    return QuantizedTable(table, scale, bias, margin)


_LAYERS: dict[type[Operation], Callable[[Quantizer, Any, Sequence[Value]], list[Operation]]] = {
    onnx.ConvOp: _conv,
    onnx.GemmOp: _gemm,
    pq.ConvolutionOp: _pq_convolution,
}
