"""Weights of conventional layers on grids of powers of two, on which plain convolutions are exact in float32."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import FloatArray
from pqc.numerics.element import Element

Float32: TypeAlias = npt.NDArray[np.float32]


def on_powers_of_two(weight: FloatArray, bias: FloatArray, bits: int, source_scale: float) -> tuple[Float32, Float32]:
    """``weight`` [outputs, ...] and ``bias`` [outputs] rounded so that quantizing them changes nothing any more.

    The weights of each output become multiples of the finest power of two that holds all of them in ``bits``, its bias
    a multiple of that times ``source_scale``, the scale of what the layer reads. Where that scale is a power of two,
    float32 computes the layer exactly as long as its sums stay below 2^24 of these units, and
    :func:`pqc.numerics.quantization.quantize_weights` finds the same integers again.
    """
    element = Element(bits, signed=True)
    rows = weight.reshape(weight.shape[0], -1).astype(np.float64)
    largest = np.abs(rows).max(axis=1)
    mantissa, exponent = np.frexp(np.where(largest > 0, largest, 1.0) / element.maximum)
    step = np.ldexp(1.0, np.where(mantissa == 0.5, exponent - 1, exponent))
    integers = np.floor(rows / step[:, None] + 0.5).clip(-element.maximum, element.maximum)
    unit = step * source_scale
    start = np.floor(bias.astype(np.float64) / unit + 0.5)
    return (integers * step[:, None]).reshape(weight.shape).astype(np.float32), (start * unit).astype(np.float32)
