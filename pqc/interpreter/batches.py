"""Frames in groups of equal size: what one execution, or several in a row, process together."""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import AnyArray


def grouped(frames: AnyArray, size: int) -> AnyArray:
    """[n, ...] -> [ceil(n / size), size, ...]; the last group is filled up with copies of the last frame.

    There must be at least one frame.
    """
    groups = -(-len(frames) // size)
    missing = groups * size - len(frames)
    filled = np.concatenate([frames, np.repeat(frames[-1:], missing, axis=0)]) if missing else frames
    return filled.reshape(groups, size, *frames.shape[1:])
