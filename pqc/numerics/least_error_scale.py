"""Scales that cut off a few large values so that all others are rounded more finely."""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import FloatArray
from pqc.numerics.element import Element

FINER = 0.95
"""How much finer each scale that is tried is than the one before."""

FINEST = 0.1
"""The finest scale that is tried, relative to the one that just holds all values."""


def least_error_scale(
    values: FloatArray, weights: FloatArray, element: Element, reach: float, power_of_two: bool
) -> float:
    """The scale on which rounding and cutting off ``values`` costs least, ``weights`` times the error squared.

    Both are [n]; ``reach`` is the scale that just holds everything, and what is returned where nothing is better. With
    ``power_of_two`` it is such a power, and halved from trial to trial.
    """
    step = 0.5 if power_of_two else FINER
    tried = [reach]
    while tried[-1] * step >= reach * FINEST:
        tried.append(tried[-1] * step)

    def cost(scale: float) -> float:
        integers = np.clip(np.floor(values / np.float32(scale) + np.float32(0.5)), element.minimum, element.maximum)
        errors = np.square(values - integers * np.float32(scale)) * weights
        return float(errors.sum(dtype=np.float64))

    return min(tried, key=cost)
