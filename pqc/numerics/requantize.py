"""From accumulators, or from activations on another grid, to activations: multiply, shift, round half up, saturate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pqc.numerics.arrays import IntArray
from pqc.numerics.element import Element
from pqc.numerics.rounding import shift_right_round_half_up

MULTIPLIER_BITS = 15
"""Multipliers hold this many bits: two 16-bit signed operands a product."""

MAXIMUM_SHIFT = 40
"""The longest right shift of the vector unit."""


@dataclass(frozen=True)
class Clip:
    """Bounds a result is saturated to, inside the element type it is stored in."""

    element: Element
    low: int
    high: int

    def __post_init__(self) -> None:
        if not self.element.minimum <= self.low <= self.high <= self.element.maximum:
            raise ValueError(f"clip [{self.low}, {self.high}] is not inside {self.element}")

    @classmethod
    def full(cls, element: Element) -> Clip:
        """The whole range of ``element``."""
        return cls(element, element.minimum, element.maximum)

    def apply(self, values: IntArray) -> IntArray:
        """Saturate and store."""
        return values.astype(np.int64, copy=False).clip(self.low, self.high).astype(self.element.storage)


def requantize(
    accumulator: IntArray,
    multiplier: IntArray,
    shift: IntArray,
    clip: Clip,
    residual: IntArray | None = None,
    residual_multiplier: IntArray | None = None,
) -> IntArray:
    """``clip(round_half_up((accumulator * multiplier + residual * residual_multiplier) / 2**shift))``.

    ``accumulator`` and ``residual`` [frames, outputs, columns]; the parameters [outputs], one for each channel.
    """
    wide = np.multiply(accumulator, multiplier.astype(np.int64)[:, None], dtype=np.int64)
    if residual is not None and residual_multiplier is not None:
        wide += residual.astype(np.int64) * residual_multiplier.astype(np.int64)[:, None]
    return clip.apply(shift_right_round_half_up(wide, shift.astype(np.int64)[:, None]))


def rescale(x: IntArray, multiplier: int, shift: int, clip: Clip) -> IntArray:
    """``clip(round_half_up(x * multiplier / 2**shift))``, for a change of scale or bounds without an accumulator."""
    return clip.apply(shift_right_round_half_up(x.astype(np.int64) * multiplier, shift))


def add(left: IntArray, right: IntArray, multipliers: tuple[int, int], shift: int, clip: Clip) -> IntArray:
    """``clip(round_half_up((left * multipliers[0] + right * multipliers[1]) / 2**shift))``, elementwise."""
    wide = left.astype(np.int64) * multipliers[0] + right.astype(np.int64) * multipliers[1]
    return clip.apply(shift_right_round_half_up(wide, shift))


def multiply(left: IntArray, right: IntArray, multiplier: int, shift: int, clip: Clip) -> IntArray:
    """``clip(round_half_up(left * right * multiplier / 2**shift))``, elementwise; one operand may be broadcast.

    No product leaves 64 bits: elements are below 2^16, the multiplier is 2^31 at most, and what rounding adds, 2^39 at
    most, is less than what (2^16 - 1)^2 * 2^31 leaves of 2^63.
    """
    product = left.astype(np.int64) * right.astype(np.int64)
    return clip.apply(shift_right_round_half_up(product * multiplier, shift))
