"""Ratios of scales as a multiplier and a right shift."""

from __future__ import annotations

import math

from pqc.numerics.requantize import MAXIMUM_SHIFT, MULTIPLIER_BITS


def fixed_point(ratio: float) -> tuple[int, int]:
    """(multiplier, shift) with ``multiplier / 2**shift`` next to ``ratio`` and the multiplier as long as it may be.

    Raises:
        ValueError: the ratio is not positive, or too large to be held with a shift of at least 0.
    """
    if not (ratio > 0 and math.isfinite(ratio)):
        raise ValueError(f"ratio of scales = {ratio}, it must be positive and finite")
    shift = min(MAXIMUM_SHIFT, MULTIPLIER_BITS - (math.frexp(ratio)[1]))
    multiplier = math.floor(math.ldexp(ratio, shift) + 0.5)
    if multiplier == 1 << MULTIPLIER_BITS:
        multiplier, shift = multiplier >> 1, shift - 1
    if shift < 0:
        raise ValueError(f"ratio of scales = {ratio}, allowed is less than {1 << MULTIPLIER_BITS}")
    return multiplier, shift


def is_power_of_two(scale: float) -> bool:
    """Whether ``scale`` is a power of two, so that it costs a shift and no multiplier."""
    return scale > 0 and math.frexp(scale)[0] == 0.5


def is_shift(multiplier: int) -> bool:
    """Whether to multiply by ``multiplier`` is to shift, to negate or to give zero, which takes no multiplier."""
    return abs(multiplier) & (abs(multiplier) - 1) == 0


def power_of_two_at_least(scale: float) -> float:
    """The smallest power of two that is not below ``scale``."""
    mantissa, exponent = math.frexp(scale)
    return math.ldexp(1.0, exponent - 1 if mantissa == 0.5 else exponent)
