"""The PQA paper's conventional accelerator (DLA), with which it compares: its cycles and its area.

Source: the analytical model that the paper's authors released (arXiv 2305.18334). With K outputs, C channels, an input
of H * W, a kernel of FH * FW and stride S:

    Calc = floor(ceil(K / 48) * (H / S) * ceil((W / S) / 4) * (FW / 3) * FH * ceil(C / 8))
    Init = ceil(16 * K * C * FH * FW / B)

Its array has Kvec = 48 output, Cvec = 8 channel, Qvec = 4 column and Svec = 3 kernel-column lanes.
"""

from __future__ import annotations

from enum import Enum
from math import ceil, floor

from pqc.planning.paper_cycles import PaperCycles

OUTPUT_LANES = 48
CHANNEL_LANES = 8
COLUMN_LANES = 4
KERNEL_COLUMN_LANES = 3
WEIGHT_BITS = 16

CONVENTIONAL_DSP = 2304
"""0.5 * (Wvec - Qvec + 1) * Qvec * Kvec * Cvec with Wvec = 6."""

CONVENTIONAL_M20K = 1152
"""Wvec * Cvec * Kvec / 2."""

CONVENTIONAL_AREA = 3.0 * CONVENTIONAL_DSP + 4.0 * CONVENTIONAL_M20K + 330.0 * OUTPUT_LANES
"""Area of the paper's conventional accelerator in CLBs: 27,360."""


class KernelPasses(Enum):
    """How a kernel with fewer columns than there are lanes for them is billed."""

    FRACTION = "fraction"
    """As that part of a pass, as in the released model: a 1x1 convolution takes a third of one."""
    WHOLE = "whole"
    """As a whole pass, as ceil(FW / 3): what an array whose lanes idle would take."""


def conventional_cycles(
    channels: int,
    outputs: int,
    height: int,
    width: int,
    kernel: tuple[int, int],
    stride: int,
    bits_per_cycle: int,
    passes: KernelPasses = KernelPasses.FRACTION,
) -> PaperCycles:
    """Cycles of one convolution on the paper's conventional accelerator; ``height`` and ``width`` are the input's.

    The released model's figures come from floating point, rounded down, in this order of factors: in exact arithmetic
    some would be one cycle more.
    """
    strips = ceil(width / stride / COLUMN_LANES)
    share = kernel[1] / KERNEL_COLUMN_LANES
    if passes is KernelPasses.WHOLE:
        share = ceil(share)
    groups = _up(outputs, OUTPUT_LANES), _up(channels, CHANNEL_LANES)
    calc = floor(groups[0] * (height / stride) * strips * share * kernel[0] * groups[1])
    weights = outputs * channels * kernel[0] * kernel[1]
    return PaperCycles(_up(WEIGHT_BITS * weights, bits_per_cycle), calc)


def _up(value: int, divisor: int) -> int:
    return -(-value // divisor)
