"""Frames to calibrate on where the user has none: random, seeded, and of no meaning for accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pqc.frontend.preprocessing import Preprocessing
from pqc.numerics.arrays import FloatArray

FRAMES = 128
"""How many are made."""


def synthetic_frames(shape: Sequence[int], preprocessing: Preprocessing | None, seed: int) -> FloatArray:
    """Frames [FRAMES, *shape], float32: smooth random images through the preprocessing, else standard normal values.

    ``shape`` is one frame's. Images are smooth (a coarse random image, enlarged, and some noise), because prototypes
    of white noise would say nothing about images at all.
    """
    random = np.random.default_rng(seed)
    if len(shape) != 3 or preprocessing is None:
        return random.standard_normal((FRAMES, *shape)).astype(np.float32)
    channels, height, width = shape
    coarse = random.random((FRAMES, channels, -(-height // 4), -(-width // 4)))
    enlarged = coarse.repeat(4, axis=2).repeat(4, axis=3)[:, :, :height, :width]
    noisy = enlarged + random.normal(0, 0.05, enlarged.shape)
    return preprocessing.apply((noisy.clip(0, 1) * 255).astype(np.uint8))
