"""Fuse what follows a convolution or matrix product into it: a residual addition, then bounds.

    %c = onnx.conv %x, %w, %b          ->  %r = onnx.conv %x, %w, %b residual %s low 0.0
    %a = onnx.add %c, %s
    %r = onnx.relu %a

One accumulator is then rounded once, on its way out, instead of three times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from xdsl.context import Context
from xdsl.dialects.builtin import FloatAttr, ModuleOp, f64
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from pqc.dialects.location import fuse_locations
from pqc.dialects.onnx import AddOp, ClipOp, ConvOp, GemmOp, ReluOp
from pqc.dialects.pq import ConvolutionOp
from pqc.passes.rewriting import is_used_once, rewrite

Layer: TypeAlias = ConvOp | GemmOp | ConvolutionOp
"""What has a residual and bounds."""


def fusable_producer(value: SSAValue) -> Layer | None:
    """The convolution or matrix product that makes ``value`` for one reader alone and has no bounds yet."""
    owner = value.owner
    if not isinstance(owner, ConvOp | GemmOp | ConvolutionOp) or not is_used_once(value):
        return None
    return owner if owner.bounds == (None, None) else None


def with_residual(op: Layer, residual: SSAValue) -> Layer:
    """A copy of ``op`` that adds ``residual``."""
    if isinstance(op, ConvolutionOp):
        return op.with_residual(residual)
    if isinstance(op, GemmOp):
        return GemmOp(op.x, op.weight, op.bias, residual=residual)
    window = op.window
    return ConvOp(
        op.x,
        op.weight,
        op.bias,
        strides=window.strides,
        pads=window.pads,
        dilations=window.dilations,
        group=op.group.value.data,
        residual=residual,
    )


def _comes_later(first: Operation, second: Operation) -> bool:
    return second.is_before_in_block(first)


@dataclass
class FuseResidual(RewritePattern):
    """An addition becomes the residual of the operand that is computed last."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: AddOp, rewriter: PatternRewriter, /) -> None:
        """Fuse if an operand comes from a convolution or matrix product without a residual."""
        candidates: list[tuple[Layer, SSAValue]] = []
        for value, other in ((op.x, op.y), (op.y, op.x)):
            producer = fusable_producer(value)
            if producer is not None and producer.residual is None and other.type == op.result.type:
                candidates.append((producer, other))
        if not candidates:
            return
        if len(candidates) == 2 and _comes_later(candidates[1][0], candidates[0][0]):
            candidates.reverse()
        producer, other = candidates[0]
        fused = with_residual(producer, other)
        fused.location = fuse_locations(producer, op)
        rewriter.replace(op, fused)


@dataclass
class FuseBounds(RewritePattern):
    """A relu or clip becomes the bounds of what makes its operand."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: ReluOp | ClipOp, rewriter: PatternRewriter, /) -> None:
        """Fuse if the operand comes from a convolution or matrix product."""
        producer = fusable_producer(op.x)
        if producer is None:
            return
        low, high = (0.0, None) if isinstance(op, ReluOp) else op.bounds
        fused = producer.clone()
        for name, bound in (("low", low), ("high", high)):
            if bound is not None:
                fused.properties[name] = FloatAttr(bound, f64)
        fused.location = fuse_locations(producer, op)
        rewriter.replace(op, fused)


@dataclass(frozen=True)
class FuseEpiloguePass(ModulePass):
    """Fuse residual additions and bounds into the convolution or matrix product in front of them."""

    name = "fuse-epilogue"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite until nothing fuses."""
        rewrite(op, [FuseResidual(), FuseBounds()])
