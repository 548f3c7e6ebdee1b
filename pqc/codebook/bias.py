"""Bias correction: what rounding a table added on average, channel by channel, is taken from the bias."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pqc.codebook.table import QuantizedTable
from pqc.numerics.arrays import FloatArray
from pqc.numerics.lookup import largest_sum


def correct_bias(quantized: QuantizedTable, missing: FloatArray, accumulator_bits: int) -> QuantizedTable:
    """Add ``missing`` [outputs], mean of the target less mean of the actual results in real units, to the bias.

    The correction is cut off where a sum could otherwise overflow ``accumulator_bits``.
    """
    limit = (1 << accumulator_bits - 1) - 1
    free = limit - largest_sum(quantized.table, np.zeros_like(quantized.bias))
    wanted = np.floor(quantized.bias + missing.astype(np.float64) / quantized.scale + 0.5)
    bias = np.clip(wanted, -free, free).astype(np.int32)
    margin = 1 - largest_sum(quantized.table, bias) / (limit + 1)
    return replace(quantized, bias=bias, margin=margin)
