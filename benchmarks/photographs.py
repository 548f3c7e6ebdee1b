"""Images of any size: pieces of three photographs that libraries for tests bring along.

Of scikit-learn a temple and a flower, of matplotlib a portrait. Real photographs have the statistics that a network
is made for, which noise has not; that there are three is enough to compare two executions of one network.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

# all three come without types
_datasets: Any = import_module("sklearn.datasets")
_cbook: Any = import_module("matplotlib.cbook")
_pillow: Any = import_module("PIL.Image")

SMALLEST = 0.3
"""What a piece shows at least, of the shorter side of its photograph."""


@cache
def photographs() -> tuple[Image, ...]:
    """The photographs, [rows, columns, 3] each."""
    with _cbook.get_sample_data("grace_hopper.jpg") as file:
        portrait: Image = np.asarray(_pillow.open(file).convert("RGB"))
    return portrait, *(np.asarray(_datasets.load_sample_image(name)) for name in ("china.jpg", "flower.jpg"))


def photograph_pieces(count: int, side: int, seed: int = 0) -> Image:
    """Squares [count, 3, side, side] cut out at random, of each photograph in turn, half of them mirrored."""
    random = np.random.default_rng(seed)
    found = np.empty((count, 3, side, side), np.uint8)
    for index in range(count):
        whole = photographs()[index % len(photographs())]
        rows, columns = map(int, whole.shape[:2])
        cut = int(min(rows, columns) * random.uniform(SMALLEST, 1))
        top, left = int(random.integers(0, rows - cut + 1)), int(random.integers(0, columns - cut + 1))
        piece = _pillow.fromarray(whole[top : top + cut, left : left + cut]).resize((side, side))
        turned = np.asarray(piece)[:, :: random.choice((-1, 1))]
        found[index] = turned.transpose(2, 0, 1)
    return found
