"""Prototype matching: from subvectors to codes (paper, section on the distance unit; ties go to the lowest index)."""

from __future__ import annotations

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


def subvectors(
    x: IntArray,
    window: Window,
    length: int,
    subspaces: int,
    first_element: int = 0,
    output: tuple[int, int] | None = None,
) -> IntArray:
    """Cut each window into subvectors: [frames, subspaces, length, rows * columns].

    The window's elements are taken in (channel, kernel row, kernel column) order starting at ``first_element``;
    what lies behind the last one is zero, so that the last subvector is padded.
    """
    seen = patches(x, window, output)
    frames, channels, kernel_height, kernel_width, rows, columns = seen.shape
    elements = channels * kernel_height * kernel_width
    flat = seen.reshape(frames, elements, rows * columns)[:, first_element : first_element + subspaces * length]
    missing = subspaces * length - flat.shape[1]
    if missing:
        flat = np.pad(flat, ((0, 0), (0, missing), (0, 0)))
    return flat.reshape(frames, subspaces, length, rows * columns)


def onto_grid(x: IntArray, shift: int, element: Element) -> IntArray:
    """Bring activations onto the codebook's grid: round-half-up shift, then saturation."""
    if shift == 0 and x.dtype == element.storage and element.bits in (8, 16):
        return x
    return element.clip(shift_right_round_half_up(x, shift))


def nearest_prototype(vectors: IntArray, codebook: IntArray, metric: Metric) -> IntArray:
    """Index of the nearest prototype, the lowest one on ties.

    ``vectors`` [frames, subspaces, length, columns], ``codebook`` [subspaces, prototypes, length]; the codes are
    [frames, subspaces, columns], uint8 for up to 256 prototypes and uint16 above.
    """
    frames, subspaces, _, columns = vectors.shape
    prototypes = codebook.shape[1]
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
    first_element: int,
    grid: tuple[int, Element],
    metric: Metric,
) -> IntArray:
    """The codes of what each window sees: [frames, subspaces, rows * columns].

    ``x`` [frames, channels, height, width]; ``grid`` is the shift that brings it onto the codebook's grid, and the
    type it saturates to there. See :func:`subvectors` for the order of the elements and for ``output``.
    """
    subspaces, _, length = codebook.shape
    vectors = subvectors(onto_grid(x, *grid), window, length, subspaces, first_element, output)
    return nearest_prototype(vectors, codebook, metric)


def codes_of_zero(codebook: IntArray, metric: Metric) -> IntArray:
    """The code of the zero subvector in each codebook [groups, prototypes, length]: [groups]."""
    groups, _, length = codebook.shape
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
    """The distances that have no product form, one prototype after the other."""
    x = vectors.astype(np.int64)
    best = np.full((x.shape[0], x.shape[1], x.shape[3]), np.iinfo(np.int64).max)
    codes = np.zeros(best.shape, np.int64)
    for index in range(codebook.shape[1]):
        difference = np.abs(x - codebook[None, :, index, :, None])
        distance = difference.sum(axis=2) if metric is Metric.L1 else difference.max(axis=2)
        closer = distance < best
        best = np.where(closer, distance, best)
        codes[closer] = index
    return codes
