"""What a training run is told."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from pqc.option_rules import check_choice, check_ranges

AUGMENTATIONS = ("flip", "crop")
"""Random changes of images: left and right exchanged, and shifted by up to an eighth of their size."""

RANGES: dict[str, tuple[float, float]] = {
    "epochs": (0.001, 10_000),
    "batch": (1, 65_536),
    "learning_rate": (1e-7, 1.0),
    "temperature": (0.01, 100.0),
    "seed": (0, (1 << 32) - 1),
}
"""What each number may be."""


@dataclass(frozen=True)
class TrainOptions:
    """How long and how fast a network is trained; see docs/training.md for what that gives.

    ``epochs`` passes over the data need not be whole. ``learning_rate`` is in units of each tensor's own spread.
    ``temperature`` smooths the choice of prototypes, see :class:`pqc.training.lookup_function.Selection`.
    """

    epochs: float = 1.0
    batch: int = 256
    learning_rate: float = 1e-3
    temperature: float = 0.3
    augment: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        check_ranges(self, RANGES)
        for name in self.augment:
            check_choice("augmentation", name, AUGMENTATIONS)

    def as_json(self) -> dict[str, Any]:
        """The options by name, as plain JSON values."""
        return dataclasses.asdict(self) | {"augment": list(self.augment)}
