"""Which frames a step sees, and how they are changed.

Both follow from the seed and the step alone, so that a run that was interrupted goes on as if it had not been.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pqc.numerics.arrays import AnyArray, IntArray

LARGEST_VALIDATION = 1024
"""Frames that are kept apart to watch the training, at most."""

VALIDATION_SHARE = 0.05
"""Their share of all frames."""

SHIFT_SHARE = 8
"""Images are shifted by up to one of so many parts of their size."""


@dataclass(frozen=True)
class Batches:
    """The training frames in a new order for every epoch; the last frames of the data are kept apart.

    ``arrays`` has by input name [frames, *shape], as in the file; ``labels`` is [frames] or None, and only says how
    good a network is.
    """

    arrays: Mapping[str, AnyArray]
    labels: IntArray | None
    size: int
    seed: int
    augment: Sequence[str] = ()

    @property
    def frames(self) -> int:
        """All frames."""
        return len(next(iter(self.arrays.values())))

    @property
    def validation(self) -> slice:
        """The frames that are kept apart: none where there are too few to tell anything."""
        return slice(self.frames - min(LARGEST_VALIDATION, int(self.frames * VALIDATION_SHARE)), self.frames)

    @cached_property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; what is left at its end, less than a batch, is left out of it."""
        return max(1, self.validation.start // self.size)

    def at(self, step: int) -> dict[str, AnyArray]:
        """The inputs of a step, counted from 0 over all epochs."""
        epoch, index = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng((self.seed, epoch)).permutation(self.validation.start)
        chosen = order[index * self.size : (index + 1) * self.size]
        random = np.random.default_rng((self.seed, epoch, index))
        return {name: self._changed(array[chosen], random) for name, array in self.arrays.items()}

    def _changed(self, images: AnyArray, random: np.random.Generator) -> AnyArray:
        if images.ndim != 4 or not self.augment:
            return images
        if "crop" in self.augment:
            images = shifted(images, random)
        if "flip" in self.augment:
            turned = random.random(len(images)) < 0.5
            images = np.where(turned[:, None, None, None], images[:, :, :, ::-1], images)
        return images


def shifted(images: AnyArray, random: np.random.Generator) -> AnyArray:
    """Each image moved by a random number of rows and columns; what comes in from outside is zero."""
    frames, _, height, width = images.shape
    most = (height // SHIFT_SHARE, width // SHIFT_SHARE)
    around = np.pad(images, ((0, 0), (0, 0), (most[0],) * 2, (most[1],) * 2))
    windows = np.lib.stride_tricks.sliding_window_view(around, (height, width), axis=(2, 3))
    places = random.integers(0, 2 * np.array(most) + 1, (frames, 2))
    return windows[np.arange(frames), :, places[:, 0], places[:, 1]]
