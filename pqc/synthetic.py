"""Frames to calibrate on where the user has none: random, seeded, and of no meaning for accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from pqc.frames import frames_with
from pqc.frontend.preprocessing import Preprocessing
from pqc.numerics.arrays import FloatArray

MOST = 128
"""How many are made of small images."""

LEAST = 4
"""How many are made of the largest ones."""

POSITIONS = 4 * 224 * 224
"""Rows times columns of all of them together: more would teach nothing, because nothing about them is true."""


def synthetic_count(shapes: Iterable[Sequence[int]]) -> int:
    """How many frames are made for inputs whose frames have these ``shapes``: 128 up to 39x39 pixels, 4 of 224x224."""
    return frames_with(POSITIONS, shapes, LEAST, MOST)


def synthetic_frames(count: int, shape: Sequence[int], preprocessing: Preprocessing | None, seed: int) -> FloatArray:
    """Frames [count, *shape], float32: smooth random images through the preprocessing, else standard normal values.

    ``shape`` is one frame's. Images are smooth (a coarse random image, enlarged, and some noise), because prototypes
    of white noise would say nothing about images at all.
    """
    random = np.random.default_rng(seed)
    if len(shape) != 3 or preprocessing is None:
        return random.standard_normal((count, *shape)).astype(np.float32)
    channels, height, width = shape
    coarse = random.random((count, channels, -(-height // 4), -(-width // 4)))
    enlarged = coarse.repeat(4, axis=2).repeat(4, axis=3)[:, :, :height, :width]
    noisy = enlarged + random.normal(0, 0.05, enlarged.shape)
    return preprocessing.apply((noisy.clip(0, 1) * 255).astype(np.uint8))
