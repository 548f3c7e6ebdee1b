"""Codes as rows of zeros and ones, the form in which looking up is a matrix product."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import FloatArray, IntArray
from pqc.workers import in_parallel

Float32: TypeAlias = npt.NDArray[np.float32]
Result = TypeVar("Result")

ENTRIES_AT_ONCE = 1 << 24
"""One-hot entries held at a time by each thread, which bounds the memory: 64 MiB."""


def one_hot(codes: IntArray, prototypes: int, out: Float32 | None = None) -> Float32:
    """Codes [positions, subspaces] as rows of zeros and ones, [positions, subspaces * prototypes].

    ``out`` [positions, subspaces, prototypes] is written to where it is given.
    """
    positions, subspaces = codes.shape
    # a mode that never raises, because only then nothing is copied twice
    rows = np.take(np.eye(prototypes, dtype=np.float32), codes, axis=0, out=out, mode="clip")
    return rows.reshape(positions, subspaces * prototypes)


def parts(count: int, entries: int) -> list[slice]:
    """Runs of ``count`` rows or columns of ``entries`` one-hot entries each that fit the memory bound."""
    step = max(1, ENTRIES_AT_ONCE // entries)
    return [slice(first, min(first + step, count)) for first in range(0, count, step)]


class OneHotParts:
    """One-hot rows of a part of the positions at a time.

    Their memory is used again: asking the system for fresh memory takes longer than filling it.
    """

    def __init__(self, prototypes: int) -> None:
        self._prototypes = prototypes
        self._free: list[Float32] = []

    def each(self, codes: IntArray, function: Callable[[slice, Float32], Result]) -> list[Result]:
        """``function`` of every part of ``codes`` [positions, subspaces] and its rows, in order.

        The rows [positions of the part, subspaces * prototypes] are only valid during the call.
        """
        subspaces = codes.shape[1]
        features = subspaces * self._prototypes
        pieces = parts(len(codes), features)

        def call(part: slice) -> Result:
            buffer = self._buffer((pieces[0].stop - pieces[0].start) * features)
            rows = part.stop - part.start
            ones = buffer[: rows * features].reshape(rows, subspaces, self._prototypes)
            result = function(part, one_hot(codes[part], self._prototypes, ones))
            self._free.append(buffer)
            return result

        return in_parallel(call, pieces)

    def _buffer(self, size: int) -> Float32:
        """Memory that nobody uses; another thread may take the last of it in between."""
        try:
            kept = self._free.pop()
        except IndexError:
            return np.empty(size, np.float32)
        return kept if len(kept) >= size else np.empty(size, np.float32)


def predict(codes: IntArray, table: FloatArray, bias: FloatArray) -> Float32:
    """What a float table gives for ``codes`` [positions, subspaces]: ``bias`` plus the sum, [positions, outputs]."""
    subspaces, prototypes, outputs = table.shape
    flat = table.reshape(subspaces * prototypes, outputs).astype(np.float32)
    result = np.empty((len(codes), outputs), np.float32)

    def add_up(part: slice, rows: Float32) -> None:
        np.matmul(rows, flat, out=result[part])

    OneHotParts(prototypes).each(codes, add_up)
    result += bias.astype(np.float32)
    return result
