"""Prototype matching: from subvectors to codes (paper, section on the distance unit; ties go to the lowest index)."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

import numpy as np

from pqc.numerics.arrays import IntArray
from pqc.numerics.element import Element
from pqc.numerics.rounding import shift_right_round_half_up
from pqc.numerics.window import Window, patches


class Metric(IntEnum):
    """The distance between a subvector and a prototype."""

    L2 = 0
    """Sum of squared differences."""
    L1 = 1
    """Sum of absolute differences."""
    LINF = 2
    """Largest absolute difference."""


def starts_of(first_element: int, length: int, subspaces: int) -> tuple[int, ...]:
    """The first elements of subspaces that follow each other in a window."""
    return tuple(range(first_element, first_element + length * subspaces, length))


def subvectors(
    x: IntArray, window: Window, length: int, starts: Sequence[int], output: tuple[int, int] | None = None
) -> IntArray:
    """Cut subvectors out of each window, one from each element in ``starts`` on: [frames, subspaces, length, columns].

    The window's elements are taken in (channel, kernel row, kernel column) order; what lies behind the last one is
    zero, so that the last subvector is padded.
    """
    seen = patches(x, window, output)
    frames, channels, kernel_height, kernel_width, rows, columns = seen.shape
    elements, subspaces = channels * kernel_height * kernel_width, len(starts)
    flat = seen.reshape(frames, elements, rows * columns)
    if tuple(starts) == starts_of(starts[0], length, subspaces):
        flat = flat[:, starts[0] : starts[0] + subspaces * length]
        missing = subspaces * length - flat.shape[1]
        if missing:
            flat = np.pad(flat, ((0, 0), (0, missing), (0, 0)))
    else:
        taken = np.asarray(starts)[:, None] + np.arange(length)
        flat = np.pad(flat, ((0, 0), (0, 1), (0, 0)))[:, np.minimum(taken, elements).reshape(-1)]
    return flat.reshape(frames, subspaces, length, rows * columns)


def onto_grid(x: IntArray, shift: int, element: Element) -> IntArray:
    """Bring activations onto the codebook's grid: round-half-up shift, then saturation."""
    if shift == 0 and x.dtype == element.storage and element.bits in (8, 16):
        return x
    return element.clip(shift_right_round_half_up(x, shift))


