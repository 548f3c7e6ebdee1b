"""Codebooks: k-means over the subvectors of every subspace, rounded onto the input's integer grid."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element

Float32: TypeAlias = npt.NDArray[np.float32]

PRODUCTS_IN_A_BLOCK = 1 << 17
"""Multiplications of one matrix product in Lloyd's iterations."""

SMALLEST_WEIGHT = 1e-3
"""The least that a direction counts, relative to the mean one, when a metric weighs the directions."""


def fit_codebook(
    vectors: IntArray,
    prototypes: int,
    element: Element,
    seed: int,
    iterations: int = 15,
    metric: FloatArray | None = None,
) -> IntArray:
    """K-means in each subspace: from ``vectors`` [subspaces, samples, length] to [subspaces, prototypes, length].

    The result lies on the grid of ``element``, in which the vectors are given too. With ``metric`` [subspaces,
    length, length] (symmetric, not negative) the clusters minimise d^T metric d instead of |d|^2; the prototypes
    remain their means. A subspace with fewer distinct vectors than prototypes repeats some of its prototypes.
    The same arguments give the same codebook.

    Raises:
        ValueError: there are no samples, or less than one prototype is asked for.
    """
    subspaces, samples, length = vectors.shape
    if samples < 1 or prototypes < 1:
        raise ValueError(f"k-means of {samples} samples into {prototypes} prototypes, both must be at least 1")
    factors = None if metric is None else whitening(metric)
    codebook = np.empty((subspaces, prototypes, length), element.storage)
    for s in range(subspaces):
        # each subspace fits the processor's cache, where a step over all of them at once would not
        x = vectors[s].astype(np.float32)
        seen = x if factors is None else x @ factors[s]
        centers = _cluster(seen, prototypes, iterations, np.random.default_rng((seed, s)))
        codebook[s] = element.clip(np.floor(_means_in(x, seen, centers) + 0.5).astype(np.int64))
    return codebook


def weight_metric(weight: FloatArray, subspaces: int, length: int) -> npt.NDArray[np.float64]:
    """How much a difference in each subspace changes the layer's outputs: [subspaces, length, length].

    ``weight`` [outputs, elements], elements in the order of the window; the difference d of a subvector moves the
    outputs by d^T metric d, summed over their squares.
    """
    padded = np.zeros((weight.shape[0], subspaces * length))
    padded[:, : weight.shape[1]] = weight
    cut = padded.reshape(-1, subspaces, length).transpose(1, 2, 0)
    return cut @ cut.transpose(0, 2, 1)


def whitening(metric: FloatArray) -> Float32:
    """A factor A [subspaces, length, length] with A A^T in proportion to ``metric``.

    No direction counts less than a small part of the mean one; a subspace whose metric is zero is measured by the
    plain distance.
    """
    values, directions = np.linalg.eigh(np.asarray(metric, np.float64))
    mean = values.mean(axis=1, keepdims=True)
    relative = np.where(mean > 0, values / np.where(mean > 0, mean, 1), 1)
    return (directions * np.sqrt(np.maximum(relative, SMALLEST_WEIGHT))[:, None, :]).astype(np.float32)


def _cluster(x: Float32, prototypes: int, iterations: int, random: np.random.Generator) -> Float32:
    """Lloyd's iterations on ``x`` [samples, length] from a k-means++ start: the centers [prototypes, length]."""
    centers = _spread(x, prototypes, random)
    tall = _blocks(x, prototypes)
    wide = np.ascontiguousarray(tall.transpose(0, 2, 1))
    scores = np.empty((len(tall), prototypes, tall.shape[1]), np.float32)
    for _ in range(iterations):
        np.matmul(_score_rows(centers), wide, out=scores)
        best = scores.min(axis=1)
        sums = (np.equal(scores, best[:, None]).astype(np.float32) @ tall).sum(axis=0)
        counts = sums[:, -1:]
        moved = np.where(counts > 0, sums[:, :-1] / np.maximum(counts, 1), centers)
        _reseed(x, best.reshape(-1)[: len(x)], np.flatnonzero(counts == 0), moved)
        if np.array_equal(moved, centers):
            break
        centers = moved
    return centers


def _blocks(x: Float32, prototypes: int) -> Float32:
    """Rows (x, 1) in blocks [blocks, rows, length + 1], behind the last vector rows of zeros, which count for nothing.

    A block's products are too small for a matrix library to wake its other threads, which costs more than it gains.
    """
    samples, length = x.shape
    size = max(64, PRODUCTS_IN_A_BLOCK // (prototypes * (length + 1)))
    count = -(-samples // size)
    padded = np.zeros((count * size, length + 1), np.float32)
    padded[:samples, :length] = x
    padded[:samples, length] = 1
    return padded.reshape(count, size, length + 1)


def _score_rows(centers: Float32) -> Float32:
    """Rows (-2 c, |c|^2): their product with (x, 1) is the squared distance less |x|^2."""
    return np.concatenate([-2 * centers, np.square(centers).sum(axis=1, keepdims=True)], axis=1)


def _spread(x: Float32, prototypes: int, random: np.random.Generator) -> Float32:
    """K-means++: each next center is a vector drawn with a chance in proportion to its squared distance so far."""
    centers: Float32 = np.empty((prototypes, x.shape[1]), np.float32)
    centers[0] = x[random.integers(len(x))]
    distances = np.square(x - centers[0]).sum(axis=1)
    for index in range(1, prototypes):
        reach: npt.NDArray[np.float64] = np.cumsum(distances, dtype=np.float64)
        drawn = int(np.searchsorted(reach, random.random() * float(reach[-1]), side="right"))
        centers[index] = x[min(drawn, len(x) - 1)]
        distances = np.minimum(distances, np.square(x - centers[index]).sum(axis=1))
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


def _means_in(x: Float32, seen: Float32, centers: Float32) -> npt.NDArray[np.float64]:
    """The means of ``x`` over the clusters that ``centers`` make of ``seen``; an empty one repeats the largest's."""
    tall = _blocks(seen, len(centers))
    codes = (tall @ _score_rows(centers).T).argmin(axis=2).reshape(-1)[: len(x)]
    counts = np.bincount(codes, minlength=len(centers))
    sums = np.stack([np.bincount(codes, column, len(centers)) for column in x.T], axis=1)
    means = sums / np.maximum(counts, 1)[:, None]
    means[counts == 0] = means[counts.argmax()]
    return means
