"""Conventional convolution over planes: each output adds up shifted planes, nine taps at a time."""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import AnyArray, IntArray
from pqc.numerics.compiled.jit import inner
from pqc.numerics.compiled.planes import (
    Geometry,
    Grid,
    fill_planes,
    frames_at_once,
    plane_columns,
    plane_elements,
    positions,
    tap_offset,
)
from pqc.numerics.compiled.rows import part, row

TAPS = 9
"""Taps of one pass over the positions."""


@inner
def add_nine_taps(sums: AnyArray, x: AnyArray, o: IntArray, c: AnyArray) -> None:
    """Add nine products to ``sums``."""
    n = sums.size
    x0, x1, x2 = part(x, o[0], n), part(x, o[1], n), part(x, o[2], n)
    x3, x4, x5 = part(x, o[3], n), part(x, o[4], n), part(x, o[5], n)
    x6, x7, x8 = part(x, o[6], n), part(x, o[7], n), part(x, o[8], n)
    c0, c1, c2, c3, c4, c5, c6, c7, c8 = c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7], c[8]
    for j in range(n):
        u = sums[j] + x0[j] * c0 + x1[j] * c1 + x2[j] * c2 + x3[j] * c3 + x4[j] * c4
        sums[j] = u + x5[j] * c5 + x6[j] * c6 + x7[j] * c7 + x8[j] * c8


@inner
def add_output(
    accumulators: IntArray, sums: AnyArray, first_frame: int, frames: int, output: int, bias: IntArray, g: Geometry
) -> None:
    """Add the sums of all positions to one output of some frames, or to the bias if there is one; 32 bits wrap."""
    columns = plane_columns(g)
    for f in range(frames):
        target = row(accumulators, first_frame + f, 0, output)
        for y in range(g.rows):
            part = target[y * g.columns : (y + 1) * g.columns]
            found = sums[(y * frames + f) * columns :]
            for v in range(part.size):
                part[v] = int(found[v]) + (bias[0] if bias.size else part[v])


def convolve(
    accumulators: IntArray,
    x: IntArray,
    weight: AnyArray,
    bias: IntArray,
    geometry: Geometry,
    grid: Grid,
    groups: int,
) -> None:
    """Add a grouped convolution to ``accumulators`` [frames, 1, outputs, rows * columns].

    ``x`` [frames, channels, height, width], ``weight`` [outputs, elements of a group's window], ``bias`` [outputs], or
    empty where the accumulators hold what to start from. The type of ``weight`` holds every partial sum.
    """
    outputs, depth = weight.shape
    channels, of_group = x.shape[1], outputs // groups
    rounded = (depth + TAPS - 1) // TAPS * TAPS
    c = np.zeros(rounded, weight.dtype)
    at_once = frames_at_once(geometry, x.shape[0])
    memory = np.empty(plane_elements(geometry, at_once, channels), weight.dtype)
    sums = np.empty(positions(geometry, at_once), weight.dtype)
    offsets = np.empty((groups, rounded), np.int64)
    behind = channels * geometry.kernel_height * geometry.kernel_width
    for first_frame in range(0, x.shape[0], at_once):
        frames = min(at_once, x.shape[0] - first_frame)
        planes = memory[: plane_elements(geometry, frames, channels)]
        fill_planes(planes, x, first_frame, frames, 0, channels, geometry, grid)
        count = positions(geometry, frames)
        for group in range(groups):
            for k in range(rounded):
                element = group * depth + k if k < depth else behind
                offsets[group, k] = tap_offset(element, channels, geometry, frames)
        for output in range(outputs):
            c[:depth] = weight[output]
            sums[:count] = 0
            for k in range(0, rounded, TAPS):
                add_nine_taps(sums[:count], planes, offsets[output // of_group, k:], c[k:])
            add_output(accumulators, sums, first_frame, frames, output, bias[output : output + 1], geometry)
