"""How far a layer's results are from what they should be."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.numerics.element import dequantize
from pqc.workers import in_parallel

ELEMENTS_AT_ONCE = 1 << 20
"""Elements that each thread compares at a time, which bounds the memory: 8 MiB of differences."""

ROUNDING = 1e-12
"""Of the squares of the mean: less than that is what float32 rounds, squared."""


def rows(x: AnyArray) -> AnyArray:
    """[frames, features, columns] as [frames * columns, features], a position in each row."""
    frames, features, columns = x.shape
    return np.ascontiguousarray(x.transpose(0, 2, 1)).reshape(frames * columns, features)


def normalized_error(actual: FloatArray, target: FloatArray) -> float:
    """``|actual - target|^2 / |target - mean|^2``, the mean taken per channel; both [positions, channels].

    0 is exact, 1 as bad as giving every channel's mean. Of a target that does not vary beyond the rounding of float32
    it is ``|actual - target|^2 / |target|^2``, and of zeros 0 where they are met, else 1: it is always finite.
    """
    mean: npt.NDArray[np.float64] = target.mean(axis=0, dtype=np.float64)
    return _ratio(_squares(actual, target), _squares(target, mean), len(target) * float(mean @ mean))


def normalized_map_error(actual: IntArray, scale: float, target: FloatArray) -> float:
    """The normalized error of ``actual * scale``, a few frames at a time; both [frames, channels, columns]."""
    frames, columns = len(target), target.shape[2]
    step = max(1, ELEMENTS_AT_ONCE // target[0].size)
    parts = [slice(first, first + step) for first in range(0, frames, step)]
    totals = in_parallel(lambda part: rows(target[part]).sum(axis=0, dtype=np.float64), parts)
    mean: npt.NDArray[np.float64] = np.sum(totals, axis=0) / (frames * columns)

    def squares(part: slice) -> tuple[float, float]:
        wanted = rows(target[part])
        return _squares(rows(dequantize(actual[part], scale)), wanted), _squares(wanted, mean)

    errors, spreads = zip(*in_parallel(squares, parts), strict=True)
    return _ratio(sum(errors), sum(spreads), frames * columns * float(mean @ mean))


def _squares(left: FloatArray, right: FloatArray) -> float:
    """The sum of squared differences, taken in float64."""
    difference = left.astype(np.float64)
    difference -= right
    return float(np.square(difference, out=difference).sum())


def _ratio(error: float, spread: float, level: float) -> float:
    """``error`` by ``spread``, or where that is nothing but rounding by ``level``, the squares of the mean."""
    whole = spread if spread > ROUNDING * level else level
    if whole == 0:
        return 0.0 if error == 0 else 1.0
    return error / whole
