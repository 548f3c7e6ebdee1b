"""Which positions of the feature maps are looked at: k-means and refit see a part of them, chosen by a seed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.numerics.grouping import Cut
from pqc.numerics.window import Window, patches
from pqc.workers import in_parallel

ELEMENTS_AT_ONCE = 1 << 20
"""Elements of subvectors that each thread cuts out at a time."""


def sample_positions(frames: int, columns: int, count: int, seed: int) -> IntArray:
    """``count`` of the ``frames * columns`` positions (all of them where there are no more), ascending, int64.

    Position ``frame * columns + column``. The frames share the positions evenly, to within one.

    Raises:
        ValueError: nothing to choose from, or less than one position is asked for.
    """
    if frames < 1 or columns < 1 or count < 1:
        raise ValueError(f"{count} positions of {frames} frames of {columns} columns, all must be at least 1")
    if count >= frames * columns:
        return np.arange(frames * columns)
    random = np.random.default_rng(seed)
    each, more = divmod(count, frames)
    extra = np.zeros(frames, np.int64)
    extra[random.permutation(frames)[:more]] = 1
    chosen = [
        frame * columns + np.sort(random.choice(columns, size=each + int(extra[frame]), replace=False))
        for frame in range(frames)
    ]
    return np.concatenate(chosen)


def sample_by_shares(shares: FloatArray, count: int, seed: int) -> IntArray:
    """``count`` positions, ascending, int64: each as often, to within two, as its share of all says.

    ``shares`` [positions] are not negative and not all zero. Least squares over these positions is, on average, least
    squares over all of them, each weighted by its share.

    Raises:
        ValueError: there is nothing to choose from, or less than one position is asked for.
    """
    if len(shares) < 1 or count < 1:
        raise ValueError(f"{count} of {len(shares)} positions, both must be at least 1")
    ends: npt.NDArray[np.float64] = np.cumsum(shares, dtype=np.float64)
    # one in each of ``count`` equal parts of all that there is
    places = (np.arange(count) + np.random.default_rng(seed).random(count)) * (ends[-1] / count)
    found: IntArray = np.asarray(np.searchsorted(ends, places, side="right"), np.int64)
    return np.minimum(found, len(shares) - 1)


def at_positions(x: AnyArray, positions: IntArray) -> AnyArray:
    """The rows of ``x`` [frames, features, columns] at ``positions``: [positions, features]."""
    columns = x.shape[2]
    return x[positions // columns, :, positions % columns]


def sample_vectors(x: AnyArray, window: Window, cut: Cut, positions: IntArray) -> AnyArray:
    """The subvectors of ``x`` [frames, channels, height, width] at ``positions``: [subspaces, positions, length].

    Only the windows that are asked for are cut out, a few positions at a time.
    """
    rows, columns = window.output_size(x.shape[2], x.shape[3])
    result = np.empty((cut.subspaces, len(positions), cut.length), x.dtype)

    def fill(part: slice) -> None:
        frame, place = np.divmod(positions[part], rows * columns)
        row, column = np.divmod(place, columns)
        first = int(frame.min())
        seen = patches(x[first : int(frame.max()) + 1], window)[frame - first, :, :, :, row, column]
        elements = cut.elements(seen.reshape(len(frame), -1, 1))
        result[:, part] = elements.reshape(len(frame), cut.subspaces, cut.length).transpose(1, 0, 2)

    step = max(1, ELEMENTS_AT_ONCE // (cut.subspaces * cut.length))
    in_parallel(fill, [slice(start, min(start + step, len(positions))) for start in range(0, len(positions), step)])
    return result
