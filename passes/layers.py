"""A layer of the quantized level, put together from its operations, and who lowers it."""

from __future__ import annotations

from collections.abc import Mapping

from xdsl.ir import SSAValue

from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.dialects.qnn import Conv2dOp, GemmOp, RequantizeOp
from pqc.errors import InternalError
from pqc.numerics.window import Window
from pqc.passes.constants import constant_array
from pqc.passes.lower_convolution import ConvolutionLowering
from pqc.passes.lower_layer import Layer
from pqc.passes.lower_lookup import LookupLowering
from pqc.passes.program_builder import ProgramBuilder, Tensor


def layer_lowering(
    builder: ProgramBuilder, op: RequantizeOp, tensors: Mapping[SSAValue, Tensor]
) -> LookupLowering | ConvolutionLowering:
    """What lowers a requantization together with the operations that fill its accumulators."""
    producer = op.accumulator.owner
    encode = producer.codes.owner if isinstance(producer, LookupOp) else None
    if isinstance(producer, LookupOp) and isinstance(encode, EncodeOp):
        window = encode.window.data if producer.window is None else producer.window.data
        return LookupLowering(builder, _layer(op, encode, producer, window, tensors), encode, producer)
    if isinstance(producer, Conv2dOp | GemmOp):
        window = Window((1, 1)) if isinstance(producer, GemmOp) else producer.window.data
        return ConvolutionLowering(builder, _layer(op, producer, producer, window, tensors), producer)
    raise InternalError("accumulators that come from no lookup, convolution or matrix product")


def _layer(
    op: RequantizeOp,
    reader: EncodeOp | Conv2dOp | GemmOp,
    producer: LookupOp | Conv2dOp | GemmOp,
    window: Window,
    tensors: Mapping[SSAValue, Tensor],
) -> Layer:
    residual = op.residual
    return Layer(
        source=tensors[reader.x],
        result=tensors[op.result],
        residual=None if residual is None else tensors[residual],
        window=window,
        bias=constant_array(producer.bias),
        multiplier=constant_array(op.multiplier),
        shift=constant_array(op.shift),
        residual_multiplier=None if residual is None else constant_array(op.residual_multiplier),
        low=op.bounds.low,
        high=op.bounds.high,
    )
