"""From real tables to the integers that the lookup unit adds up, with a proof that no sum overflows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.errors import ModelError
from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.numerics.element import Element
from pqc.numerics.fixed_point import is_power_of_two
from pqc.numerics.lookup import largest_sum
from pqc.numerics.requantize import MULTIPLIER_BITS

Float64: TypeAlias = npt.NDArray[np.float64]

COARSER = 1.02
"""Factor by which a scale grows while its sums do not fit the accumulator."""

HEADROOM = 1 / 32
"""Part of the accumulator's range that the first choice of a scale leaves to the bias correction."""

LONGEST_LEFT_SHIFT = MULTIPLIER_BITS - 1
"""On a target without multipliers a multiplier is a power of two: a left shift of at most this many bits."""


@dataclass(frozen=True)
class QuantizedTable:
    """The integers of one layer: ``real = scale[o] * (bias[o] + sum over s of table[s, code, o])``."""

    table: IntArray
    """[subspaces, prototypes, outputs], in the numpy type that stores its bits."""
    scale: Float64
    """[outputs], the real value of one unit."""
    bias: IntArray
    """[outputs] int32, on the same scale."""
    margin: Float64
    """[outputs], the part of the accumulator's range that no sum can reach, 0 to 1."""


def plain_table(weight: FloatArray, codebook: AnyArray) -> npt.NDArray[np.float32]:
    """Products of prototypes and weights: [subspaces, prototypes, outputs].

    ``weight`` [outputs, elements], elements in the order of the window; ``codebook`` [subspaces, prototypes, length]
    in real units. Elements behind the last one are padding and count for nothing.
    """
    subspaces, _, length = codebook.shape
    padded = np.zeros((weight.shape[0], subspaces * length), np.float32)
    padded[:, : weight.shape[1]] = weight
    cut = padded.reshape(-1, subspaces, length).transpose(1, 2, 0)
    return codebook.astype(np.float32) @ cut


def quantize_table(
    table: FloatArray,
    bias: FloatArray,
    table_bits: int,
    accumulator_bits: int,
    power_of_two_of: float | None = None,
) -> QuantizedTable:
    """Bring a real ``table`` [subspaces, prototypes, outputs] and ``bias`` [outputs] onto one grid per output.

    Every subspace is centered first (exactly one of its entries counts in each sum, so its middle belongs to the
    bias). The scale is the finest one that holds every entry in ``table_bits`` and whose sums are proven to fit
    ``accumulator_bits``. With ``power_of_two_of``, the scale of the tensor that the sums end up in, each scale is
    that one times a power of two, so that a shift does the rest; not above 2^LONGEST_LEFT_SHIFT.

    Raises:
        ModelError: no such scale exists.
    """
    centered, whole = center(table, bias)
    element = Element(table_bits, signed=True)
    limit = (1 << accumulator_bits - 1) - 1
    scale = finest_scale(centered, whole, element.maximum, limit, power_of_two_of)
    while True:
        entries = element.clip(np.floor(centered / scale + 0.5).astype(np.int64))
        start = np.floor(whole / scale + 0.5).astype(np.int64).astype(np.int32)
        reach = largest_sum(entries, start)
        if (reach <= limit).all():
            return QuantizedTable(entries, scale, start, 1 - reach / (limit + 1))
        scale = np.where(reach <= limit, scale, scale * (COARSER if power_of_two_of is None else 2))
        refuse_above(scale, power_of_two_of, accumulator_bits)


def proven_margin(table: IntArray, bias: IntArray, accumulator_bits: int) -> Float64:
    """The part of the accumulator's range, 0 to 1 for each output, that no sum of given integers can reach.

    ``table`` [subspaces, prototypes, outputs], ``bias`` [outputs].

    Raises:
        ModelError: a sum could overflow.
    """
    limit = (1 << accumulator_bits - 1) - 1
    reach = largest_sum(table, bias)
    worst = int(np.argmax(reach))
    if reach[worst] > limit:
        raise ModelError(
            f"sums of output channel {worst} can reach {reach[worst]}, accumulators of {accumulator_bits} bits hold "
            f"{limit}"
        )
    margin: Float64 = 1 - reach / (limit + 1)
    return margin


