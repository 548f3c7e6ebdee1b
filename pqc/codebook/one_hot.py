"""Codes as rows of zeros and ones, the form in which looking up is a matrix product."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import FloatArray, IntArray

Float32: TypeAlias = npt.NDArray[np.float32]

ENTRIES_AT_ONCE = 1 << 24
"""One-hot entries held at a time, which bounds the memory: 64 MiB."""


def one_hot(codes: IntArray, prototypes: int) -> Float32:
    """Codes [positions, subspaces] as rows of zeros and ones, [positions, subspaces * prototypes]."""
    positions, subspaces = codes.shape
    result = np.zeros(positions * subspaces * prototypes, np.float32)
    result[codes.astype(np.int64).reshape(-1) + np.arange(positions * subspaces) * prototypes] = 1
    return result.reshape(positions, subspaces * prototypes)


def parts(count: int, entries: int) -> list[slice]:
    """Runs of ``count`` rows or columns of ``entries`` one-hot entries each that fit the memory bound."""
    step = max(1, ENTRIES_AT_ONCE // entries)
    return [slice(first, min(first + step, count)) for first in range(0, count, step)]


def predict(codes: IntArray, table: FloatArray, bias: FloatArray) -> Float32:
    """What a float table gives for ``codes`` [positions, subspaces]: ``bias`` plus the sum, [positions, outputs]."""
    subspaces, prototypes, outputs = table.shape
    flat = table.reshape(subspaces * prototypes, outputs).astype(np.float32)
    result = np.empty((len(codes), outputs), np.float32)
    for part in parts(len(codes), len(flat)):
        result[part] = one_hot(codes[part], prototypes) @ flat
    return result + bias.astype(np.float32)
