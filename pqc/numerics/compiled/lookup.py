"""Table lookup: the outputs of one position are summed in vector registers, then turned into rows of positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from pqc.numerics.arrays import IntArray
from pqc.numerics.compiled.jit import inner
from pqc.numerics.compiled.rows import FEW_LANES, LANES, part, row, sum_few, sum_many

COLUMNS = 128
"""Positions whose sums are turned around at a time."""


def blocks(table: IntArray, kind: np.dtype[Any]) -> IntArray:
    """``table`` [subspaces, prototypes, outputs] as [blocks, subspaces, prototypes, lanes], with zeros at the end.

    Entries that do not fit ``kind`` are cut to its bits: sums are in two's complement.
    """
    subspaces, prototypes, outputs = table.shape
    lanes = FEW_LANES if outputs <= FEW_LANES else LANES
    count = -(-outputs // lanes)
    padded = np.zeros((subspaces, prototypes, count * lanes), kind)
    padded[:, :, :outputs] = table
    return np.ascontiguousarray(padded.reshape(subspaces, prototypes, count, lanes).transpose(2, 0, 1, 3))


@inner
def wrap_all(values: IntArray, bits: int) -> None:
    """Two's complement in fewer bits than the type has."""
    half, mask = 1 << (bits - 1), (1 << bits) - 1
    for j in range(values.size):
        values[j] = ((values[j] + half) & mask) - half


@inner
def add_sums(target: IntArray, sums: IntArray, output: int, bias: IntArray) -> None:
    """Add column ``output`` of ``sums`` [1, 1, columns, lanes] to ``target``, or to the bias if there is one."""
    if bias.size:
        start = bias[output]
        for j in range(target.size):
            target[j] = row(sums, 0, 0, j)[output] + start
    else:
        for j in range(target.size):
            target[j] += row(sums, 0, 0, j)[output]


@inner
def largest_code(codes: IntArray) -> int:
    """The largest of ``codes`` [frames, 1, subspaces, columns], with dense rows."""
    largest = codes.dtype.type(0)
    for f in range(codes.shape[0]):
        for s in range(codes.shape[2]):
            line = row(codes, f, 0, s)
            for j in range(line.size):
                largest = line[j] if line[j] > largest else largest
    return int(largest)


@inner
def add_block(
    accumulators: IntArray, codes: IntArray, table: IntArray, sums: IntArray, first: int, bias: IntArray, bits: int
) -> None:
    """Add the entries of the outputs from ``first`` on, of which ``bias`` has those that there are, or none."""
    lanes = table.shape[2]
    outputs = min(lanes, accumulators.shape[2] - first)
    columns = codes.shape[2]
    for f in range(codes.shape[0]):
        for j in range(0, columns, COLUMNS):
            n = min(COLUMNS, columns - j)
            if lanes == FEW_LANES:
                for k in range(n):
                    sum_few(table, codes, f, j + k, row(sums, 0, 0, k))
            else:
                for k in range(n):
                    sum_many(table, codes, f, j + k, row(sums, 0, 0, k))
            for output in range(outputs):
                target = part(row(accumulators, f, 0, first + output), j, n)
                add_sums(target, sums, output, bias)
                if bits < 8 * target.itemsize:
                    wrap_all(target, bits)


def accumulate(accumulators: IntArray, codes: IntArray, table: IntArray, bias: IntArray, bits: int) -> int:
    """Add table entries to ``accumulators`` [frames, 1, outputs, columns]; the largest code that was found.

    ``codes`` [frames, 1, subspaces, columns] with dense rows, ``table`` as :func:`blocks` gives it, ``bias`` [outputs],
    or empty where the accumulators hold what to start from. Nothing is added if a code is no prototype's.
    """
    largest = largest_code(codes)
    if largest >= table.shape[2]:
        return largest
    lanes = table.shape[3]
    sums = np.empty((1, 1, COLUMNS, lanes), table.dtype)
    for block in range(table.shape[0]):
        first = block * lanes
        add_block(accumulators, codes[:, 0], table[block], sums, first, bias[first : first + lanes], bits)
    return largest
