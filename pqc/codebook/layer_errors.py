"""What each step of quantization adds to the error of a layer, looked at on some of the positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pqc.codebook.one_hot import predict
from pqc.codebook.table import QuantizedTable
from pqc.numerics.arrays import FloatArray, IntArray

POSITIONS = 4096
"""Positions that are looked at, at most."""


@dataclass(frozen=True)
class Errors:
    """Of one layer, squared and relative to the variance of what the float network has behind it.

    Each is taken alone, with everything else exact; what fitting makes up for is not taken off but in ``fit``.
    """

    activation_bits: float
    """Of rounding and cutting off what the layer reads."""
    prototype_bits: float
    """Of bringing that onto the grid of the prototypes."""
    prototypes: float
    """Of replacing subvectors by their prototypes."""
    table_bits: float
    """Of rounding the table and the bias."""
    fit: float
    """What the real table leaves: of all of the above but ``table_bits``, and of all layers before."""
    dead_prototypes: int
    """Prototypes that no subvector was nearest to."""
    largest_code_share: float
    """How often the most used code of a subspace is used, on average over the subspaces."""


@dataclass(frozen=True)
class Seen:
    """The same positions of a layer in all the forms that its input goes through.

    Vectors are [subspaces, positions, length], in real units.
    """

    exact: FloatArray
    """What the float network has there."""
    rounded: FloatArray
    """The same on the grid of the activations."""
    actual: FloatArray
    """What the integer network has there."""
    narrowed: FloatArray
    """The same on the grid of the prototypes."""
    prototypes: FloatArray
    """The prototypes that are nearest."""
    codes: IntArray
    """[positions, subspaces], the numbers of these."""


def layer_errors(
    seen: Seen,
    weight: FloatArray,
    real: tuple[FloatArray, FloatArray],
    integers: QuantizedTable,
    target: FloatArray,
    visible: FloatArray,
) -> Errors:
    """The errors of a layer with ``weight`` [outputs, subspaces * length].

    ``real`` is the fitted table [subspaces, prototypes, outputs] and bias [outputs], ``integers`` the same rounded;
    ``target`` [positions, outputs] is what the float network has, ``visible`` what of it can be told from the real
    table's results behind the layer's bounds, with the shortcut taken off.
    """
    spread = float(np.square(target - target.mean(axis=0, dtype=np.float64)).sum())

    def of_vectors(wanted: FloatArray, found: FloatArray) -> float:
        difference = (found - wanted).transpose(1, 0, 2).reshape(len(target), -1)
        return relative(difference @ weight.T.astype(difference.dtype))

    def relative(difference: FloatArray) -> float:
        error = float(np.square(difference, dtype=np.float64).sum())
        return error / spread if spread > 0 else 0.0

    table, bias = real
    result = predict(seen.codes, table, bias)
    rounded = predict(seen.codes, integers.table * integers.scale, integers.bias * integers.scale)
    dead, share = code_usage(seen.codes, table.shape[1])
    return Errors(
        activation_bits=of_vectors(seen.exact, seen.rounded),
        prototype_bits=of_vectors(seen.actual, seen.narrowed),
        prototypes=of_vectors(seen.narrowed, seen.prototypes),
        table_bits=relative(rounded - result),
        fit=relative(result - visible),
        dead_prototypes=dead,
        largest_code_share=share,
    )


def code_usage(codes: IntArray, prototypes: int) -> tuple[int, float]:
    """How many codes of all subspaces nobody uses, and the share of the most used one on average.

    ``codes`` [positions, subspaces].
    """
    counts = np.stack([np.bincount(column, minlength=prototypes) for column in codes.T])
    return int((counts == 0).sum()), float((counts.max(axis=1) / len(codes)).mean())
