"""Which rewrite of a pass makes the network compute something else: the pass is applied with some of them alone."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from pqc.dialects.registry import make_context
from pqc.passes.rewriting import counted_rewrites


def guilty_rewrite(applied: ModulePass, before: ModuleOp, is_right: Callable[[ModuleOp], bool]) -> str | None:
    """The first rewrite of a pass behind which ``is_right`` no longer holds; None if the pass rewrites nothing.

    It is found by halving, so that a pass of a thousand rewrites is applied ten times.
    """

    def applied_with(limit: int | None) -> tuple[ModuleOp, int, str]:
        module = before.clone()
        with counted_rewrites(limit) as rewrites:
            applied.apply(make_context(), module)
        return module, rewrites.count, rewrites.last

    _, total, _ = applied_with(None)
    if not total:
        return None
    right, wrong = 0, total
    while wrong - right > 1:
        middle = (right + wrong) // 2
        if is_right(applied_with(middle)[0]):
            right = middle
        else:
            wrong = middle
    return f"rewrite {wrong} of {total}, {applied_with(wrong)[2]}"
