"""Frames to calibrate on where there are none."""

from __future__ import annotations

import numpy as np

from pqc.frontend.preprocessing import Preprocessing
from pqc.synthetic import synthetic_count, synthetic_frames

PREPROCESSING = Preprocessing((0.5, 0.4, 0.3), (0.25, 0.25, 0.25))


def test_images_go_through_the_preprocessing() -> None:
    frames = synthetic_frames(32, (3, 6, 9), PREPROCESSING, 0)
    assert (frames.shape, frames.dtype) == ((32, 3, 6, 9), np.float32)
    for channel, mean in enumerate(PREPROCESSING.mean):
        assert frames[:, channel].min() >= (0 - mean) / 0.25 - 1e-6
        assert frames[:, channel].max() <= (1 - mean) / 0.25 + 1e-6


def test_images_are_smooth() -> None:
    frames = synthetic_frames(32, (3, 8, 8), PREPROCESSING, 0)
    step = np.abs(np.diff(frames[:, :, :4, :4], axis=2)).mean()
    assert step < 0.5 * np.abs(frames[:, :, 0] - frames[:, :, 4]).mean()


def test_anything_else_is_standard_normal() -> None:
    for shape in ((3, 6, 9), (100,)):
        frames = synthetic_frames(32, shape, None, 0)
        assert (frames.shape, frames.dtype) == ((32, *shape), np.float32)
        assert abs(frames.mean()) < 0.05
        assert abs(frames.std() - 1) < 0.05
    assert np.array_equal(synthetic_frames(32, (100,), PREPROCESSING, 0), synthetic_frames(32, (100,), None, 0))


def test_seeds_decide() -> None:
    assert np.array_equal(
        synthetic_frames(32, (3, 4, 4), PREPROCESSING, 1), synthetic_frames(32, (3, 4, 4), PREPROCESSING, 1)
    )
    assert not np.array_equal(
        synthetic_frames(32, (3, 4, 4), PREPROCESSING, 1), synthetic_frames(32, (3, 4, 4), PREPROCESSING, 2)
    )


def test_large_images_are_few_and_small_ones_many() -> None:
    counts = [synthetic_count([(3, side, side)]) for side in (8, 39, 40, 96, 224, 4096)]
    assert counts == [128, 128, 126, 22, 4, 4]
    assert synthetic_count([(100,)]) == 128
    assert synthetic_count([(100,), (3, 224, 224)]) == 4, "the largest input decides, all have as many frames"
