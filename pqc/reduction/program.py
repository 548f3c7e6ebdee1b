"""A part of a program at the accelerator level: instructions are cut out, and nobody waits for them any more."""

from __future__ import annotations

from collections.abc import Collection

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue

from pqc.dialects.pqa_memory import RegionOp, RepeatOp
from pqc.dialects.pqa_unit import UnitOp
from pqc.passes.attributes import program_of


def operations(module: ModuleOp) -> list[Operation]:
    """What can be cut out: the instructions; regions go with their last use."""
    return [op for op in program_of(module).body.block.ops if isinstance(op, UnitOp)]


def with_operations(module: ModuleOp, kept: Collection[int]) -> ModuleOp:
    """A copy without the other ones of :func:`operations`, and without the regions that only these use."""
    cut = module.clone()
    block = program_of(cut).body.block
    for place, op in enumerate(operations(cut)):
        if place not in kept:
            _cut(block, op)
    for op in [op for op in block.ops if isinstance(op, RegionOp) and not tuple(op.region.uses)]:
        _erase(op)
    return cut


def _cut(block: Block, op: Operation) -> None:
    """Remove an instruction; what waits for it here or in the next execution waits no longer."""
    (token,) = op.results
    end = block.last_op
    if isinstance(end, RepeatOp) and token in end.tokens:
        place = list(end.tokens).index(token)
        end.operands = [other for other in end.tokens if other is not token]
        _let_go(block.args[place])
        block.erase_arg(block.args[place])
        if not end.tokens:
            _erase(end)
    _let_go(token)
    _erase(op)


def _let_go(token: SSAValue) -> None:
    """Nobody waits for this token."""
    for use in tuple(token.uses):
        if isinstance(use.operation, UnitOp):
            use.operation.wait_for([other for other in use.operation.after if other is not token])


def _erase(op: Operation) -> None:
    op.detach()
    op.erase()
