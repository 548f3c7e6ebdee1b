"""Rounding and wrapping of integers."""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import IntArray


def shift_right_round_half_up(values: IntArray, shift: int | IntArray) -> IntArray:
    """``floor(values / 2**shift + 1/2)`` in int64; ``shift`` is at least 0 and may be an array."""
    by = np.asarray(shift, np.int64)
    wide = values + ((np.int64(1) << by) >> 1)
    return np.right_shift(wide, by, out=wide)


def wrap(values: IntArray, bits: int) -> IntArray:
    """Two's complement of ``values`` in ``bits`` bits, in int64."""
    span, half = np.int64(1) << np.int64(bits), np.int64(1) << np.int64(bits - 1)
    return ((values.astype(np.int64) + half) & (span - 1)) - half
