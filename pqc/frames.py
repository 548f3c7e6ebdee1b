"""Frames that a user hands over: checked before anything is done with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pqc.errors import ModelError
from pqc.numerics.arrays import AnyArray


def checked_frames(given: Mapping[str, AnyArray], name: str, shape: Sequence[int]) -> AnyArray:
    """The frames of one input.

    Raises:
        ModelError: there are none, of another shape, or not finite.
    """
    if name not in given:
        raise ModelError(f"there is no array for input {name!r}, only for {', '.join(given) or 'none'}")
    array = given[name]
    if array.ndim != len(shape) + 1 or array.shape[1:] != tuple(shape) or len(array) == 0:
        raise ModelError(f"input {name!r}: an array {list(array.shape)}, allowed is [n, {', '.join(map(str, shape))}]")
    if not np.isfinite(array).all():
        raise ModelError(f"input {name!r}: an array with NaN or infinity, allowed are finite float32 numbers")
    return array
