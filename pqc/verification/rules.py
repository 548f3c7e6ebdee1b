"""What must hold between the network before a pass and behind it.

At the float level passes put operations together, which changes the order of float32 sums and nothing else. From the
quantized level down every bit stays. Two passes change numbers: fitting, which says how much, and quantization, where
each operation by itself must give what the real numbers give, rounded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from xdsl.dialects.builtin import FloatAttr

from pqc.codebook.metrics import normalized_error
from pqc.dialects.pq_types import GridAttr
from pqc.numerics.arrays import FloatArray
from pqc.passes.attributes import ERROR, GRID, main_of
from pqc.verification.execution import Execution, Value
from pqc.verification.findings import Finding, Pair, common, compared

FLOAT_BOUND = 1e-4
"""Of the largest number a node gives: float32 sums of thousands of terms in another order differ by less."""

ERROR_FACTOR = 2.0
"""A layer's error on a few frames is at most so many times what fitting saw on all of them, ..."""

FEW_POSITIONS = 16.0
"""... this much over the square root of the number of positions times that, because few of them vary by more, ..."""

ERROR_SLACK = 0.05
"""... and so much of the variance, ..."""

UNIT_SLACK = 8.0
"""... with this over the number of values that an activation can have: real numbers round to the next unit where the
integer network has another one, and where there are few units each of them matters."""


def same_numbers(before: Execution, after: Execution) -> Finding:
    """Real numbers stay what they are, up to the order of sums."""

    def pairs() -> Iterator[Pair]:
        for name, one, other in common(before, after):
            largest = float(np.abs(one.array).max(initial=0.0)) or 1.0
            yield Pair(name, one.array, other.array, FLOAT_BOUND * largest, largest, other.maker)

    return compared(f"equal to {FLOAT_BOUND:g} of the largest", pairs(), after)


def same_bits(before: Execution, after: Execution) -> Finding:
    """Integers stay what they are."""
    pairs = (Pair(name, one.array, other.array, 0, 1, other.maker) for name, one, other in common(before, after))
    return compared("equal bit for bit", pairs, after)


def error_as_recorded(before: Execution, after: Execution) -> Finding:
    """Fitted layers are about as far from the float network's results as fitting says."""
    slack = ERROR_SLACK + UNIT_SLACK / 2.0 ** _fewest_bits(after)

    def pairs() -> Iterator[Pair]:
        for name, one, other in common(before, after):
            recorded = _recorded(other)
            if recorded is not None:
                positions = _positions(one)
                error = normalized_error(_positions(other), positions)
                factor = ERROR_FACTOR + FEW_POSITIONS / len(positions) ** 0.5
                bound = (factor - 1) * recorded + slack
                yield Pair(name, np.array([recorded]), np.array([error]), bound, 1, other.maker)

    return compared("error near the recorded one", pairs(), after)


def _fewest_bits(network: Execution) -> int:
    """Of all activations that have a grid."""
    grids = [op.attributes.get(GRID) for op in main_of(network.module).body.block.ops]
    return min((grid.integers.bits for grid in grids if isinstance(grid, GridAttr)), default=16)


def _recorded(value: Value) -> float | None:
    """The normalized error that fitting left on the operation, if it was fitted."""
    error = None if value.maker is None else value.maker.attributes.get(ERROR)
    return error.value.data if isinstance(error, FloatAttr) else None


def _positions(value: Value) -> FloatArray:
    """[positions, channels]."""
    array = value.real
    return np.moveaxis(array, 1, -1).reshape(-1, array.shape[1])
