"""What must hold between the network before a pass and behind it.

At the float level passes put operations together, which changes the order of float32 sums and nothing else. From the
quantized level down every bit stays. Two passes change numbers: fitting, which says how much, and quantization, where
each operation by itself must give what the real numbers give, rounded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pqc.verification.execution import Execution
from pqc.verification.findings import Finding, Pair, common, compared

FLOAT_BOUND = 1e-4
"""Of the largest number a node gives: float32 sums of thousands of terms in another order differ by less."""


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
