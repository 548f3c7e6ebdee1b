"""Scales of narrow activations: what rounding and cutting off changes in the network's outputs, the least of it.

A value that is wrong by d moves a random sum of the outputs by its gradient g times d, so that errors of different
values, which are nearly independent, cost the sum of (g d)^2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import TypeAlias

import numpy as np
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, Operation, SSAValue

from pqc.dialects.onnx import ConcatOp, shape_of
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.numerics.element import Element
from pqc.numerics.least_error_scale import least_error_scale
from pqc.passes.backpropagation import RANDOM_SUMS, backward, differentiable, forward, reached_from
from pqc.passes.given_grids import gridded_values
from pqc.passes.value_ranges import PASSING_ON, Groups

WIDE = 8
"""Bits from which on the scale that just holds all values is kept: there is next to nothing to win."""

FRAMES = 32
"""Frames that are looked at, at most."""

ELEMENTS = 1 << 25
"""Elements of all results of these frames together, at most, unless one frame has more: 128 MiB."""

SAMPLES = 1 << 16
"""Values of each tensor that are looked at, at most."""

Seen: TypeAlias = dict[SSAValue, FloatArray]


class ActivationScales:
    """Values of a float network and what an error in each costs, for any number of widths to be tried."""

    def __init__(self, block: Block, groups: Groups, frames: Sequence[AnyArray], power_of_two: bool) -> None:
        """Execute the network on a few of ``frames``, forwards, and backwards where it has gradients."""
        self._power_of_two = power_of_two
        made = [value for value in gridded_values(block) if not is_passed_on(value)]
        few = [array[: _frames(block)] for array in frames]
        values = forward(block, few)
        squares = _squared_gradients(block, values)
        self._values: dict[SSAValue, list[FloatArray]] = {}
        self._weights: dict[SSAValue, list[FloatArray]] = {}
        for value in made:
            root = groups.root(value)
            self._values.setdefault(root, []).append(_sampled(values[value]))
            self._weights.setdefault(root, []).append(_sampled(squares.get(value, np.zeros_like(values[value]))))

    def scale(self, root: SSAValue, element: Element, reach: float) -> float:
        """The scale of a group of values that costs least; ``reach`` just holds all that occurs.

        Where nothing in the group has a say in the outputs, all values count alike.
        """
        values, weights = np.concatenate(self._values[root]), np.concatenate(self._weights[root])
        if not weights.any():
            weights = np.ones_like(values)
        return least_error_scale(values, weights, element, reach, self._power_of_two)


def least_error_grids(
    scales: ActivationScales, grids: Mapping[SSAValue, tuple[Element, float]]
) -> dict[SSAValue, tuple[Element, float]]:
    """``grids`` that just hold what occurs, by group, and those of few bits with the scale that costs least."""
    return {
        root: (element, scales.scale(root, element, reach) if element.bits < WIDE else reach)
        for root, (element, reach) in grids.items()
    }


def is_passed_on(value: SSAValue) -> bool:
    """Whether a value holds nothing but what other values of its group hold."""
    return isinstance(value.owner, Operation) and isinstance(value.owner, (ConcatOp, *PASSING_ON))


def _frames(block: Block) -> int:
    made = [op.results[0] for op in block.ops if op.operands and not isinstance(op, ReturnOp)]
    return max(1, min(FRAMES, ELEMENTS // max(1, sum(prod(shape_of(value)[1:]) for value in made))))


def _squared_gradients(block: Block, values: Mapping[SSAValue, AnyArray]) -> Seen:
    """The square of the gradient by each value, added up over random sums; nothing where there are no gradients."""
    ops = differentiable(block)
    if not ops:
        return {}
    reached = reached_from(ops, block.args)
    random, squares = np.random.default_rng(0), Seen()
    for _ in range(RANDOM_SUMS):
        for value, gradient in backward(ops, values, reached, random):
            squares[value] = squares.get(value, np.float32(0)) + np.square(gradient)
    return squares


def _sampled(array: AnyArray) -> FloatArray:
    """Some values at equal distances."""
    flat = array.reshape(-1)
    return flat[:: -(-flat.size // SAMPLES)]
