"""Prototype matching that walks the windows where the activations lie: no patches are stored.

Activations go to planes (:mod:`pqc.numerics.compiled.planes`), a few frames at a time. Matching is then a matter of a
few long loops without branches, with an output position in each vector lane.

As in :mod:`pqc.numerics.encode`, the index of a prototype stands in the low bits of its distance, so that the smallest
key breaks ties by itself. The caller chooses a type in which all keys and all partial sums are exact.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from pqc.numerics.arrays import AnyArray, IntArray
from pqc.numerics.compiled.jit import glue, inner
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

BEHIND = 1 << 40
"""The number of an element that lies behind every window."""

AT_ONCE = 4
"""Prototypes of one pass: each tap that is read serves all of them."""

BLOCK = 2048
"""Positions that are matched with all prototypes before the next ones are: so many stay in the first cache."""

TAPS, FEW_TAPS = 9, 3
"""Taps of one pass over the positions, and of one where there are so few, or too many for a single pass."""

L2, L1 = 0, 1
"""The values of :class:`pqc.numerics.encode.Metric`; the third is the largest difference."""


class Matching(NamedTuple):
    """How prototypes are matched.

    ``prototypes`` and ``taps`` are rounded up to what the loops take at once; ``span`` is a power of two above every
    index; all keys are below ``limit``.
    """

    subspaces: int
    length: int
    metric: int
    prototypes: int
    taps: int
    span: int
    limit: int


def rounded_shape(prototypes: int, length: int, metric: int) -> tuple[int, int]:
    """Prototypes and taps of a codebook, rounded up to what the loops take at once."""
    if metric == L2 and length <= TAPS:
        return -(-prototypes // AT_ONCE) * AT_ONCE, FEW_TAPS if length <= FEW_TAPS else TAPS
    return prototypes, -(-length // FEW_TAPS) * FEW_TAPS


def coefficients(codebook: IntArray, matching: Matching, centre: int, kind: np.dtype[Any]) -> tuple[AnyArray, AnyArray]:
    """Coefficients [subspaces, prototypes, taps] and constants [subspaces, prototypes] of the keys.

    With the squared distance key = constant + coefficients . x, else key = span * distance from the coefficients +
    constant. What rounds up the taps finds zeros, at the distance 0; what rounds up the prototypes has the key of the
    first one plus the span, which is never the smallest. ``codebook`` [subspaces, prototypes, length] is int64; where
    all subspaces share one it is [1, prototypes, length].
    """
    _, prototypes, length = codebook.shape
    subspaces = matching.subspaces
    more = ((0, 0), (0, matching.prototypes - prototypes), (0, 0))
    p = np.concatenate([codebook, np.repeat(codebook[:, :1], more[1][1], axis=1)], axis=1) - centre
    constants = np.where(np.arange(matching.prototypes) < prototypes, np.arange(matching.prototypes), matching.span)
    scale, behind = 1, -centre
    if matching.metric == L2:
        constants = constants + matching.span * np.square(p).sum(axis=2)
        scale, behind = -2 * matching.span, 0
    c = np.full((subspaces, matching.prototypes, matching.taps), behind, kind)
    c[:, :, :length] = scale * p
    return c, np.broadcast_to(constants, c.shape[:2]).astype(kind)


@inner
def nearest_of_nine_taps(best: AnyArray, x: AnyArray, o: IntArray, c: AnyArray, k: AnyArray) -> None:
    """Smallest key of ``best`` and four prototypes: ``k[p]`` + ``c[p]`` . taps, nine of them."""
    n = best.size
    x0, x1, x2, x3 = part(x, o[0], n), part(x, o[1], n), part(x, o[2], n), part(x, o[3], n)
    x4, x5, x6, x7, x8 = part(x, o[4], n), part(x, o[5], n), part(x, o[6], n), part(x, o[7], n), part(x, o[8], n)
    p, q, r, s = c[0], c[1], c[2], c[3]
    p0, p1, p2, p3, p4, p5, p6, p7, p8 = p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], p[8]
    q0, q1, q2, q3, q4, q5, q6, q7, q8 = q[0], q[1], q[2], q[3], q[4], q[5], q[6], q[7], q[8]
    r0, r1, r2, r3, r4, r5, r6, r7, r8 = r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], r[8]
    s0, s1, s2, s3, s4, s5, s6, s7, s8 = s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8]
    k0, k1, k2, k3 = k[0], k[1], k[2], k[3]
    for j in range(n):
        u = k0 + x0[j] * p0 + x1[j] * p1 + x2[j] * p2 + x3[j] * p3 + x4[j] * p4
        v = k1 + x0[j] * q0 + x1[j] * q1 + x2[j] * q2 + x3[j] * q3 + x4[j] * q4
        w = k2 + x0[j] * r0 + x1[j] * r1 + x2[j] * r2 + x3[j] * r3 + x4[j] * r4
        z = k3 + x0[j] * s0 + x1[j] * s1 + x2[j] * s2 + x3[j] * s3 + x4[j] * s4
        u += x5[j] * p5 + x6[j] * p6 + x7[j] * p7 + x8[j] * p8
        v += x5[j] * q5 + x6[j] * q6 + x7[j] * q7 + x8[j] * q8
        w += x5[j] * r5 + x6[j] * r6 + x7[j] * r7 + x8[j] * r8
        z += x5[j] * s5 + x6[j] * s6 + x7[j] * s7 + x8[j] * s8
        u = v if v < u else u
        w = z if z < w else w
        u = w if w < u else u
        best[j] = u if u < best[j] else best[j]


@inner
def nearest_of_three_taps(best: AnyArray, x: AnyArray, o: IntArray, c: AnyArray, s: AnyArray) -> None:
    """Smallest key of ``best`` and four prototypes: ``s[p]`` + ``c[p]`` . taps, three of them."""
    n = best.size
    x0, x1, x2 = part(x, o[0], n), part(x, o[1], n), part(x, o[2], n)
    p00, p01, p02, p10, p11, p12 = c[0, 0], c[0, 1], c[0, 2], c[1, 0], c[1, 1], c[1, 2]
    p20, p21, p22, p30, p31, p32 = c[2, 0], c[2, 1], c[2, 2], c[3, 0], c[3, 1], c[3, 2]
    s0, s1, s2, s3 = s[0], s[1], s[2], s[3]
    for j in range(n):
        u = s0 + x0[j] * p00 + x1[j] * p01 + x2[j] * p02
        v = s1 + x0[j] * p10 + x1[j] * p11 + x2[j] * p12
        w = s2 + x0[j] * p20 + x1[j] * p21 + x2[j] * p22
        z = s3 + x0[j] * p30 + x1[j] * p31 + x2[j] * p32
        u = v if v < u else u
        w = z if z < w else w
        u = w if w < u else u
        best[j] = u if u < best[j] else best[j]


@inner
def add_three_taps(sums: AnyArray, x: AnyArray, o: IntArray, c: AnyArray, metric: int) -> None:
    """Add three taps to the distances ``sums`` from one prototype; to the largest difference add means compare."""
    n = sums.size
    x0, x1, x2 = part(x, o[0], n), part(x, o[1], n), part(x, o[2], n)
    c0, c1, c2 = c[0], c[1], c[2]
    if metric == L2:
        for j in range(n):
            sums[j] += x0[j] * c0 + x1[j] * c1 + x2[j] * c2
    elif metric == L1:
        for j in range(n):
            sums[j] += abs(x0[j] - c0) + abs(x1[j] - c1) + abs(x2[j] - c2)
    else:
        for j in range(n):
            u, v, w = abs(x0[j] - c0), abs(x1[j] - c1), abs(x2[j] - c2)
            u = v if v > u else u
            u = w if w > u else u
            sums[j] = u if u > sums[j] else sums[j]


@inner
def keep_nearest(best: AnyArray, sums: AnyArray, scale: float, index: float) -> None:
    """Smallest key of ``best`` and the distances from one prototype."""
    for j in range(best.size):
        key = sums[j] * scale + index
        best[j] = key if key < best[j] else best[j]


@glue
def match_block(
    best: AnyArray,
    sums: AnyArray,
    planes: AnyArray,
    offsets: IntArray,
    c: AnyArray,
    constants: AnyArray,
    matching: Matching,
) -> None:
    """The smallest keys of a block of positions; ``c`` [prototypes, taps], both rounded up."""
    number, l2 = best.dtype.type, matching.metric == L2
    best[:] = number(matching.limit)
    if l2 and matching.taps == TAPS:
        for p in range(0, matching.prototypes, AT_ONCE):
            nearest_of_nine_taps(best, planes, offsets, c[p : p + AT_ONCE], constants[p : p + AT_ONCE])
    elif l2 and matching.taps == FEW_TAPS:
        for p in range(0, matching.prototypes, AT_ONCE):
            nearest_of_three_taps(best, planes, offsets, c[p : p + AT_ONCE], constants[p : p + AT_ONCE])
    else:
        for p in range(matching.prototypes):
            sums[:] = constants[p] if l2 else number(0)
            for k in range(0, matching.taps, FEW_TAPS):
                add_three_taps(sums, planes, offsets[k:], c[p, k:], matching.metric)
            scale, index = (number(1), number(0)) if l2 else (number(matching.span), constants[p])
            keep_nearest(best, sums, scale, index)


@inner
def take_indices(line: IntArray, best: AnyArray, keys: IntArray, span: int) -> None:
    """The indices in the low bits of keys."""
    for j in range(line.size):
        keys[j] = best[j]
    for j in range(line.size):
        line[j] = keys[j] & (span - 1)


@inner
def write_codes(codes: IntArray, line: IntArray, first_frame: int, frames: int, subspace: int, g: Geometry) -> None:
    """Take from the codes of all positions those of some frames."""
    columns = plane_columns(g)
    for y in range(g.rows):
        for f in range(frames):
            source, target = part(line, (y * frames + f) * columns, g.columns), row(codes, first_frame + f, subspace, y)
            for v in range(g.columns):
                target[v] = source[v]


@glue
def match_frames(
    codes: IntArray,
    planes: AnyArray,
    first_frame: int,
    frames: int,
    starts: IntArray,
    first_channel: int,
    channels: int,
    c: AnyArray,
    constants: AnyArray,
    g: Geometry,
    matching: Matching,
    integer: IntArray,
) -> None:
    """Write the codes of some frames, whose ``channels`` from ``first_channel`` on are in ``planes``."""
    count, origin = positions(g, frames), first_channel * g.kernel_height * g.kernel_width
    line, offsets = np.empty(count, codes.dtype), np.empty(matching.taps, np.int64)
    best, sums, keys = np.empty(BLOCK, planes.dtype), np.empty(BLOCK, planes.dtype), np.empty(BLOCK, integer.dtype)
    for s in range(matching.subspaces):
        for k in range(matching.taps):
            tap = starts[s] - origin + k if k < matching.length else BEHIND
            offsets[k] = tap_offset(tap, channels, g, frames)
        for j in range(0, count, BLOCK):
            n = min(BLOCK, count - j)
            match_block(best[:n], sums[:n], planes[j:], offsets, c[s], constants[s], matching)
            take_indices(line[j : j + n], best, keys, matching.span)
        write_codes(codes, line, first_frame, frames, s, g)


def encode(
    codes: IntArray,
    x: IntArray,
    c: AnyArray,
    constants: AnyArray,
    starts: IntArray,
    geometry: Geometry,
    grid: Grid,
    matching: Matching,
    integer: IntArray,
) -> None:
    """Write ``codes`` [frames, subspaces, rows, columns] of ``x`` [frames, channels, height, width].

    ``starts`` are the first window elements of the subspaces, ascending. ``c`` and ``constants`` as
    :func:`coefficients` gives them; keys are taken apart in the type of ``integer``.
    """
    taps = geometry.kernel_height * geometry.kernel_width
    first_channel = starts[0] // taps
    last = min(starts[-1] + matching.length, x.shape[1] * taps)
    channels = max(0, (last + taps - 1) // taps - first_channel)
    at_once = frames_at_once(geometry, x.shape[0])
    memory = np.empty(plane_elements(geometry, at_once, channels), c.dtype)
    for first_frame in range(0, x.shape[0], at_once):
        frames = min(at_once, x.shape[0] - first_frame)
        planes = memory[: plane_elements(geometry, frames, channels)]
        fill_planes(planes, x, first_frame, frames, first_channel, channels, geometry, grid)
        match_frames(
            codes,
            planes,
            first_frame,
            frames,
            starts,
            first_channel,
            channels,
            c,
            constants,
            geometry,
            matching,
            integer,
        )
