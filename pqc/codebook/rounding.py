"""Rounding a table so that the error of the *sum* stays small, not that of each entry.

What rounding a fitted table T to Q costs on the positions that it was fitted to is |L^T (T - Q)|^2, where L L^T are
the normal equations of the refit (lower triangular L; the bias is free and taken out). The i-th term of L^T (T - Q)
holds the errors of entry i and of those behind it. So the last entry is rounded first, and each one before it to the
integer that comes closest to making up for all errors so far: optimal brain quantization (GPTQ), which is Babai's
nearest plane algorithm in the lattice of L^T (E. Frantar, S. Ashkboos, T. Hoefler and D. Alistarh, GPTQ, 2023;
J. Chen et al., The geometry of LLM quantization, 2025). Entries that count most are rounded first, while many are
left that can make up for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.codebook.table import COARSER, QuantizedTable, center, finest_scale, refuse_above
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element
from pqc.numerics.lookup import largest_sum
from pqc.workers import in_parallel

Float64: TypeAlias = npt.NDArray[np.float64]

BLOCK = 128
"""Entries that are rounded one by one; what those before them make up for is one matrix product."""


@dataclass(frozen=True)
class Curvature:
    """What an error in a table costs: the normal equations of its fit, the bias taken out."""

    order: IntArray
    """[entries]: which entry stands where in the factor, the least important one first."""
    factor: FloatArray
    """[entries, entries], lower triangular: the Cholesky factor of the equations in that order. Float32 is enough: what
    entries make up for is rounded to integers."""
    used: FloatArray
    """[entries], the share of positions that look an entry up; entries are subspaces times prototypes."""

    @classmethod
    def of(cls, matrix: FloatArray, used: FloatArray) -> Curvature:
        """That of the equations with a positive definite ``matrix`` [entries, entries]."""
        order = np.argsort(np.diagonal(matrix), kind="stable")
        factor = np.linalg.cholesky(np.take(matrix[order], order, axis=1))
        return cls(order, factor.astype(np.float32), used)


FINER = (1.0, 0.92, 0.84, 0.76, 0.68, 0.6, 0.52, 0.44)
"""Scales that are tried, in units of the finest one that holds every entry: below 1 the largest entries are cut off."""

SHIFTED = (1.0, 0.5, 0.25)
"""The same on a target that only shifts."""


def round_table(
    table: FloatArray,
    bias: FloatArray,
    curvature: Curvature,
    table_bits: int,
    accumulator_bits: int,
    power_of_two_of: float | None = None,
) -> QuantizedTable:
    """Bring a fitted ``table`` [subspaces, prototypes, outputs] and ``bias`` [outputs] onto one grid per output.

    As :func:`pqc.codebook.table.quantize_table`, but for the least error of the sum: of the scales that are tried,
    each output has the one that costs least, and the bias makes up for what rounding adds on average.

    Raises:
        ModelError: no scale fits.
    """
    centered, whole = center(table, bias)
    element = Element(table_bits, signed=True)
    limit = (1 << accumulator_bits - 1) - 1
    scale = finest_scale(centered, whole, element.maximum, limit, power_of_two_of)
    while True:
        scales = [scale * finer for finer in (FINER if power_of_two_of is None else SHIFTED)]
        tried = in_parallel(lambda one: _rounded(centered, whole, curvature, one, element), scales)
        reach = np.array([largest_sum(one.table, one.bias) for one, _ in tried])
        cost = np.where(reach <= limit, np.array([cost for _, cost in tried]), np.inf)
        fits = np.isfinite(cost).any(axis=0)
        if fits.all():
            best = cost.argmin(axis=0)
            return _chosen([one for one, _ in tried], best, limit)
        scale = np.where(fits, scale, scale * (COARSER if power_of_two_of is None else 2))
        refuse_above(scale, power_of_two_of, accumulator_bits)


def _rounded(
    centered: Float64, whole: Float64, curvature: Curvature, scale: Float64, element: Element
) -> tuple[QuantizedTable, Float64]:
    """The integers on the grids of ``scale`` [outputs], and what rounding costs each output."""
    flat = centered.reshape(-1, len(scale)) / scale
    ordered, cost = nearest_plane(flat[curvature.order], curvature.factor, element.minimum, element.maximum)
    rounded = np.empty_like(flat)
    rounded[curvature.order] = ordered
    start = np.floor(whole / scale + curvature.used @ (flat - rounded) + 0.5)
    entries = rounded.reshape(centered.shape).astype(element.storage)
    bias = start.clip(-(2.0**31) + 1, 2.0**31 - 1).astype(np.int32)
    return QuantizedTable(entries, scale, bias, np.zeros_like(scale)), cost * scale**2


def _chosen(tried: Sequence[QuantizedTable], best: IntArray, limit: int) -> QuantizedTable:
    """Of each output the table that ``best`` [outputs] says."""
    outputs = np.arange(len(best))
    table = np.stack([one.table for one in tried])[best, :, :, outputs].transpose(1, 2, 0)
    bias = np.stack([one.bias for one in tried])[best, outputs]
    scale = np.stack([one.scale for one in tried])[best, outputs]
    return QuantizedTable(np.ascontiguousarray(table), scale, bias, 1 - largest_sum(table, bias) / (limit + 1))


def nearest_plane(values: FloatArray, factor: FloatArray, lowest: int, highest: int) -> tuple[Float64, Float64]:
    """Round ``values`` [entries, columns] to integers from ``lowest`` to ``highest``, each column on its own.

    Returns the integers, and of each column what rounding costs: |factor^T (values - integers)|^2.
    """
    errors = np.zeros(values.shape, factor.dtype)
    rounded = np.empty(values.shape)
    cost = np.zeros(values.shape[1])
    for stop in range(len(values), 0, -BLOCK):
        start = max(0, stop - BLOCK)
        pull = factor[stop:, start:stop].T @ errors[stop:]
        for i in range(stop - 1, start - 1, -1):
            here = factor[i, i]
            behind = (pull[i - start] + factor[i + 1 : stop, i] @ errors[i + 1 : stop]) / here
            # np.clip takes longer than both
            rounded[i] = np.minimum(np.maximum(np.floor(values[i] + behind + 0.5), lowest), highest)
            errors[i] = values[i] - rounded[i]
            cost += np.square((errors[i] + behind) * here)
    return rounded, cost
