"""Fitting: the integer network, as far as it is fitted, is as far from the float network as fitting has recorded.

Fitting changes what the network computes, and says by how much: each layer carries the error of its integers on the
calibration frames. On all of these frames the same error must come out again. On a part of them it varies by chance.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from xdsl.dialects.builtin import FloatAttr, ModuleOp

from pqc.codebook.metrics import normalized_error
from pqc.dialects.location import result_name
from pqc.numerics.arrays import FloatArray
from pqc.passes.attributes import ERROR, Grids, main_of, target_of
from pqc.passes.fit_prototypes import FitPrototypesPass
from pqc.passes.quantize import quantize_function
from pqc.passes.quantizer import Quantizer
from pqc.verification.execution import Value, executed
from pqc.verification.findings import Finding, Pair, common, compared

SAME = 1e-3
"""Of the recorded error, by which the same error may differ when float32 sums have another order."""

LEAST = 1e-6
"""Of the variance: errors below that are rounding."""

FACTOR = 2.0
"""On a part of the frames an error is at most so many times the recorded one, ..."""

FEW_POSITIONS = 16.0
"""... with so much over the square root of the number of positions more, because few of them vary by more."""


def error_as_recorded(
    before: ModuleOp, after: ModuleOp, applied: FitPrototypesPass, frames: Sequence[FloatArray], *, all_frames: bool
) -> Finding:
    """Compare the error of each fitted layer on calibration ``frames`` with the one that it carries."""
    exact = executed(before, frames)
    integers = executed(_quantized(after, applied.weight_bits), frames)
    recorded = _recorded(after)

    def pairs() -> Iterator[Pair]:
        for name, one, other in common(exact, integers):
            if name in recorded:
                wanted = _positions(one)
                error = np.array([normalized_error(_positions(other), wanted)])
                factor = SAME if all_frames else FACTOR - 1 + FEW_POSITIONS / len(wanted) ** 0.5
                bound = factor * recorded[name] + LEAST
                yield Pair(name, np.array([recorded[name]]), error, bound, 1, other.maker)

    rule = "integers are as far off as recorded" if all_frames else "integers are about as far off as recorded"
    return compared(rule, pairs(), integers)


def _quantized(module: ModuleOp, weight_bits: int) -> ModuleOp:
    """The integer network of a fitted one, which stays as it is."""
    made = module.clone()
    function, grids = main_of(made), Grids(made)
    integers = quantize_function(function, grids, Quantizer(grids, target_of(made), weight_bits))
    function.detach()
    function.erase()
    made.body.block.add_op(integers)
    return made


def _recorded(module: ModuleOp) -> dict[str, float]:
    """The error that fitting left on each layer."""
    errors = {result_name(op): op.attributes.get(ERROR) for op in main_of(module).body.block.ops}
    return {name: error.value.data for name, error in errors.items() if isinstance(error, FloatAttr)}


def _positions(value: Value) -> FloatArray:
    """[positions, channels]."""
    array = value.real
    return np.moveaxis(array, 1, -1).reshape(-1, array.shape[1])
