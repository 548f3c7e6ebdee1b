"""The handwritten digits that ship inside scikit-learn, split once and for all into training and held-out images."""

from __future__ import annotations

import argparse
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

HELD_OUT = 360
SPLIT_SEED = 20


@dataclass(frozen=True)
class Digits:
    """Images and what they show.

    Attributes:
        images: [n, 1, 8, 8] uint8, ink from 0 to 16.
        labels: [n] int64, 0 to 9.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def save(self, path: Path) -> None:
        """Write the arrays `images` and `labels` as .npz, the form that `pqc` reads."""
        np.savez_compressed(path, images=self.images, labels=self.labels)


def load() -> tuple[Digits, Digits]:
    """Return the training images and the held-out ones: a fixed permutation, whose last fifth is held out."""
    datasets: Any = importlib.import_module("sklearn.datasets")  # a library without type stubs
    pixels, labels = datasets.load_digits(return_X_y=True)
    images = np.asarray(pixels, np.uint8).reshape(-1, 1, 8, 8)
    classes = np.asarray(labels, np.int64)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images))
    training, held_out = order[:-HELD_OUT], order[-HELD_OUT:]
    return Digits(images[training], classes[training]), Digits(images[held_out], classes[held_out])


def main() -> None:
    """Write `calibration.npz` (the training images) and `heldout.npz` into the folder named on the command line."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    training, held_out = load()
    training.save(folder / "calibration.npz")
    held_out.save(folder / "heldout.npz")


if __name__ == "__main__":
    main()
