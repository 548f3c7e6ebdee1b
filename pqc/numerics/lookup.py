"""Table lookup and accumulation: from codes to accumulators."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pqc.numerics.arrays import IntArray
from pqc.numerics.rounding import wrap


def lookup(codes: IntArray, table: IntArray, start: IntArray, accumulator_bits: int) -> IntArray:
    """``start`` plus the sum over subspaces of ``table[s, codes[n, s, m], o]``, in two's complement.

    ``codes`` [frames, subspaces, columns], ``table`` [subspaces, prototypes, outputs], ``start`` broadcastable to
    the result [frames, outputs, columns] (a bias, or what earlier subspaces accumulated), as int32.
    """
    frames, _, columns = codes.shape
    outputs = table.shape[2]
    # two's complement sums may be taken in any width that holds the accumulator's
    narrow = np.int16 if accumulator_bits <= 16 else np.int32
    total = np.zeros((frames * columns, outputs), narrow)
    for pair, entries in _paired(codes, table.astype(narrow)):
        total += np.take(entries, pair.reshape(-1), axis=0)
    summed = total.reshape(frames, columns, outputs).transpose(0, 2, 1) + start.astype(narrow)
    if accumulator_bits in (16, 32):
        return summed.astype(np.int32)
    return wrap(summed, accumulator_bits).astype(np.int32)


def accumulate(
    accumulators: IntArray, codes: IntArray, table: IntArray, bias: IntArray | None, accumulator_bits: int
) -> None:
    """Put into ``accumulators`` [frames, outputs, columns] what :func:`lookup` gives.

    It starts from ``bias`` [outputs], or from what the accumulators hold if there is none.

    Raises:
        IndexError: a code is no prototype's.
    """
    if (largest := int(codes.max())) >= table.shape[1]:
        raise IndexError(f"code {largest}, the table has {table.shape[1]} prototypes")
    start = accumulators if bias is None else bias[:, None]
    accumulators[...] = lookup(codes, table, start, accumulator_bits)


_PAIRED_ENTRIES = 1 << 14
"""Sums of two subspaces' entries are tabulated up to this many at a time: so many stay in the first cache."""


def _paired(codes: IntArray, table: IntArray) -> Iterator[tuple[IntArray, IntArray]]:
    """Codes [frames, columns] and entries [codes, outputs] whose lookups add up to those of all subspaces."""
    subspaces, prototypes, outputs = table.shape
    paired = 2 * (subspaces // 2) if prototypes * prototypes * outputs <= _PAIRED_ENTRIES else 0
    for s in range(0, paired, 2):
        both = codes[:, s].astype(np.intp) * prototypes + codes[:, s + 1]
        yield both, (table[s][:, None] + table[s + 1][None]).reshape(prototypes * prototypes, outputs)
    for s in range(paired, subspaces):
        yield codes[:, s], table[s]


def largest_sum(table: IntArray, bias: IntArray) -> IntArray:
    """The largest magnitude any sum can reach per output, [outputs] int64: sum over s of max over p, plus |bias|."""
    return np.abs(table.astype(np.int64)).max(axis=1).sum(axis=0) + np.abs(bias.astype(np.int64))
