"""Frames that are calibrated on: how many, and whether those a user hands over are what the network takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod

import numpy as np

from pqc.errors import ModelError
from pqc.numerics.arrays import AnyArray


def frames_with(positions: int, shapes: Iterable[Sequence[int]], least: int, most: int) -> int:
    """How many frames have this many positions: rows times columns, in the largest of a network's inputs.

    ``shapes`` are those of one frame of each input, [channels, height, width] or [features]; the count is at least
    ``least`` and at most ``most``. Positions are what fitting learns from, and what it costs time and memory by.
    """
    largest = max(prod(shape[1:]) for shape in shapes)
    return max(least, min(most, -(-positions // largest)))


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
