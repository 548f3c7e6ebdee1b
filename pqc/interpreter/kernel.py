"""How an operation is executed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from pqc.numerics.arrays import AnyArray

Kernel: TypeAlias = Callable[[Any, Sequence[AnyArray]], tuple[AnyArray, ...]]
"""The operation and its operands' arrays, in order -> its results' arrays, in order."""
