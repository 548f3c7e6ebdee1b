"""From real ranges, weights and bounds to grids and integers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.errors import ModelError
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element
from pqc.numerics.fixed_point import fixed_point, power_of_two_at_least
from pqc.numerics.requantize import Clip

Float64: TypeAlias = npt.NDArray[np.float64]

CONVENTIONAL_LIMIT = (1 << 31) - 1
"""The largest sum of the conventional unit."""

RESIDUAL_LIMIT = (1 << 31) - 1
"""The largest residual multiplier."""

LOPSIDED = 3
"""An input is, if it reaches more than so many times as far on one side of zero as on the other."""

LOPSIDED_BITS = 4
"""What it gets on top: a grid that is the same on both sides of zero leaves it little more than half of its steps."""

MOST_BITS = 16
"""Of an activation."""


@dataclass(frozen=True)
class QuantizedWeights:
    """Integers of a conventional layer: ``real = scale[o] * (bias[o] + sum of weight[o, ...] * x)``."""

    weight: IntArray
    """As the real weights, in the numpy type that stores the bits."""
    bias: IntArray
    """[outputs] int32."""
    scale: Float64
    """[outputs], the real value of one unit of the accumulator."""


@dataclass(frozen=True)
class Requantization:
    """Parameters per output, each [outputs] int32; ``residual_multiplier`` is zero without a residual."""

    multiplier: IntArray
    shift: IntArray
    residual_multiplier: IntArray


def choose_grid(low: float, high: float, bits: int, power_of_two: bool) -> tuple[Element, float]:
    """The element type and scale that just hold [low, high]: unsigned where nothing is negative.

    With ``power_of_two`` the scale is the next larger power of two. An empty range gives scale 1.
    """
    element = Element(bits, signed=low < 0)
    reach = max(abs(low), abs(high)) / element.maximum
    if not reach > 0:
        return element, 1.0
    return element, power_of_two_at_least(reach) if power_of_two else reach


def input_bits(low: float, high: float, bits: int, most: int = MOST_BITS) -> int:
    """How many bits an input of the network with values in [low, high] gets where ``bits`` are asked for in general.

    Between layers a wider tensor would cost memory and transfers; at the input that is little. What it gets on top ends
    at ``most``.
    """
    near, far = sorted((-low, high))
    return max(bits, min(bits + LOPSIDED_BITS, most)) if low < 0 and far > LOPSIDED * near else bits


def power_of_two_steps(weight: FloatArray, element: Element) -> Float64:
    """For each output of ``weight`` [outputs, ...] the finest power of two whose multiples in ``element`` hold it.

    All its values must be such multiples, exactly; where they are not, 0. Finest, not coarsest: the bias, which shares
    the grid, keeps more of its digits. Zeros alone count as if the largest value was 1.
    """
    rows = weight.reshape(weight.shape[0], -1).astype(np.float64)
    reach = np.maximum(rows.max(axis=1) / element.maximum, rows.min(axis=1) / element.minimum)
    mantissa, exponent = np.frexp(np.where(reach > 0, reach, 1 / element.maximum))
    steps = np.ldexp(1.0, np.where(mantissa == 0.5, exponent - 1, exponent))
    integers = rows / steps[:, None]
    held = (integers == np.floor(integers)).all(axis=1)
    result: Float64 = np.where(held, steps, 0.0)
    return result


LARGEST_COUNT = 255
"""The largest integer of weights whose steps are looked for."""

_SAMPLED = 16
"""Weights of an output that are tried on all steps; what they lie on is tried on the others."""

_NEAR = 2.0**-15
"""Of a step: as far may weights in float32 lie from whole numbers of it."""


def uniform_steps(weight: FloatArray, element: Element) -> Float64:
    """For each output of ``weight`` [outputs, ...] a step whose multiples in ``element`` its values are; 0 for none.

    Weights that were quantized before have one: the largest, divided by some whole number up to ``LARGEST_COUNT``. Of
    several steps it is the finest.
    """
    rows = weight.reshape(weight.shape[0], -1).astype(np.float64)
    largest = np.abs(rows).max(axis=1)
    parts = np.divide(rows, largest[:, None], out=np.zeros_like(rows), where=largest[:, None] > 0)
    sample = parts[:, :: max(1, parts.shape[1] // _SAMPLED)]
    steps: Float64 = np.zeros(len(rows))
    open_rows = largest > 0
    for count in range(min(element.maximum, LARGEST_COUNT), 0, -1):
        tried = np.flatnonzero(open_rows)
        tried = tried[_are_whole(sample[tried] * count)]
        tried = tried[_are_whole(parts[tried] * count)]
        steps[tried] = largest[tried] / count
        open_rows[tried] = False
    return steps


def _are_whole(values: Float64) -> npt.NDArray[np.bool_]:
    """Which rows hold whole numbers alone, as far as float32 says."""
    return np.all(np.abs(values - np.floor(values + 0.5)) <= _NEAR, axis=1)


def quantize_weights(
    weight: FloatArray, bias: FloatArray, bits: int, source: Element, source_scale: float, power_of_two_of: float | None
) -> QuantizedWeights:
    """Bring ``weight`` [outputs, ...] onto one symmetric grid per output, and ``bias`` onto the accumulator's.

    Weights that lie on a grid of powers of two already (:func:`power_of_two_steps`), or on another grid that was chosen
    before (:func:`uniform_steps`, not with ``power_of_two_of``), keep their values.

    With ``power_of_two_of``, the scale of the tensor that the sums end up in, each accumulator scale is that one
    times a power of two, so that requantization is a shift.

    Raises:
        ModelError: a sum could leave the 32-bit accumulator.
    """
    element = Element(bits, signed=True)
    largest = np.abs(weight.reshape(weight.shape[0], -1).astype(np.float64)).max(axis=1)
    scale = np.where(largest > 0, largest, 1.0) / element.maximum * source_scale
    # a bias beyond the accumulator (next to vanishing weights) asks for a coarser grid
    scale = np.maximum(scale, np.abs(bias.astype(np.float64)) / (CONVENTIONAL_LIMIT // 2))
    exact = power_of_two_steps(weight, element) * source_scale
    if power_of_two_of is None:
        exact = np.where(exact > 0, exact, uniform_steps(weight, element) * source_scale)
    keeps = (exact > 0) & (np.abs(bias.astype(np.float64)) <= exact * (CONVENTIONAL_LIMIT // 2))
    if power_of_two_of is not None:
        scale = power_of_two_of * np.exp2(np.ceil(np.log2(scale / power_of_two_of) - 1e-9))
        # such a grid is kept where it holds the weights: rounded weights get the integers that they were rounded to
        rows = weight.reshape(weight.shape[0], -1).astype(np.float64) / (scale / source_scale)[:, None]
        keeps &= (rows != np.floor(rows)).any(axis=1)
    scale = np.where(keeps, exact, scale)
    step = (scale / source_scale).reshape(-1, *[1] * (weight.ndim - 1))
    integers = element.clip(np.floor(weight.astype(np.float64) / step + 0.5).astype(np.int64))
    start = np.floor(bias.astype(np.float64) / scale + 0.5).astype(np.int64)
    magnitude = max(-source.minimum, source.maximum)
    reach = np.abs(integers.astype(np.int64)).reshape(weight.shape[0], -1).sum(axis=1) * magnitude + np.abs(start)
    if int(reach.max()) > CONVENTIONAL_LIMIT:
        raise ModelError(f"sums of up to {int(reach.max())} do not fit a 32-bit accumulator; use fewer activation bits")
    return QuantizedWeights(integers, start.astype(np.int32), scale)


def requantization(scale: Float64, result_scale: float, residual_scale: float | None) -> Requantization:
    """Multipliers and shifts that bring accumulators of ``scale`` [outputs], and a residual, onto ``result_scale``.

    A ratio that is a power of two gives the multiplier 1.

    Raises:
        ModelError: a ratio is too large to be held.
    """
    ratio = 0.0 if residual_scale is None else residual_scale / result_scale
    if ratio > RESIDUAL_LIMIT:
        raise ModelError(f"a residual cannot be requantized: ratio of scales = {ratio}, allowed is {RESIDUAL_LIMIT}")
    # the residual multiplier is ratio * 2^shift and must fit its field
    longest = 40 if ratio == 0 else max(0, math.floor(math.log2(RESIDUAL_LIMIT / ratio)))
    multipliers, shifts = np.zeros(scale.size, np.int32), np.zeros(scale.size, np.int32)
    for index, one in enumerate(scale / result_scale):
        multipliers[index], shifts[index] = _multiplier_and_shift(float(one), longest)
    residual = np.floor(ratio * np.exp2(shifts.astype(np.float64)) + 0.5).astype(np.int64)
    return Requantization(multipliers, shifts, residual.astype(np.int32))


def _multiplier_and_shift(ratio: float, longest: int) -> tuple[int, int]:
    try:
        multiplier, shift = fixed_point(ratio)
    except ValueError as error:
        raise ModelError(f"activations cannot be requantized: {error}") from error
    if shift > longest:
        multiplier, shift = (multiplier + (1 << shift - longest - 1)) >> shift - longest, longest
    while multiplier and multiplier % 2 == 0 and shift > 0:
        multiplier, shift = multiplier // 2, shift - 1
    return multiplier, shift


def elementwise(*ratios: float) -> tuple[tuple[int, ...], int]:
    """Multipliers for operands whose scales are ``ratios`` of the result's, and the one right shift they share.

    Raises:
        ModelError: a ratio is too large to be held.
    """
    try:
        _, shift = fixed_point(max(ratios))
    except ValueError as error:
        raise ModelError(f"activations cannot be brought onto one grid: {error}") from error
    return tuple(math.floor(ratio * 2.0**shift + 0.5) for ratio in ratios), shift


def clip_to_grid(low: float | None, high: float | None, element: Element, scale: float) -> Clip:
    """Real bounds as integers on a grid, inside what its element type holds."""
    bottom = element.minimum if low is None else math.floor(max(low / scale, -(2.0**17)) + 0.5)
    top = element.maximum if high is None else math.floor(min(high / scale, 2.0**17) + 0.5)
    bottom = min(max(bottom, element.minimum), element.maximum)
    return Clip(element, bottom, max(bottom, min(top, element.maximum)))
