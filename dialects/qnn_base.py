"""What the operations of the ``qnn`` dialect have in common: integer properties, and results that are saturated."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import TypeAlias

from xdsl.dialects.builtin import DenseArrayBase, IntegerAttr, IntegerType, i64
from xdsl.irdl import IRDLOperation, prop_def, result_def, traits_def
from xdsl.traits import Pure

from pqc.dialects.pq_types import QuantizedType, quantized
from pqc.dialects.rules import expect, expect_range
from pqc.numerics.requantize import MAXIMUM_SHIFT, Clip

Integers: TypeAlias = DenseArrayBase[IntegerType]
"""A list of integers as a property."""

ARRAY = DenseArrayBase.constr(i64)
"""Constraint of such a property; prints as ``[1, 2]``."""


def integers(values: Sequence[int]) -> Integers:
    """``values`` as a property."""
    return DenseArrayBase.from_list(i64, list(values))


def integer(value: int) -> IntegerAttr[IntegerType]:
    """``value`` as a property."""
    return IntegerAttr(value, i64)


def check_shift(shift: int) -> None:
    """Raise VerifyException unless the vector unit can shift that far."""
    expect_range("shift", shift, 0, MAXIMUM_SHIFT)


class ClippedOp(IRDLOperation, abc.ABC):
    """Shared by the operations that saturate to ``clip``, inside the result's element type."""

    clip = prop_def(ARRAY)
    result = result_def(QuantizedType)
    traits = traits_def(Pure())

    @property
    def bounds(self) -> Clip:
        """The clip bounds with the result's element type."""
        low, high = self.clip.get_values()
        return Clip(quantized(self.result).element, low, high)

    def check_clip(self) -> None:
        """Raise VerifyException unless ``clip`` is a lower and an upper bound that the result's element can hold."""
        values, element = self.clip.get_values(), quantized(self.result).element
        expect(
            len(values) == 2 and element.minimum <= values[0] <= values[1] <= element.maximum,
            f"clip {list(values)} must be two bounds in [{element.minimum}, {element.maximum}], the range of {element}",
        )
