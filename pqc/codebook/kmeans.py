"""Codebooks: k-means over the subvectors of every subspace, rounded onto the input's integer grid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element
from pqc.workers import in_parallel

Float32: TypeAlias = npt.NDArray[np.float32]

PRODUCTS_IN_A_BLOCK = 1 << 17
"""Multiplications of one matrix product in Lloyd's iterations."""

SAMPLES_AT_ONCE = 8192
"""Samples of all subspaces that are clustered together: so many fit the processor's cache, and with few samples in
each subspace a step on many of them costs little more than on one."""

SMALLEST_WEIGHT = 1e-3
"""The least that a direction counts, relative to the mean one, when a metric weighs the directions."""


def fit_codebook(
    vectors: IntArray,
    prototypes: int,
    element: Element,
    seed: int,
    iterations: int = 15,
    metric: FloatArray | None = None,
    times: IntArray | None = None,
) -> IntArray:
    """K-means in each subspace: from ``vectors`` [subspaces, samples, length] to [subspaces, prototypes, length].

    The result lies on the grid of ``element``, in which the vectors are given too. With ``metric`` [subspaces,
    length, length] (symmetric, not negative) the clusters minimise d^T metric d instead of |d|^2; the prototypes
    remain their means. Each sample counts as often as ``times`` [samples] says, by default once. A subspace with fewer
    distinct vectors than prototypes repeats some of its prototypes.
    The same arguments give the same codebook.

    Raises:
        ValueError: there are no samples, or less than one prototype is asked for.
    """
    subspaces, samples, length = vectors.shape
    if samples < 1 or prototypes < 1:
        raise ValueError(f"k-means of {samples} samples into {prototypes} prototypes, both must be at least 1")
    often = np.ones(samples, np.int64) if times is None else times
    factors = None if metric is None else whitening(metric)
    codebook = np.empty((subspaces, prototypes, length), element.storage)
    together = max(1, SAMPLES_AT_ONCE // samples)

    def fit(first: int) -> None:
        part = slice(first, min(first + together, subspaces))
        x = vectors[part].astype(np.float32)
        seen = x if factors is None else x @ factors[part]
        randoms = [np.random.default_rng((seed, s)) for s in range(part.start, part.stop)]
        centers = _cluster(seen, prototypes, iterations, randoms, often)
        codebook[part] = element.clip(np.floor(_means_in(x, seen, centers, often) + 0.5).astype(np.int64))

    in_parallel(fit, range(0, subspaces, together))
    return codebook


def weight_metric(
    weight: FloatArray, subspaces: int, length: int, outputs: FloatArray | None = None
) -> npt.NDArray[np.float64]:
    """How much a difference in each subspace changes the layer's outputs: [subspaces, length, length].

    ``weight`` [outputs, elements], elements in the order of the window; the difference d of a subvector moves the
    outputs by d^T metric d, summed over their squares, or measured by ``outputs`` [outputs, outputs].
    """
    padded = np.zeros((weight.shape[0], subspaces * length))
    padded[:, : weight.shape[1]] = weight
    cut = padded.reshape(-1, subspaces, length).transpose(1, 2, 0)
    measured = cut if outputs is None else cut @ outputs
    return measured @ cut.transpose(0, 2, 1)


def whitening(metric: FloatArray) -> Float32:
    """A factor A [subspaces, length, length] with A A^T in proportion to ``metric``.

    No direction counts less than a small part of the mean one; a subspace whose metric is zero is measured by the
    plain distance.
    """
    values, directions = np.linalg.eigh(np.asarray(metric, np.float64))
    mean = values.mean(axis=1, keepdims=True)
    relative = np.where(mean > 0, values / np.where(mean > 0, mean, 1), 1)
    return (directions * np.sqrt(np.maximum(relative, SMALLEST_WEIGHT))[:, None, :]).astype(np.float32)


def _cluster(
    x: Float32, prototypes: int, iterations: int, randoms: Sequence[np.random.Generator], times: IntArray
) -> Float32:
    """Lloyd's iterations on ``x`` [subspaces, samples, length], each so many ``times``, from a k-means++ start.

    The centers are [subspaces, prototypes, length]. A subspace that has found its centers keeps them while others move.
    """
    centers = _spread(x, prototypes, randoms, times)
    tall = _blocks(x, prototypes)
    wide = np.ascontiguousarray(tall.transpose(0, 1, 3, 2))
    # rows of zeros behind the last sample count for nothing, however often
    counted = tall * np.resize(times, tall.shape[1:3])[:, :, None].astype(np.float32)
    scores = np.empty((*tall.shape[:2], prototypes, tall.shape[2]), np.float32)
    for _ in range(iterations):
        np.matmul(_score_rows(centers)[:, None], wide, out=scores)
        best = scores.min(axis=2)
        sums = (np.equal(scores, best[:, :, None]).astype(np.float32) @ counted).sum(axis=1)
        counts = sums[:, :, -1:]
        moved = np.where(counts > 0, sums[:, :, :-1] / np.maximum(counts, 1), centers)
        for s in np.flatnonzero((counts == 0).any(axis=(1, 2))):
            _reseed(x[s], best[s].reshape(-1)[: x.shape[1]], np.flatnonzero(counts[s] == 0), moved[s])
        if np.array_equal(moved, centers):
            break
        centers = moved
    return centers


def _blocks(x: Float32, prototypes: int) -> Float32:
    """Rows (x, 1) of each subspace in blocks, [subspaces, blocks, rows, length + 1].

    Behind the last vector there are rows of zeros, which count for nothing. A block's products are too small for a
    matrix library to wake its other threads, which costs more than it gains.
    """
    subspaces, samples, length = x.shape
    size = max(64, PRODUCTS_IN_A_BLOCK // (prototypes * (length + 1)))
    count = -(-samples // size)
    padded = np.zeros((subspaces, count * size, length + 1), np.float32)
    padded[:, :samples, :length] = x
    padded[:, :samples, length] = 1
    return padded.reshape(subspaces, count, size, length + 1)


def _score_rows(centers: Float32) -> Float32:
    """Rows (-2 c, |c|^2): their product with (x, 1) is the squared distance less |x|^2."""
    return np.concatenate([-2 * centers, np.square(centers).sum(axis=2, keepdims=True)], axis=2)


def _spread(x: Float32, prototypes: int, randoms: Sequence[np.random.Generator], times: IntArray) -> Float32:
    """K-means++: each next center is a vector drawn with a chance in proportion to its squared distance so far."""
    ends: npt.NDArray[np.int64] = np.cumsum(times, dtype=np.int64)
    samples, every = len(x[0]), np.arange(len(x))
    centers: Float32 = np.empty((len(x), prototypes, x.shape[2]), np.float32)
    first = [int(random.integers(int(ends[-1]))) for random in randoms]
    centers[:, 0] = x[every, np.searchsorted(ends, first, side="right")]
    distances = np.square(x - centers[:, :1]).sum(axis=2)
    for index in range(1, prototypes):
        reach: npt.NDArray[np.float64] = np.cumsum(distances * times, axis=1, dtype=np.float64)
        goal = np.array([random.random() for random in randoms]) * reach[:, -1]
        drawn = (reach <= goal[:, None]).sum(axis=1)
        centers[:, index] = x[every, np.minimum(drawn, samples - 1)]
        distances = np.minimum(distances, np.square(x - centers[:, index, None]).sum(axis=2))
    return centers


def _reseed(x: Float32, best: Float32, vacant: IntArray, centers: Float32) -> None:
    """Move ``vacant`` centers onto the vectors farthest from their own center, each onto another one."""
    if not len(vacant):
        return
    distances = np.maximum(best + np.square(x).sum(axis=1), 0)
    # rounding leaves a little where a vector lies on its center
    distances[distances <= 1e-5 * np.square(x).sum(axis=1)] = 0
    for prototype in vacant:
        sample = int(distances.argmax())
        if distances[sample] == 0:
            return
        centers[prototype] = x[sample]
        distances[(x == x[sample]).all(axis=1)] = 0


def _means_in(x: Float32, seen: Float32, centers: Float32, times: IntArray) -> npt.NDArray[np.float64]:
    """The means of ``x`` over the clusters that ``centers`` make of ``seen``; an empty one repeats the largest's."""
    subspaces, samples, length = x.shape
    prototypes = centers.shape[1]
    tall = _blocks(seen, prototypes)
    nearest = (tall @ _score_rows(centers).transpose(0, 2, 1)[:, None]).argmin(axis=3)
    first = prototypes * np.arange(len(x))
    codes = nearest.reshape(subspaces, -1)[:, :samples] + first[:, None]
    flat, size = codes.reshape(-1), subspaces * prototypes
    weights = np.tile(times.astype(np.float64), subspaces)
    counts = np.bincount(flat, weights, size).reshape(subspaces, prototypes)
    sums = np.stack([np.bincount(flat, column * weights, size) for column in x.reshape(-1, length).T], axis=1)
    means = sums.reshape(subspaces, prototypes, length) / np.maximum(counts, 1)[:, :, None]
    largest = np.take_along_axis(means, counts.argmax(axis=1)[:, None, None], axis=1)
    return np.where(counts[:, :, None] > 0, means, largest)
