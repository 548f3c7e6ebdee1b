"""Which frames a step sees, and how they are changed.

Both follow from the seed and the step alone, so that a run that was interrupted goes on as if it had not been.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pqc.frames import frames_with
from pqc.numerics.arrays import AnyArray, IntArray

LARGEST_VALIDATION = 1024
"""Frames that are kept apart to watch the training, at most."""

VALIDATION_SHARE = 0.05
"""Their share of all frames."""

FITTING_POSITIONS = 32_768 * 32 * 32
"""Rows times columns of all frames that layers are fitted on, unless it is said how many: what fits into 12 GB where
there are 16 channels of them."""

SHIFT_SHARE = 8
"""Images are shifted by up to one of so many parts of their size."""


def training_frames(frames: int) -> int:
    """How many of so many frames, the first ones, may be learned from; the others are kept apart."""
    return frames - min(LARGEST_VALIDATION, int(frames * VALIDATION_SHARE))


def fitting_frames(wanted: int | None, frames: int, shapes: Iterable[Sequence[int]]) -> int:
    """On how many of so many frames layers are fitted before training.

    ``wanted`` says how many at most; None stands for :data:`FITTING_POSITIONS`, in the largest of the inputs with these
    ``shapes``. None is kept apart.
    """
    most = frames_with(FITTING_POSITIONS, shapes, 1, frames) if wanted is None else wanted
    return min(most, training_frames(frames))


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
        return slice(training_frames(self.frames), self.frames)

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
