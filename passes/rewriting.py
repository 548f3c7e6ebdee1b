"""Applying patterns so that no operation loses the name of its ONNX node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.ir import Block, Operation, SSAValue
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
)


@dataclass
class Located(RewritePattern):
    """Every operation that ``inner`` inserts without a location gets that of the operation it matched."""

    inner: RewritePattern

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        """Listen while ``inner`` works."""
        inserted: list[Operation] = []
        rewriter.operation_insertion_handler.append(inserted.append)
        location = op.location
        try:
            self.inner.match_and_rewrite(op, rewriter)
        finally:
            rewriter.operation_insertion_handler.pop()
        for new in inserted:
            for nested in new.walk():
                if isinstance(nested.location, UnknownLoc):
                    nested.location = location


def rewrite(module: ModuleOp, patterns: Sequence[RewritePattern]) -> bool:
    """Apply ``patterns`` until none matches; whether anything changed. Unused pure operations are erased."""
    located: list[RewritePattern] = [Located(pattern) for pattern in patterns]
    return PatternRewriteWalker(GreedyRewritePatternApplier(located)).rewrite_module(module)


def reorder(block: Block, order: Sequence[Operation]) -> None:
    """Put all operations of a block in another order."""
    for op in order:
        op.detach()
    block.add_ops(order)


def is_used_once(value: SSAValue) -> bool:
    """Whether exactly one operand reads ``value``."""
    return value.uses.get_length() == 1
