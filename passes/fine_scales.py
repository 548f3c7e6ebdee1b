"""Scales that are finer than what comes in can be brought onto: they become coarser, before anything is quantized."""

from __future__ import annotations

from collections.abc import Container
from math import prod

from xdsl.ir import Block, Operation, SSAValue

from pqc.dialects.location import node_name
from pqc.dialects.onnx import AddOp, AveragePoolOp, ClipOp, GlobalAveragePoolOp, MulOp, ReluOp, SubOp
from pqc.errors import ModelError
from pqc.numerics.fixed_point import power_of_two_at_least
from pqc.numerics.requantize import MULTIPLIER_BITS
from pqc.passes.value_ranges import Groups

ELEMENTWISE = (AddOp, AveragePoolOp, ClipOp, GlobalAveragePoolOp, MulOp, ReluOp, SubOp)
"""Operations that bring operands onto the result's grid by a multiplier."""

LARGEST_RATIO = 1 << (MULTIPLIER_BITS - 1)
"""The most that an operand's scale may be, in units of the result's."""


def raise_fine_scales(
    block: Block, groups: Groups, scales: dict[SSAValue, float], power_of_two: bool, given: Container[SSAValue] = ()
) -> None:
    """Make no result's scale finer than elementwise multipliers reach from its operands' scales.

    Raises:
        ModelError: one is finer, and its group is ``given``.
    """
    for op in block.ops:
        if not isinstance(op, ELEMENTWISE):
            continue
        root = groups.root(op.results[0])
        taken = [scales[groups.root(value)] for value in op.operands]
        least = (prod(taken) if isinstance(op, MulOp) else max(taken)) / LARGEST_RATIO
        if scales[root] < least and root in given:
            raise ModelError(
                f"node {node_name(op)!r}: the scale of its result is {scales[root]!r}, {_what_comes_in(op)} is "
                f"{least * LARGEST_RATIO!r}; it may be {LARGEST_RATIO} times as much at most"
            )
        if scales[root] < least:
            scales[root] = power_of_two_at_least(least) if power_of_two else least


def _what_comes_in(op: Operation) -> str:
    return "that of the product of its operands" if isinstance(op, MulOp) else "an operand's"
