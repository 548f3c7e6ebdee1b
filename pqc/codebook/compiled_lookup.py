"""Encode and lookup with their gradient, compiled for a processor: see :mod:`pqc.codebook.soft_lookup`.

A block of positions stays in the processor's first cache while all prototypes of a subspace are compared with it, and
nothing but the numbers of the two nearest prototypes is kept for the way back.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.codebook.smoothing import REACH
from pqc.numerics.arrays import IntArray
from pqc.numerics.compiled.jit import numba

Float32: TypeAlias = npt.NDArray[np.float32]

BLOCK = 256
"""Positions that are compared with one prototype after the other."""

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": True}
"""Learning tolerates any order of a sum of floats; where codes must be exact, the machine's kernels compute them."""

_VECTORS = numba.float32[:, :, ::1]
_ROWS = numba.float32[:, ::1]
_CODES = numba.uint16[:, ::1]


def _inner(function: Any) -> Any:
    # Inlined before anything is compiled: a function of its own is compiled by itself and once more in its caller, and
    # which of the two is called, with its own rounding of sums, depends on whether the caller comes from the cache.
    return numba.njit(inline="always", **OPTIONS)(function)


def _kernel(*arguments: Any) -> Any:
    return numba.njit(arguments, cache=True, **OPTIONS)


@_inner
def _half_squares(x: Float32, first: int, count: int, prototype: Float32, far: Float32) -> None:
    """Half the squared distance of positions of ``x`` [length, positions], less what all prototypes share."""
    last = first + count
    length = prototype.size
    start = np.float32(0)
    for element in range(length):
        start += prototype[element] * prototype[element]
    for j in range(count):
        far[j] = start * np.float32(0.5)
    element = 0
    while element + 3 <= length:
        # three at a time, because each pass reads and writes all distances
        a, b, c = x[element, first:last], x[element + 1, first:last], x[element + 2, first:last]
        p, q, r = prototype[element], prototype[element + 1], prototype[element + 2]
        for j in range(count):
            far[j] -= a[j] * p + b[j] * q + c[j] * r
        element += 3
    while element < length:
        a, p = x[element, first:last], prototype[element]
        for j in range(count):
            far[j] -= a[j] * p
        element += 1


@_inner
def _differences(x: Float32, first: int, count: int, prototype: Float32, largest: bool, far: Float32) -> None:
    """The sum, or the largest, of the absolute differences of positions of ``x`` [length, positions]."""
    for j in range(count):
        far[j] = np.float32(0)
    for element in range(prototype.size):
        line, value = x[element, first : first + count], prototype[element]
        if largest:
            for j in range(count):
                far[j] = max(far[j], abs(line[j] - value))
        else:
            for j in range(count):
                far[j] += abs(line[j] - value)


@_inner
def _rank(
    far: Float32, prototype: int, count: int, best: Float32, second: Float32, nearest: IntArray, next_: IntArray
) -> None:
    """Keep the nearest and the second nearest prototype of each position; the lower index wins ties."""
    for j in range(count):
        value, b, s, mine, other = far[j], best[j], second[j], nearest[j], next_[j]
        closer, close = value < b, value < s
        next_[j] = mine if closer else (prototype if close else other)
        second[j] = b if closer else (value if close else s)
        nearest[j] = prototype if closer else mine
        best[j] = value if closer else b


@_kernel(_VECTORS, _VECTORS, _VECTORS, numba.int64, _CODES, _CODES, _ROWS)
def forward(
    x: Float32, codebook: Float32, table: Float32, metric: int, codes: IntArray, others: IntArray, sums: Float32
) -> None:
    """Write the two nearest prototypes, [subspaces, positions] each, and the sums [positions, outputs]."""
    subspaces, prototypes, outputs = table.shape
    far, best, second = np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32), np.empty(BLOCK, np.float32)
    nearest, next_ = np.empty((subspaces, BLOCK), np.int32), np.empty((subspaces, BLOCK), np.int32)
    positions = x.shape[2]
    for first in range(0, positions, BLOCK):
        count = min(BLOCK, positions - first)
        for s in range(subspaces):
            best[:] = np.inf
            second[:] = np.inf
            nearest[s] = 0
            next_[s] = 0
            for p in range(prototypes):
                if metric == 0:
                    _half_squares(x[s], first, count, codebook[s, p], far)
                else:
                    _differences(x[s], first, count, codebook[s, p], metric == 2, far)
                _rank(far, np.int32(p), count, best, second, nearest[s], next_[s])
            for j in range(count):
                codes[s, first + j] = nearest[s, j]
                others[s, first + j] = next_[s, j]
        for j in range(count):
            total = sums[first + j]
            for o in range(outputs):
                total[o] = np.float32(0)
            for s in range(subspaces):
                line = table[s, nearest[s, j]]
                for o in range(outputs):
                    total[o] += line[o]


