"""Where training starts: prototypes by k-means on what a layer sees, and the table of their products with weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.codebook.kmeans import fit_codebook, weight_metric
from pqc.codebook.sampling import sample_positions, sample_vectors
from pqc.codebook.table import plain_table
from pqc.errors import ModelError
from pqc.numerics.arrays import FloatArray
from pqc.numerics.element import Element
from pqc.numerics.encode import onto_grid
from pqc.numerics.grouping import Cut, Grouping
from pqc.numerics.quantization import choose_grid
from pqc.numerics.window import Window

Float32: TypeAlias = npt.NDArray[np.float32]

SAMPLES = 8192
"""Subvectors of each subspace that k-means sees."""


@dataclass(frozen=True)
class InitialLayer:
    """The grid of the input, and what is learned."""

    element: Element
    scale: float
    codebook: Float32
    """[groups, prototypes, length], in units of its own grid."""
    table: Float32
    """[subspaces, prototypes, outputs], real."""


def initial_layer(
    x: FloatArray,
    weight: FloatArray,
    window: Window,
    cut: Cut,
    *,
    prototypes: int,
    activation_bits: int,
    prototype_bits: int,
    seed: int,
) -> InitialLayer:
    """Fit prototypes to ``x`` [frames, channels, height, width]; ``weight`` is [outputs, channels * rows * columns].

    A difference is measured by what it changes in the layer's outputs. The scale is a power of two.

    Raises:
        ModelError: ``x`` holds no frames, or numbers that are not finite.
    """
    if x.size == 0 or not np.isfinite(x).all():
        raise ModelError("a layer is initialized with frames of finite numbers, as it will see them")
    element, scale = choose_grid(min(0.0, float(x.min())), float(x.max()), activation_bits, power_of_two=True)
    shift = max(0, activation_bits - prototype_bits)
    grid = Element(activation_bits - shift, element.signed)
    by_channel = cut.taps > 1
    seen = Window((1, 1)) if by_channel else window
    pieces = Cut.of(Grouping.CHANNEL, x.shape[1], seen, cut.length) if by_channel else cut
    rows, columns = seen.output_size(x.shape[2], x.shape[3])
    positions = sample_positions(len(x), rows * columns, SAMPLES, seed)
    vectors = onto_grid(sample_vectors(element.quantize(x, scale), seen, pieces, positions), shift, grid)
    ordered = cut.elements(weight[:, :, None])[:, :, 0]
    metric = weight_metric(ordered, cut.subspaces, cut.length)
    shared = metric.reshape(cut.taps, cut.groups, cut.length, cut.length).sum(axis=0)
    codebook = fit_codebook(vectors, prototypes, grid, seed, metric=shared).astype(np.float32)
    table = plain_table(ordered, cut.for_taps(codebook) * np.float32(scale * 2.0**shift))
    return InitialLayer(element, scale, codebook, table)
