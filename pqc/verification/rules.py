"""What must hold between the network before a pass and behind it.

At the float level passes put operations together, which changes the order of float32 sums and nothing else. From the
quantized level down every bit stays. Two passes change numbers: fitting, which says how much, and quantization, where
each operation by itself must give what the real numbers give, rounded.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pqc.verification.execution import Execution
from pqc.verification.findings import Finding, Pair, all_compared, common, compared

FLOAT_BOUND = 1e-4
"""Of the largest number a node gives: float32 sums of thousands of terms in another order differ by less."""


BY_ITSELF = "each node by itself "
"""What the rules say in isolated mode."""


def same_numbers(before: Execution, after: Execution) -> Finding:
    """Real numbers stay what they are, up to the order of sums."""
    return compared(f"equal to {FLOAT_BOUND:g} of the largest", _numbers(before, after), after)


def same_bits(before: Execution, after: Execution) -> Finding:
    """Integers stay what they are."""
    return compared("equal bit for bit", _bits(before, after), after)


def same_by_itself(before: Execution, after: Execution) -> Finding:
    """The same of every node, of which ``after`` executed each on what those of ``before`` gave."""
    if before.is_quantized:
        return all_compared(f"{BY_ITSELF}equal bit for bit", _bits(before, after), after)
    return all_compared(f"{BY_ITSELF}equal to {FLOAT_BOUND:g} of the largest", _numbers(before, after), after)


def _numbers(before: Execution, after: Execution) -> Iterator[Pair]:
    for name, one, other in common(before, after):
        largest = float(np.abs(one.array).max(initial=0.0)) or 1.0
        yield Pair(name, one.array, other.array, FLOAT_BOUND * largest, largest, other.maker)


def _bits(before: Execution, after: Execution) -> Iterator[Pair]:
    return (Pair(name, one.array, other.array, 0, 1, other.maker) for name, one, other in common(before, after))
