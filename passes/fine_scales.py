"""Scales that are finer than what comes in can be brought onto: they become coarser, before anything is quantized."""

from __future__ import annotations

from collections.abc import Container, Sequence
from math import prod
from typing import TypeAlias

from xdsl.ir import Block, Operation, SSAValue

from pqc.codebook.table import largest_step
from pqc.dialects.location import node_name
from pqc.dialects.onnx import AddOp, AveragePoolOp, ClipOp, ConvOp, GlobalAveragePoolOp, MulOp, ReluOp, SubOp
from pqc.errors import ModelError
from pqc.numerics.element import Element
from pqc.numerics.fixed_point import power_of_two_at_least
from pqc.numerics.requantize import MULTIPLIER_BITS
from pqc.passes.attributes import config_of
from pqc.passes.constants import constant_array
from pqc.passes.value_ranges import Groups
from pqc.planning.target import Target

ELEMENTWISE = (AddOp, AveragePoolOp, ClipOp, GlobalAveragePoolOp, MulOp, ReluOp, SubOp)
"""Operations that bring operands onto the result's grid by a multiplier."""

LARGEST_RATIO = 1 << (MULTIPLIER_BITS - 1)
"""The most that an operand's scale may be, in units of the result's."""


Grid: TypeAlias = tuple[Element, float]
"""A grid's element type and scale."""


def raise_fine_scales(
    block: Block, groups: Groups, grids: dict[SSAValue, Grid], target: Target, given: Container[SSAValue] = ()
) -> None:
    """Make no result's scale in ``grids``, which are by group, finer than multipliers reach from what comes in.

    Elementwise operations bring their operands onto it, product-quantized layers the sums of their table's entries,
    which are coarse where entries have few bits. Those are not known yet, so a bound of them counts; it says nothing
    against a scale that is ``given``.

    Raises:
        ModelError: one of an elementwise operation is finer, and its group is ``given``.
    """
    for op in block.ops:
        if not isinstance(op, (*ELEMENTWISE, ConvOp)):
            continue
        root = groups.root(op.results[0])
        element, scale = grids[root]
        if isinstance(op, ConvOp):
            least = _coarsest_sums(op, grids[groups.root(op.x)], target) / LARGEST_RATIO
        else:
            least = _coarsest_operand(op, [grids[groups.root(value)][1] for value in op.operands]) / LARGEST_RATIO
        if scale >= least or (root in given and isinstance(op, ConvOp)):
            continue
        if root in given:
            raise ModelError(
                f"node {node_name(op)!r}: the scale of its result is {scale!r}, {_what_comes_in(op)} is "
                f"{least * LARGEST_RATIO!r}; it may be {LARGEST_RATIO} times as much at most"
            )
        grids[root] = element, power_of_two_at_least(least) if target.requantize == "shift" else least


def _coarsest_operand(op: Operation, scales: Sequence[float]) -> float:
    return prod(scales) if isinstance(op, MulOp) else max(scales)


def _coarsest_sums(op: ConvOp, source: Grid, target: Target) -> float:
    """What one step of a product-quantized layer's sums may stand for; 0 for a layer that is not."""
    config = config_of(op)
    if config is None:
        return 0.0
    element, scale = source
    reach = max(element.maximum, -element.minimum) * scale
    length, bits = config.length.data, config.table_bits.data
    return largest_step(
        constant_array(op.weight), constant_array(op.bias), reach, length, bits, target.accumulator_bits
    )


def _what_comes_in(op: Operation) -> str:
    return "that of the product of its operands" if isinstance(op, MulOp) else "an operand's"
