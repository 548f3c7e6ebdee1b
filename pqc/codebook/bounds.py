"""Bounds behind a layer, such as those of a ReLU: what lies beyond them nobody sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import FloatArray, IntArray

Float32: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Bounds:
    """What results [positions, outputs] are cut off at, each a number for all or an array that broadcasts to them."""

    floor: FloatArray | float = -np.inf
    """From below: for a ReLU 0, less the shortcut where one is added to the result."""
    ceiling: FloatArray | float = np.inf
    """From above."""

    def part(self, positions: slice | IntArray) -> Bounds:
        """The bounds of some of the positions."""
        return Bounds(_part(self.floor, positions), _part(self.ceiling, positions))

    def visible(self, target: FloatArray, prediction: FloatArray) -> Float32:
        """The target nearest to ``prediction`` that looks like ``target`` once both are cut off."""
        above = np.where(target >= self.ceiling, np.maximum(prediction, self.ceiling), target)
        return np.where(target <= self.floor, np.minimum(prediction, self.floor), above).astype(np.float32, copy=False)


def _part(bound: FloatArray | float, positions: slice | IntArray) -> FloatArray | float:
    """A bound that is the same at all positions stays as it is."""
    return bound if isinstance(bound, int | float) or len(bound) == 1 else bound[positions]