@_inner
def _transpose(x: Float32, s: int, first: int, count: int, seen: Float32) -> None:
    """Bring a block of subvectors [length, positions] together, a row for each position.

    Their elements lie apart by a large power of two, often, and would drive each other out of the cache.
    """
    for element in range(x.shape[1]):
        line = x[s, element, first : first + count]
        for j in range(count):
            seen[j, element] = line[j]


@_inner
def _add_entries(codes: IntArray, gradient: Float32, to_table: Float32, used: Float32) -> None:
    """The gradient of a subspace's entries [prototypes, outputs], and how often each prototype is the nearest."""
    for j in range(codes.size):
        mine = codes[j]
        used[mine] += np.float32(1)
        for o in range(gradient.shape[1]):
            to_table[mine, o] += gradient[j, o]


@_inner
def _find_slopes(
    seen: Float32,
    codebook: Float32,
    table: Float32,
    codes: IntArray,
    others: IntArray,
    spread: Float32,
    gradient: Float32,
    slopes: Float32,
) -> None:
    """The loss's derivative by how much farther the second nearest prototype of each position is, squared."""
    inverse = np.float32(1) / spread
    for j in range(codes.size):
        mine, other = codes[j], others[j]
        total = np.float32(0)
        for k in range(codebook.shape[1]):
            one, two = seen[j, k] - codebook[mine, k], seen[j, k] - codebook[other, k]
            total += two * two - one * one
        slopes[j] = np.float32(0)
        behind = total * inverse
        if mine != other and behind < REACH:
            gain = np.float32(0)
            for o in range(table.shape[1]):
                gain += gradient[j, o] * (table[other, o] - table[mine, o])
            slopes[j] = -gain * (np.float32(1) - behind / REACH) * inverse * np.float32(2 / REACH)


@_inner
def _follow_slopes(
    seen: Float32,
    codebook: Float32,
    codes: IntArray,
    others: IntArray,
    slopes: Float32,
    to_codebook: Float32,
) -> None:
    """The gradient of a subspace's prototypes [prototypes, length]."""
    for j in range(codes.size):
        mine, other, slope = codes[j], others[j], slopes[j]
        for k in range(codebook.shape[1]):
            value, a, b = seen[j, k], codebook[mine, k], codebook[other, k]
            to_codebook[mine, k] += slope * (value - a)
            to_codebook[other, k] -= slope * (value - b)


@_kernel(_VECTORS, _VECTORS, _VECTORS, _CODES, _CODES, numba.float32[::1], _ROWS, _VECTORS, _VECTORS, _ROWS)
def backward(
    x: Float32,
    codebook: Float32,
    table: Float32,
    codes: IntArray,
    others: IntArray,
    spread: Float32,
    gradient: Float32,
    to_codebook: Float32,
    to_table: Float32,
    used: Float32,
) -> None:
    """Add the gradient to ``to_codebook`` and ``to_table``, and to ``used`` how often a prototype is the nearest.

    ``spread`` [subspaces] is the squared distance over which the choice between two prototypes is smoothed.
    """
    subspaces, length, positions = x.shape
    seen = np.zeros((BLOCK, length), np.float32)
    slopes = np.zeros(BLOCK, np.float32)
    for first in range(0, positions, BLOCK):
        last = min(first + BLOCK, positions)
        rows = gradient[first:last]
        for s in range(subspaces):
            mine, other = codes[s, first:last], others[s, first:last]
            _transpose(x, s, first, last - first, seen)
            _add_entries(mine, rows, to_table[s], used[s])
            _find_slopes(seen, codebook[s], table[s], mine, other, spread[s], rows, slopes)
            _follow_slopes(seen, codebook[s], mine, other, slopes, to_codebook[s])
