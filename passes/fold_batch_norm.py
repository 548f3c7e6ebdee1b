"""Fold batch normalization, and constant terms and factors of channels, into the layer in front.

    %c = onnx.conv %x, %w, %b          ->  %n = onnx.conv %x, %w', %b'
    %n = onnx.batch_norm %c, ...

In front may also stand a ``pq.convolution``, whose table or step takes up the factor. Where there is neither, a
depthwise 1x1 convolution (a diagonal matrix product) takes their place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from pqc.dialects.blob import ConstantOp, constant_of
from pqc.dialects.location import fuse_locations
from pqc.dialects.onnx import AddOp, BatchNormOp, ConvOp, GemmOp, MulOp, shape_of
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.passes.constants import constant_array
from pqc.passes.fold_into_lookup import folded_lookup
from pqc.passes.rewriting import is_used_once, rewrite

Normalization = BatchNormOp | AddOp | MulOp


def normalization_parameters(op: Normalization) -> tuple[FloatArray, FloatArray] | None:
    """(factor, offset) per channel that ``op`` applies in float64; None if they are not constant."""
    if isinstance(op, AddOp | MulOp):
        constant = constant_of(op.y)
        if constant is None:
            return None
        values = constant.astype(np.float64).reshape(-1)
        return (np.ones(values.size), values) if isinstance(op, AddOp) else (values, np.zeros(values.size))
    constants = [constant_of(value) for value in (op.scale, op.bias, op.mean, op.variance)]
    known = [constant.astype(np.float64) for constant in constants if constant is not None]
    if len(known) != len(constants):
        return None
    scale, bias, mean, variance = known
    factor = scale / np.sqrt(variance + op.epsilon.value.data)
    return factor, bias - mean * factor


def _label(value: SSAValue, fallback: str) -> str:
    return value.owner.label if isinstance(value.owner, ConstantOp) else fallback


def scaled(op: ConvOp | GemmOp, factor: FloatArray, offset: FloatArray) -> tuple[ConstantOp, ConstantOp]:
    """Weight and bias of ``op`` with its result multiplied by ``factor`` and shifted by ``offset``."""
    weight, bias = constant_array(op.weight), constant_array(op.bias)
    column: AnyArray = factor.reshape(-1, *[1] * (weight.ndim - 1))
    return (
        ConstantOp(_label(op.weight, "weight"), (weight * column).astype(np.float32)),
        ConstantOp(_label(op.bias, "bias"), (bias * factor + offset).astype(np.float32)),
    )


def absorbing_producer(value: SSAValue) -> ConvOp | GemmOp | None:
    """What makes ``value`` for one reader alone, if it can take up a map of its channels."""
    owner = value.owner
    if not isinstance(owner, ConvOp | GemmOp) or not is_used_once(value):
        return None
    plain = owner.residual is None and owner.bounds == (None, None)
    constant = constant_of(owner.weight) is not None and constant_of(owner.bias) is not None
    return owner if plain and constant else None


def _diagonal(x: SSAValue, factor: FloatArray, offset: FloatArray) -> tuple[ConstantOp, ConstantOp, ConvOp | GemmOp]:
    bias = ConstantOp("offset", offset.astype(np.float32))
    channels = factor.size
    if len(shape_of(x)) == 4:
        weight = ConstantOp("factor", factor.reshape(channels, 1, 1, 1).astype(np.float32))
        return weight, bias, ConvOp(x, weight.result, bias.result, group=channels)
    weight = ConstantOp("factor", np.diag(factor).astype(np.float32))
    return weight, bias, GemmOp(x, weight.result, bias.result)


@dataclass
class FoldIntoProducer(RewritePattern):
    """A constant affine map of channels becomes part of the weights in front, or a layer of its own."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: BatchNormOp | AddOp | MulOp, rewriter: PatternRewriter, /) -> None:
        """Fold ``op`` if its parameters are constant."""
        parameters = normalization_parameters(op)
        if parameters is None:
            return
        producer = op.x.owner
        looked_up = folded_lookup(op.x, *parameters)
        if isinstance(producer, Operation) and looked_up is not None:
            looked_up[-1].location = fuse_locations(producer, op)
            rewriter.replace(op, looked_up)
            return
        producer = absorbing_producer(op.x)
        if producer is None:
            rewriter.replace(op, [*_diagonal(op.x, *parameters)])
            return
        weight, bias = scaled(producer, *parameters)
        folded = producer.clone()
        folded.operands[1], folded.operands[2] = weight.result, bias.result
        folded.location = fuse_locations(producer, op)
        rewriter.replace(op, [weight, bias, folded])


@dataclass(frozen=True)
class FoldBatchNormPass(ModulePass):
    """Fold batch normalization, and constant terms and factors, into the weights in front of them."""

    name = "fold-batch-norm"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite until none is left."""
        rewrite(op, [FoldIntoProducer()])
