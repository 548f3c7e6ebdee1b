"""Inputs of the networks of docs/networks.md: what they are calibrated on, what they are tested on, and the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from photographs import photograph_pieces

from pqc.data import read_arrays
from pqc.numerics.arrays import AnyArray, IntArray

CALIBRATION_IMAGES = 512
TEST_IMAGES = 2000

MOST_MOVED = 3
"""Of the 49 times of a spoken word."""

LARGE = 128
"""Of images with a side beyond that a handful has to do."""


@dataclass(frozen=True)
class Samples:
    """Frames as a data set has them; labels are [frames] and those of both, or of neither."""

    said: str
    calibration: AnyArray
    tested: AnyArray
    calibration_labels: IntArray | None = None
    tested_labels: IntArray | None = None
    training: AnyArray | None = None
    """What `pqc train` sees, where that is more than what is calibrated on."""

    def write(self, folder: Path) -> tuple[Path, Path]:
        """The files for --calibrate and --input."""
        folder.mkdir(parents=True, exist_ok=True)
        files = folder / "calibration.npz", folder / "tested.npz"
        if self.calibration_labels is None or self.tested_labels is None:
            np.savez(files[0], images=self.calibration)
            np.savez(files[1], images=self.tested)
        else:
            np.savez(files[0], images=self.calibration, labels=self.calibration_labels)
            np.savez(files[1], images=self.tested, labels=self.tested_labels)
        return files

    def write_training(self, folder: Path) -> Path:
        """The file for --data."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "training.npz"
        np.savez(path, images=self.calibration if self.training is None else self.training)
        return path


def cifar10(data: Path) -> Samples:
    """Images of CIFAR-10."""
    seen, new = read_arrays(data / "cifar10_calibration.npz"), read_arrays(data / "cifar10_test.npz")
    calibration, tested = slice(CALIBRATION_IMAGES), slice(TEST_IMAGES)
    return Samples(
        f"CIFAR-10, {TEST_IMAGES:,} test images",
        seen["images"][calibration],
        new["images"][tested],
        seen["labels"][calibration],
        new["labels"][tested],
        seen["images"],
    )


def keywords(data: Path) -> Samples:
    """Coefficients of Speech Commands: the first half is calibrated on, the other is tested."""
    arrays = read_arrays(data / "kws_mfcc.npz")
    first, second = np.split(arrays["images"], 2)
    labels = np.split(arrays["labels"], 2)
    said = f"Speech Commands, {len(second)} samples"
    return Samples(said, first, second, labels[0], labels[1], moved_in_time(first))


def moved_in_time(coefficients: AnyArray) -> AnyArray:
    """Words [words, 1, times, coefficients] a little earlier, as they are and later; what is missing is repeated.

    What a network is to give for a word that is moved, the float network says.
    """
    count = int(coefficients.shape[2])
    moves = [np.clip(np.arange(count) + by, 0, count - 1) for by in range(-MOST_MOVED, MOST_MOVED + 1)]
    return np.concatenate([coefficients[:, :, times] for times in moves])


def letters(data: Path) -> Samples:
    """Letters of EMNIST; all that are not tested may be trained on."""
    arrays = read_arrays(data / "emnist_letters.npz")
    order = np.random.default_rng(0).permutation(len(arrays["labels"]))
    seen, new = order[:-TEST_IMAGES], order[-TEST_IMAGES:]
    images, labels = arrays["images"], arrays["labels"]
    return Samples(f"EMNIST letters, {TEST_IMAGES:,} of them", images[seen], images[new], labels[seen], labels[new])


def photographs(frame: Sequence[int]) -> Samples:
    """Pieces of photographs, for networks that no data set is at hand for."""
    counts = (8, 8) if frame[-1] > LARGE else (100, 500)
    images = photograph_pieces(sum(counts), frame[-1])
    return Samples(f"{counts[1]} pieces of three photographs", images[: counts[0]], images[counts[0] :])