def check_shifts(scale: Float64, power_of_two_of: float | None) -> None:
    """Check that every scale [outputs] is ``power_of_two_of`` times a power of two, not above the longest left shift.

    None stands for a target that multiplies, which takes any scale.

    Raises:
        ModelError: a target that only shifts cannot requantize sums on such a scale.
    """
    if power_of_two_of is None:
        return
    for output, one in enumerate(scale.tolist()):
        if not is_power_of_two(one / power_of_two_of):
            raise ModelError(
                f"the step of output channel {output} is {one:.9g}, no power of two times its result's scale "
                f"{power_of_two_of:.9g}, which a target that only shifts needs"
            )
    refuse_above(scale, power_of_two_of, None)


def center(table: FloatArray, bias: FloatArray) -> tuple[Float64, Float64]:
    """The same layer with the middle of each subspace's entries in the bias."""
    middle = (table.max(axis=1) + table.min(axis=1)).astype(np.float64) / 2
    return table.astype(np.float64) - middle[:, None, :], bias.astype(np.float64) + middle.sum(axis=0)


def finest_scale(centered: Float64, whole: Float64, largest: int, limit: int, power_of_two_of: float | None) -> Float64:
    """The scale at which entries just fit their bits and the real sums just fit the accumulator, per output."""
    entries = np.abs(centered).max(axis=(0, 1)) / largest
    sums = (np.abs(centered).max(axis=1).sum(axis=0) + np.abs(whole)) / (limit * (1 - HEADROOM))
    scale = np.maximum(entries, sums)
    if power_of_two_of is None:
        smallest = np.finfo(np.float64).tiny
        return np.where(scale > smallest, scale, 1.0)
    exponents = np.ceil(np.log2(np.maximum(scale / power_of_two_of, 2.0**-24)) - 1e-9)
    result: Float64 = power_of_two_of * np.exp2(exponents)
    refuse_above(result, power_of_two_of, None)
    return result


def largest_step(
    weight: FloatArray, bias: FloatArray, reach: float, length: int, table_bits: int, accumulator_bits: int
) -> float:
    """What the scales of :func:`quantize_table` stay below for tables of this layer, before it has prototypes.

    It holds for products of prototypes and weights; entries that were fitted otherwise can ask for more.

    Args:
        weight: [outputs, ...], each output's elements in any order.
        bias: [outputs].
        reach: the magnitude of an input's elements at most, and so of those of prototypes, which are means of inputs.
        length: of a subspace.
        table_bits: of an entry.
        accumulator_bits: of a sum.
    """
    rows = np.abs(weight.reshape(weight.shape[0], -1).astype(np.float64)) * reach
    length = min(length, rows.shape[1])
    entries = np.partition(rows, -length)[:, -length:].sum(axis=1)
    # twice: centering moves as much as the entries have into the bias
    sums = 2 * rows.sum(axis=1) + np.abs(bias.astype(np.float64))
    limit = (1 << accumulator_bits - 1) - 1
    largest = Element(table_bits, signed=True).maximum
    return float(np.maximum(entries / largest, sums / (limit * (1 - HEADROOM))).max())


def refuse_above(scale: Float64, power_of_two_of: float | None, accumulator_bits: int | None) -> None:
    """Stop where a longer left shift would be needed than there is."""
    if power_of_two_of is None or (scale <= power_of_two_of * 2.0**LONGEST_LEFT_SHIFT * (1 + 1e-9)).all():
        return
    worst = int(np.argmax(scale))
    exponent = math.log2(float(scale[worst]) / power_of_two_of)
    reason = "its entries" if accumulator_bits is None else f"its sums in {accumulator_bits} bits"
    raise ModelError(
        f"the table of output channel {worst} needs a scale 2^{exponent:.0f} times its result's to hold {reason}, "
        f"a target that only shifts allows at most 2^{LONGEST_LEFT_SHIFT} times"
    )
