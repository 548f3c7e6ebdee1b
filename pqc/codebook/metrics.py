"""How far a layer's results are from what they should be."""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import FloatArray


def normalized_error(actual: FloatArray, target: FloatArray) -> float:
    """``|actual - target|^2 / |target - mean|^2``, the mean taken per channel; both [positions, channels].

    0 is exact, 1 as bad as giving every channel's mean. A constant target gives 0 where it is met, else infinity.
    """
    error = float(np.square(actual.astype(np.float64) - target).sum())
    spread = float(np.square(target - target.mean(axis=0, dtype=np.float64)).sum())
    if spread == 0:
        return 0.0 if error == 0 else float("inf")
    return error / spread
