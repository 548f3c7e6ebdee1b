"""The kernels compiled by Numba: each chooses types in which its sums are exact, and compiles for them on first use."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from pqc.numerics.arrays import AnyArray, IntArray
from pqc.numerics.compiled import convolution, encode, lookup, vector
from pqc.numerics.compiled.jit import compiled, dense, numba, record, strided
from pqc.numerics.compiled.planes import WIDE, Geometry, Grid, geometry_of
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, largest_key
from pqc.numerics.kernels import Accumulate, Convolve, Encode, Requantize
from pqc.numerics.requantize import Clip
from pqc.numerics.window import Window

_INT64 = numba.types.int64
_GEOMETRY = record(Geometry, len(Geometry._fields))
_GRID = record(Grid, len(Grid._fields))
_ROUNDING = record(vector.Rounding, len(vector.Rounding._fields))
_NO_BIAS = np.empty(0, np.int32)
_FLOAT32_LIMIT, _FLOAT64_LIMIT = 1 << 24, 1 << 53


class CompiledKernels:
    """The operations of :mod:`pqc.numerics`, compiled; see :class:`pqc.numerics.kernels.Kernels`."""

    name = "numba"

    def encoder(
        self,
        codebook: IntArray,
        window: Window,
        output: tuple[int, int],
        starts: tuple[int, ...],
        grid: tuple[int, Element],
        metric: Metric,
    ) -> Encode:
        """See :func:`pqc.numerics.encode.encode`."""
        shift, element = grid
        subspaces, (_, prototypes, length) = len(starts), codebook.shape
        kind = np.dtype(np.uint8 if prototypes <= 256 else np.uint16)
        span = 1 << (prototypes - 1).bit_length()
        centre, limit = _key_limit(codebook, element, metric, span)
        number, integer = _types_below(limit)
        rounded = encode.rounded_shape(prototypes, length, metric)
        matching = encode.Matching(subspaces, length, int(metric), *rounded, span, limit)
        coefficients, constants = encode.coefficients(codebook.astype(np.int64), matching, centre, number.dtype)
        geometry, first = geometry_of(window, output), np.array(starts, np.int64)

        def act(x: IntArray) -> IntArray:
            codes = np.empty((x.shape[0], subspaces, *output), kind)
            taken, levels = _bytes_or_int32(x), Grid(shift, *_grid_bounds(x, shift, element), centre)
            kernel = _encode(kind, taken.dtype, number.dtype, integer.dtype)
            kernel(codes, taken, coefficients, constants, first, geometry, levels, matching, integer)
            return codes.reshape(x.shape[0], subspaces, -1)

        return act

    def accumulator(self, table: IntArray, accumulator_bits: int) -> Accumulate:
        """See :func:`pqc.numerics.lookup.accumulate`."""
        subspaces, prototypes, outputs = table.shape
        # two's complement sums may be taken in any width that holds the accumulator's
        kind = np.dtype(np.int16 if accumulator_bits <= 16 else np.int32)
        blocks = lookup.blocks(table, kind)

        def act(accumulators: IntArray, codes: IntArray, bias: IntArray | None) -> None:
            expected = (codes.shape[0], outputs, codes.shape[2])
            if codes.shape[1] != subspaces or accumulators.shape != expected:
                raise ValueError(f"{codes.shape} codes, {table.shape} table, {accumulators.shape} accumulators")
            kernel = _accumulate(accumulators.dtype, codes.dtype, kind)
            start = _NO_BIAS if bias is None else bias
            largest = kernel(accumulators[:, None], _with_dense_rows(codes[:, None]), blocks, start, accumulator_bits)
            if largest >= prototypes:
                raise IndexError(f"code {largest}, the table has {prototypes} prototypes")

        return act

    def convolver(self, weight: IntArray, window: Window, groups: int, output: tuple[int, int]) -> Convolve:
        """See :func:`pqc.numerics.convolution.accumulate`."""
        flat = weight.reshape(weight.shape[0], -1)
        largest = int(np.abs(flat.astype(np.int64)).sum(axis=1).max())
        geometry = geometry_of(window, output)
        grid = Grid(0, *WIDE, 0)

        def act(accumulators: IntArray, x: IntArray, bias: IntArray | None) -> None:
            bounds = np.iinfo(x.dtype)
            number, _ = _types_below(largest * max(-bounds.min, bounds.max))
            kernel = _convolve(number.dtype)
            weights, start = flat.astype(number.dtype), _NO_BIAS if bias is None else bias
            kernel(accumulators[:, None], x.astype(np.int32), weights, start, geometry, grid, groups)

        return act

    def requantizer(self, parameters: tuple[IntArray, IntArray, IntArray], clip: Clip) -> Requantize:
        """See :func:`pqc.numerics.requantize.requantize`."""
        records = np.stack(parameters, axis=1).astype(np.int64)

        def act(result: IntArray, accumulators: IntArray, residual: IntArray | None) -> None:
            added = result[:0] if residual is None else _with_dense_rows(residual)
            kernel = _requantize(result.dtype, accumulators.dtype, added.dtype)
            kernel(result, accumulators[:, None], records, added, clip.low, clip.high)

        return act

    def rescale(self, result: IntArray, x: IntArray, multiplier: int, shift: int, clip: Clip) -> None:
        """See :func:`pqc.numerics.requantize.rescale`."""
        _rescale(result.dtype, x.dtype)(result, x, multiplier, vector.Rounding(shift, clip.low, clip.high))

    def add(
        self,
        result: IntArray,
        left: IntArray,
        right: IntArray,
        multipliers: tuple[int, int],
        shift: int,
        clip: Clip,
    ) -> None:
        """See :func:`pqc.numerics.requantize.add`."""
        rounding = vector.Rounding(shift, clip.low, clip.high)
        kernel = _add(result.dtype, left.dtype, right.dtype)
        kernel(result, _with_dense_rows(left), _with_dense_rows(right), multipliers, rounding)


def _with_dense_rows(x: AnyArray) -> AnyArray:
    """``x``, or a copy if the elements of its rows do not follow each other."""
    return x if x.shape[-1] == 1 or x.strides[-1] == x.itemsize else np.ascontiguousarray(x)


def _bytes_or_int32(x: IntArray) -> IntArray:
    """``x`` with dense rows: bytes as they are, all else as int32, so that less is compiled."""
    return _with_dense_rows(x) if x.dtype == np.uint8 else x.astype(np.int32)


def _types_below(limit: int) -> tuple[AnyArray, IntArray]:
    """Empty arrays of the fastest type that holds every integer up to ``limit``, and of the integers for it."""
    if limit < _FLOAT32_LIMIT:
        return np.empty(0, np.float32), np.empty(0, np.int32)
    return np.empty(0, np.float64 if limit < _FLOAT64_LIMIT else np.int64), np.empty(0, np.int64)


def _key_limit(codebook: IntArray, element: Element, metric: Metric, span: int) -> tuple[int, int]:
    """An origin, and a limit that no key and no partial sum reaches with it."""
    low, high = element.minimum, element.maximum
    if metric is not Metric.L2:
        return 0, ((high - low) * codebook.shape[2] + 1) * span
    # distances do not depend on where zero lies, the size of their terms does
    largest, centre = min(
        (largest_key(codebook, low - origin, high - origin, origin), origin) for origin in (0, (low + high + 1) // 2)
    )
    return centre, (largest + 1) * span


def _grid_bounds(x: IntArray, shift: int, element: Element) -> tuple[int, int]:
    """The bounds of the grid, or wide ones if ``x`` cannot leave it."""
    held = np.iinfo(x.dtype)
    inside = shift == 0 and element.minimum <= held.min and held.max <= element.maximum
    return WIDE if inside else (element.minimum, element.maximum)


@cache
def _encode(codes: np.dtype[Any], x: np.dtype[Any], number: np.dtype[Any], integer: np.dtype[Any]) -> Any:
    matching = record(encode.Matching, len(encode.Matching._fields))
    arrays = strided(codes, 4, written=True), strided(x, 4), strided(number, 3), strided(number, 2), dense("i8")
    return compiled(encode.encode, *arrays, _GEOMETRY, _GRID, matching, dense(integer))


@cache
def _accumulate(accumulators: np.dtype[Any], codes: np.dtype[Any], table: np.dtype[Any]) -> Any:
    arrays = strided(accumulators, 4, written=True), strided(codes, 4), strided(table, 4)
    return compiled(lookup.accumulate, *arrays, strided("i4", 1), _INT64)


@cache
def _convolve(number: np.dtype[Any]) -> Any:
    arrays = strided("i4", 4, written=True), strided("i4", 4), strided(number, 2), strided("i4", 1)
    return compiled(convolution.convolve, *arrays, _GEOMETRY, _GRID, _INT64)


@cache
def _requantize(result: np.dtype[Any], accumulators: np.dtype[Any], residual: np.dtype[Any]) -> Any:
    arrays = strided(result, 4, written=True), strided(accumulators, 4), strided("i8", 2), strided(residual, 4)
    return compiled(vector.requantize, *arrays, _INT64, _INT64)


@cache
def _rescale(result: np.dtype[Any], x: np.dtype[Any]) -> Any:
    return compiled(vector.rescale, strided(result, 4, written=True), strided(x, 4), _INT64, _ROUNDING)


@cache
def _add(result: np.dtype[Any], left: np.dtype[Any], right: np.dtype[Any]) -> Any:
    arrays = strided(result, 4, written=True), strided(left, 4), strided(right, 4)
    return compiled(vector.add, *arrays, numba.types.UniTuple(_INT64, 2), _ROUNDING)
