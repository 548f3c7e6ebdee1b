"""Encode and lookup with a gradient: hard codes going forward, smoothed ones going backward.

Going forward each subvector picks its nearest prototype and the table's entries of the picks are added up, as the
machine does. That choice has no useful derivative. Going backward the two nearest prototypes share the subvector (see
:mod:`pqc.codebook.smoothing`): so the loss says on which side of the boundary between them it should lie, and the
gradient moves both prototypes. What it says of the subvector itself is in :mod:`pqc.training.lookup_function`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.codebook.smoothing import REACH
from pqc.numerics.arrays import IntArray
from pqc.numerics.choice import choice, numba_is_installed
from pqc.numerics.encode import Metric

Float32: TypeAlias = npt.NDArray[np.float32]

SAMPLED = 16
"""How far choices are smoothed is measured at each so many-th position."""

SMALLEST = 1e-3
"""Least mean squared distance, in units of the codebook's grid, that choices are smoothed over."""


@dataclass(frozen=True)
class Selected:
    """What a pass forward found."""

    codes: IntArray
    """[subspaces, positions] uint16, the nearest prototypes; the lowest index on ties."""
    others: IntArray
    """The second nearest."""
    sums: Float32
    """[positions, outputs], the entries of the nearest prototypes added up."""


@dataclass(frozen=True)
class Gradients:
    """Of a loss, in the shapes of what it was computed from."""

    codebook: Float32
    table: Float32
    used: Float32
    """[subspaces, prototypes], how many positions each prototype is the nearest of."""


def select(vectors: Float32, codebook: Float32, table: Float32, metric: Metric) -> Selected:
    """Encode ``vectors`` [subspaces, length, positions] and add up the entries of ``table``.

    ``codebook`` is [subspaces, prototypes, length] in the units of the vectors, ``table`` [subspaces, prototypes,
    outputs]; all of them are contiguous.
    """
    subspaces, _, positions = vectors.shape
    if not _compiled():
        codes, others = _two_nearest(vectors, codebook, metric)
        sums = np.zeros((positions, table.shape[2]), np.float32)
        for s in range(subspaces):
            sums += table[s][codes[s]]
        return Selected(codes, others, sums)
    from pqc.codebook import compiled_lookup

    codes, others = (np.empty((subspaces, positions), np.uint16) for _ in range(2))
    sums = np.empty((positions, table.shape[2]), np.float32)
    compiled_lookup.forward(vectors, codebook, table, int(metric), codes, others, sums)
    return Selected(codes, others, sums)


def spread_of(vectors: Float32, codebook: Float32, codes: IntArray, temperature: float) -> Float32:
    """The squared distance over which choices are smoothed, [subspaces].

    That is ``temperature`` times the mean squared distance to the nearest prototype.
    """
    every = np.arange(len(codebook))[:, None]
    difference = vectors[:, :, ::SAMPLED].transpose(0, 2, 1) - codebook[every, codes[:, ::SAMPLED]]
    mean = np.square(difference).sum(axis=2).mean(axis=1)
    return np.maximum(temperature * mean, SMALLEST).astype(np.float32)


def gradients(
    vectors: Float32, codebook: Float32, table: Float32, selected: Selected, spread: Float32, of_sums: Float32
) -> Gradients:  # fmt: skip
    """The gradient of a loss whose gradient with respect to the sums is ``of_sums`` [positions, outputs]."""
    to_codebook, to_table = np.zeros_like(codebook), np.zeros_like(table)
    used = np.zeros(table.shape[:2], np.float32)
    if _compiled():
        from pqc.codebook import compiled_lookup

        compiled_lookup.backward(
            *(vectors, codebook, table, selected.codes, selected.others, spread, of_sums),
            *(to_codebook, to_table, used),
        )
        return Gradients(to_codebook, to_table, used)
    for s in range(len(codebook)):
        near, far, x = selected.codes[s], selected.others[s], vectors[s].T
        np.add.at(to_table[s], near, of_sums)
        used[s] = np.bincount(near, minlength=len(used[s]))
        a, b = codebook[s][near], codebook[s][far]
        behind = (np.square(x - b).sum(axis=1) - np.square(x - a).sum(axis=1)) / spread[s]
        gain = (of_sums * (table[s][far] - table[s][near])).sum(axis=1)
        steepness = np.maximum(1 - behind / REACH, 0) * (2 / REACH) / spread[s]
        slope = (-gain * steepness * (near != far)).astype(np.float32)[:, None]
        np.add.at(to_codebook[s], near, slope * (x - a))
        np.add.at(to_codebook[s], far, -slope * (x - b))
    return Gradients(to_codebook, to_table, used)


def _compiled() -> bool:
    return choice() != "numpy" and numba_is_installed()


def _two_nearest(vectors: Float32, codebook: Float32, metric: Metric) -> tuple[IntArray, IntArray]:
    if metric is Metric.L2:
        distances = np.square(codebook).sum(axis=2)[:, :, None] / 2 - codebook @ vectors
    else:
        differences = np.abs(vectors[:, None] - codebook[:, :, :, None])
        distances = differences.sum(axis=2) if metric is Metric.L1 else differences.max(axis=2)
    codes = distances.argmin(axis=1)
    np.put_along_axis(distances, codes[:, None], np.inf, axis=1)
    return codes.astype(np.uint16), distances.argmin(axis=1).astype(np.uint16)
