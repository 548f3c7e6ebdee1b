"""What of a layer's results matters to the network: where they are, and in which direction they are wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import FloatArray

Float64: TypeAlias = npt.NDArray[np.float64]

LEAST_SHARE = 0.1
"""Of the mean importance, added to that of every position and of every direction: nothing is left out."""


@dataclass(frozen=True)
class Importance:
    """How far the network's outputs move with a layer's results."""

    positions: FloatArray
    """[frames, columns], not negative: when the results at a position move."""
    directions: Float64
    """[outputs, outputs], positive semidefinite: d^T directions d when the results move by d."""

    def shares(self) -> FloatArray:
        """The importance of each position, [frames * columns], with a mean of about one."""
        return _relative(self.positions.reshape(-1), float(self.positions.mean(dtype=np.float64)))

    def metric(self) -> Float64:
        """``directions`` with a mean of about one on the diagonal."""
        outputs = len(self.directions)
        mean = float(np.trace(self.directions)) / outputs
        if mean <= 0:
            return np.eye(outputs)
        return self.directions / mean + LEAST_SHARE * np.eye(outputs)


def _relative(values: FloatArray, mean: float) -> FloatArray:
    if mean <= 0:
        return np.ones_like(values)
    return values / np.float32(mean) + np.float32(LEAST_SHARE)
