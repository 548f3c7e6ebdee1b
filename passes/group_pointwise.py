"""Make one operation of all that together is a function of one element, so that in integers it is one table.

    %s = onnx.function %x "sigmoid" []   ->  %m = onnx.pointwise %x {
    %m = onnx.mul %x, %s                     ^bb0(%a):
                                               %s = onnx.function %a "sigmoid" []
                                               %m = onnx.mul %a, %s
                                               onnx.yield %m
                                             }

Swish and Gelu need no patterns of their own, in whatever form an exporter writes them. What is computed stays the same,
bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import fused_location
from pqc.dialects.onnx import PointwiseOp, YieldOp
from pqc.passes.attributes import main_of
from pqc.passes.pointwise_groups import Group, pointwise_groups


def _copied(op: Operation, values: dict[SSAValue, SSAValue], block: Block) -> None:
    """Append a copy of ``op`` to ``block``, and of the constants that it reads."""
    for value in op.operands:
        if isinstance(value.owner, ConstantOp) and value not in values:
            _copied(value.owner, values, block)
    new = op.clone(value_mapper=values)
    new.location = op.location
    block.add_op(new)


def grouped(group: Group) -> PointwiseOp:
    """The operation that holds copies of all that ``group`` does."""
    last = group.operations[-1]
    block = Block(arg_types=[group.root.type])
    values: dict[SSAValue, SSAValue] = {group.root: block.args[0]}
    for op in group.operations:
        _copied(op, values, block)
    block.add_op(YieldOp(values[last.results[0]]))
    whole = PointwiseOp(group.root, Region(block))
    whole.location = fused_location(group.operations)
    whole.result.name_hint = last.results[0].name_hint
    return whole


@dataclass(frozen=True)
class GroupPointwisePass(ModulePass):
    """Make one operation of all that together is a function of one element."""

    name = "group-pointwise"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Replace each group that there is."""
        block = main_of(op).body.block
        for group in pointwise_groups(block):
            last, whole = group.operations[-1], grouped(group)
            Rewriter.insert_op(whole, InsertPoint.before(last))
            last.results[0].replace_all_uses_with(whole.result)
            for old in reversed(group.operations):
                old.detach()
                old.erase()
        for constant in [one for one in block.ops if isinstance(one, ConstantOp)]:
            if not constant.result.uses.get_length():
                constant.detach()
                constant.erase()