def nearest_prototype(vectors: IntArray, codebook: IntArray, metric: Metric) -> IntArray:
    """Index of the nearest prototype, the lowest one on ties.

    ``vectors`` [frames, subspaces, length, columns], ``codebook`` [subspaces, prototypes, length], or
    [1, prototypes, length] where all subspaces share one; the codes are [frames, subspaces, columns], uint8 for up to
    256 prototypes and uint16 above.
    """
    frames, subspaces, _, columns = vectors.shape
    prototypes = codebook.shape[1]
    codebook = np.broadcast_to(codebook, (subspaces, *codebook.shape[1:]))
    codes = np.empty((frames, subspaces, columns), np.uint8 if prototypes <= 256 else np.uint16)
    match = _nearest_l2 if metric is Metric.L2 else _nearest_by_difference
    step = max(1, _KEYS_AT_ONCE // (frames * prototypes * columns))
    for s in range(0, subspaces, step):
        codes[:, s : s + step] = match(vectors[:, s : s + step], codebook[s : s + step], metric)
    return codes


def encode(
    x: IntArray,
    codebook: IntArray,
    window: Window,
    output: tuple[int, int] | None,
    starts: Sequence[int],
    grid: tuple[int, Element],
    metric: Metric,
) -> IntArray:
    """The codes of what each window sees: [frames, subspaces, rows * columns].

    ``x`` [frames, channels, height, width]; ``grid`` is the shift that brings it onto the codebook's grid, and the
    type it saturates to there. See :func:`subvectors` for ``starts`` and ``output``, :func:`nearest_prototype` for
    codebooks that are shared.
    """
    vectors = subvectors(onto_grid(x, *grid), window, codebook.shape[2], starts, output)
    return nearest_prototype(vectors, codebook, metric)


def codes_of_zero(codebook: IntArray, groups: int, metric: Metric) -> IntArray:
    """The code of the zero subvector in each group's codebook [groups or 1, prototypes, length]: [groups]."""
    length = codebook.shape[2]
    return nearest_prototype(np.zeros((1, groups, length, 1), codebook.dtype), codebook, metric)[0, :, 0]


_KEYS_AT_ONCE = 1 << 18
"""Distances held at a time: so many stay in the caches."""


def _nearest_l2(vectors: IntArray, codebook: IntArray, _: Metric) -> IntArray:
    """One matrix product and one minimum: the index stands in the low bits of the distance, so that it breaks ties.

    The squared distance is |p|^2 - 2 x.p, the |x|^2 that all prototypes share left out. ``|p|^2`` rides along as one
    more element that every vector has. All sums are exact in the type chosen.
    """
    span = 1 << (codebook.shape[1] - 1).bit_length()
    bounds = np.iinfo(vectors.dtype)
    centre, size = min(
        (
            (middle, largest_key(codebook, bounds.min - middle, bounds.max - middle, middle))
            for middle in _centres(bounds)
        ),
        key=lambda choice: choice[1],
    )
    dtype = _exact_type((size + 1) * span)
    frames, subspaces, length, columns = vectors.shape
    x = np.empty((frames, subspaces, length + 1, columns), dtype)
    np.subtract(vectors, centre, out=x[:, :, :length], dtype=dtype, casting="unsafe")
    x[:, :, length] = 1
    p = codebook.astype(np.int64) - centre
    keys = np.empty((subspaces, codebook.shape[1], length + 1), dtype)
    keys[:, :, :length] = -2 * span * p
    keys[:, :, length] = span * np.square(p).sum(axis=2) + np.arange(codebook.shape[1])
    nearest = (keys @ x).min(axis=2)
    return nearest.astype(np.int32 if dtype == np.float32 else np.int64) & (span - 1)


def _exact_type(limit: int) -> np.dtype[Any]:
    """The fastest type that holds every integer below ``limit``: int64 has no fast product."""
    if limit < 1 << 24:
        return np.dtype(np.float32)
    return np.dtype(np.float64 if limit < 1 << 53 else np.int64)


def _centres(bounds: np.iinfo[Any]) -> tuple[int, ...]:
    """Origins worth trying: distances do not depend on where zero lies, the size of their terms does."""
    return (0, (int(bounds.min) + int(bounds.max) + 1) // 2)


def largest_key(codebook: IntArray, low: int, high: int, centre: int) -> int:
    """The largest sum of magnitudes |p|^2 + 2 |x| |p| that any prototype can meet, seen from ``centre``.

    ``codebook`` [subspaces, prototypes, length]; x - ``centre`` lies in [low, high].
    """
    p = np.abs(codebook.astype(np.int64) - centre)
    return int((np.square(p) + 2 * max(-low, high) * p).sum(axis=2).max())


def _nearest_by_difference(vectors: IntArray, codebook: IntArray, metric: Metric) -> IntArray:
    """The distances that have no product form, one prototype after the other, in the narrowest exact type."""
    bounds = np.iinfo(vectors.dtype)
    low, high = min(bounds.min, int(codebook.min())), max(bounds.max, int(codebook.max()))
    largest = (high - low) * (codebook.shape[2] if metric is Metric.L1 else 1)
    kind = (
        np.int16 if largest <= np.iinfo(np.int16).max else np.int32 if largest <= np.iinfo(np.int32).max else np.int64
    )
    x, p = vectors.astype(kind), codebook.astype(kind)
    best = np.full((x.shape[0], x.shape[1], x.shape[3]), np.iinfo(kind).max, kind)
    codes = np.zeros(best.shape, np.uint16)
    for index in range(codebook.shape[1]):
        difference = np.abs(x - p[None, :, index, :, None])
        distance = difference.sum(axis=2, dtype=kind) if metric is Metric.L1 else difference.max(axis=2)
        closer = distance < best
        best = np.where(closer, distance, best)
        codes[closer] = index
    return codes
