"""Applying patterns so that no operation loses the name of its ONNX node."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp, UnknownLoc
from xdsl.ir import Block, Operation, SSAValue
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
)

from pqc.dialects.location import node_name
from pqc.dialects.onnx import PointwiseOp


@dataclass
class Rewrites:
    """How many rewrites were done, of at most ``limit``, and which was the last one."""

    limit: int | None = None
    count: int = 0
    last: str = ""


_REWRITES: ContextVar[Rewrites | None] = ContextVar("pqc_rewrites", default=None)


@contextmanager
def counted_rewrites(limit: int | None = None) -> Generator[Rewrites]:
    """Count the rewrites done inside; behind ``limit`` of them no pattern matches any more.

    So the one rewrite that makes a network compute something else can be found.
    """
    counter = Rewrites(limit)
    token = _REWRITES.set(counter)
    try:
        yield counter
    finally:
        _REWRITES.reset(token)


@dataclass
class Located(RewritePattern):
    """Every operation that ``inner`` inserts without a location gets that of the operation it matched."""

    inner: RewritePattern

    def match_and_rewrite(self, op: Operation, rewriter: PatternRewriter, /) -> None:
        """Listen while ``inner`` works, if more may be done and the operation is not part of a group."""
        counter = _REWRITES.get()
        if isinstance(op.parent_op(), PointwiseOp) or (counter is not None and counter.count == counter.limit):
            # what a group holds is one table, of which no layer takes a part
            return
        name = node_name(op)
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
        if counter is not None and rewriter.has_done_action:
            counter.count += 1
            counter.last = f"{type(self.inner).__name__} at node {name!r}"


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
