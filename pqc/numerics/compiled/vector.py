"""The vector unit's elementwise operations."""

from __future__ import annotations

from typing import NamedTuple

from pqc.numerics.arrays import IntArray
from pqc.numerics.compiled.jit import inner
from pqc.numerics.compiled.rows import row


class Rounding(NamedTuple):
    """A right shift that rounds half up, then bounds."""

    shift: int
    low: int
    high: int


@inner
def rounded(value: int, rounding: Rounding) -> int:
    """``value`` shifted right and saturated."""
    shifted = (value + ((1 << rounding.shift) >> 1)) >> rounding.shift
    return min(max(shifted, rounding.low), rounding.high)


@inner
def scale_row(target: IntArray, source: IntArray, multiplier: int, rounding: Rounding) -> None:
    """``target`` = rounded ``source`` * multiplier."""
    for v in range(target.size):
        target[v] = rounded(int(source[v]) * multiplier, rounding)


@inner
def scale_two_rows(
    target: IntArray, left: IntArray, right: IntArray, multipliers: tuple[int, int], rounding: Rounding
) -> None:
    """``target`` = rounded sum of both products."""
    by_left, by_right = multipliers
    for v in range(target.size):
        target[v] = rounded(int(left[v]) * by_left + int(right[v]) * by_right, rounding)


def requantize(
    result: IntArray, accumulators: IntArray, parameters: IntArray, residual: IntArray, low: int, high: int
) -> None:
    """Requantize ``accumulators`` [frames, 1, outputs, rows * columns] to ``result`` [frames, outputs, rows, columns].

    ``parameters`` [outputs, 3]: multiplier, shift, multiplier of the residual; ``residual`` is like the result, or has
    no frames.
    """
    frames, outputs, rows, columns = result.shape
    for f in range(frames):
        for o in range(outputs):
            sums = row(accumulators, f, 0, o)
            multiplier, by_residual = int(parameters[o, 0]), int(parameters[o, 2])
            rounding = Rounding(int(parameters[o, 1]), low, high)
            for y in range(rows):
                source, target = sums[y * columns : (y + 1) * columns], row(result, f, o, y)
                if residual.shape[0]:
                    added = row(residual, f, o, y)
                    scale_two_rows(target, source, added, (multiplier, by_residual), rounding)
                else:
                    scale_row(target, source, multiplier, rounding)


def rescale(result: IntArray, x: IntArray, multiplier: int, rounding: Rounding) -> None:
    """Rescale ``x`` [frames, planes, rows, columns], of any strides, to ``result``."""
    frames, planes, rows, columns = result.shape
    for f in range(frames):
        for p in range(planes):
            for y in range(rows):
                target, source = row(result, f, p, y), x[f, p, y]
                for v in range(columns):
                    target[v] = rounded(int(source[v]) * multiplier, rounding)


def add(result: IntArray, left: IntArray, right: IntArray, multipliers: tuple[int, int], rounding: Rounding) -> None:
    """Add ``left`` and ``right`` [frames, planes, rows, columns] on the grid of ``result``."""
    frames, planes, rows, _ = result.shape
    for f in range(frames):
        for p in range(planes):
            for y in range(rows):
                scale_two_rows(row(result, f, p, y), row(left, f, p, y), row(right, f, p, y), multipliers, rounding)
