"""How two sets of results compare: class agreement, signal-to-noise ratio, first difference."""

from __future__ import annotations

import math

import numpy as np

from pqc.numerics.arrays import AnyArray, IntArray


def top1(outputs: AnyArray, labels: IntArray) -> float:
    """The share of frames whose largest output is that of their label.

    Args:
        outputs: [frames, classes], or with further dimensions of size 1; or integers [frames].
        labels: [frames].
    """
    return np.count_nonzero(classes(outputs) == labels) / len(labels)


def are_classes(outputs: AnyArray) -> bool:
    """Whether outputs [frames, ...] are numbers of classes themselves: one integer a frame, as ArgMax gives."""
    return outputs.dtype.kind in "iu" and outputs.size == len(outputs)


def classes(outputs: AnyArray) -> IntArray:
    """The class of each frame: the index of its largest output, the lowest one on ties, or the output itself."""
    if are_classes(outputs):
        return outputs.reshape(-1)
    return outputs.reshape(len(outputs), -1).argmax(axis=1)


def signal_to_noise_db(reference: AnyArray, found: AnyArray) -> float:
    """Power of ``reference`` over power of the difference, in decibels; infinite if they are equal."""
    signal = float(np.square(reference, dtype=np.float64).sum())
    noise = float(np.square(np.subtract(reference, found, dtype=np.float64)).sum())
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


def first_difference(expected: AnyArray, found: AnyArray) -> str | None:
    """Where and how two arrays differ, in words; None if they are equal in shape and in every element."""
    if expected.shape != found.shape:
        return f"expected {list(expected.shape)}, found {list(found.shape)}"
    different = expected != found
    count = int(np.count_nonzero(different))
    if not count:
        return None
    where = tuple(int(index) for index in np.argwhere(different)[0])
    total = f"{count} of {different.size} elements differ"
    return f"{total}, the first at {list(where)}: expected {expected[where]}, found {found[where]}"
