"""What must hold between passes: every operation's own rules, and definitions in front of their uses."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import IsolatedFromAbove
from xdsl.utils.exceptions import VerifyException


def verify_dominance(root: Operation) -> None:
    """Check that every operand is defined before it is used; xDSL's own verification does not.

    Raises:
        VerifyException: naming the operation.
    """
    for region in root.regions:
        for block in region.blocks:
            _verify_block(block, set())


def _verify_block(block: Block, visible: set[SSAValue]) -> None:
    added: list[SSAValue] = list(block.args)
    visible.update(added)
    for op in block.ops:
        for index, value in enumerate(op.operands):
            if value not in visible:
                raise VerifyException(f"{op.name}: operand {index} is used before it is defined")
        inner: set[SSAValue] = set() if op.has_trait(IsolatedFromAbove) else visible
        for region in op.regions:
            for nested in region.blocks:
                _verify_block(nested, inner)
        visible.update(op.results)
        added.extend(op.results)
    visible.difference_update(added)


def verify_module(module: ModuleOp) -> None:
    """Check everything.

    Raises:
        VerifyException: naming the rule that is broken.
    """
    module.verify()
    verify_dominance(module)
