"""What the operations of the ``onnx`` dialect have in common: types, result shapes, clipping, windows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TypeAlias

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseArrayBase,
    Float32Type,
    Float64Type,
    FloatAttr,
    IntegerType,
    TensorType,
    f32,
    f64,
    i64,
)
from xdsl.ir import Operation, SSAValue
from xdsl.irdl import IRDLOperation, operand_def, opt_operand_def, opt_prop_def, prop_def, result_def, traits_def
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from pqc.numerics import shapes
from pqc.numerics.shapes import Shape, ShapeError
from pqc.numerics.window import Window

FloatTensor: TypeAlias = TensorType[Float32Type]
"""``tensor<...xf32>``."""

Value: TypeAlias = SSAValue | Operation
"""A value, or the operation whose only result it is."""

Integers: TypeAlias = DenseArrayBase[IntegerType]
"""A list of 64-bit integers as a property."""

INTEGERS = DenseArrayBase.constr(i64)
"""Constraint of such a property."""


def tensor(shape: Sequence[int]) -> FloatTensor:
    """The type of a float tensor; an activation's shape starts with ``shapes.FRAMES``."""
    return TensorType(f32, [DYNAMIC_INDEX if size == shapes.FRAMES else size for size in shape])


def shape_of(value: Value) -> Shape:
    """The shape that a tensor's type says, its open first dimension as ``shapes.FRAMES``.

    Raises:
        ShapeError: it is no tensor.
    """
    kind = SSAValue.get(value).type
    if not isinstance(kind, TensorType):
        raise ShapeError(f"a tensor is wanted, not {kind}")
    return tuple(shapes.FRAMES if size == DYNAMIC_INDEX else size for size in kind.get_shape())


def integers(values: Sequence[int]) -> Integers:
    """``values`` as a property."""
    return DenseArrayBase.from_list(i64, values)


def number(value: float | None) -> FloatAttr[Float64Type] | None:
    """``value`` as a property, or an absent one."""
    return None if value is None else FloatAttr(value, f64)


class FloatOp(IRDLOperation, ABC):
    """One float tensor as result, whose shape follows from the operands and properties."""

    result = result_def(FloatTensor)
    traits = traits_def(Pure())

    @abstractmethod
    def result_shape(self) -> Shape:
        """The shape of the result.

        Raises:
            ShapeError: the operands and properties do not go together.
        """

    def verify_(self) -> None:
        """The operands go together, and the result has the shape that follows from them."""
        try:
            expected = self.result_shape()
        except ShapeError as error:
            raise VerifyException(f"{self.name}: {error}") from error
        found = shape_of(self.result)
        if found != expected:
            raise VerifyException(f"{self.name}: the result is {shapes.text(found)}, not {shapes.text(expected)}")
        if found[0] != shapes.FRAMES:
            raise VerifyException(f"{self.name}: the first dimension of an activation is ?, not {found[0]}")


class ClippedOp(FloatOp, ABC):
    """Ends in ``min(max(result, low), high)``; a bound that is absent does not bind."""

    low = opt_prop_def(FloatAttr[Float64Type])
    high = opt_prop_def(FloatAttr[Float64Type])

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """``low`` and ``high``, None where absent."""
        low, high = self.low, self.high
        return (None if low is None else low.value.data, None if high is None else high.value.data)

    def verify_(self) -> None:
        """Also: the bounds are in order."""
        super().verify_()
        low, high = self.bounds
        if low is not None and high is not None and not low <= high:
            raise VerifyException(f"{self.name}: low must not exceed high, they are {low} and {high}")


class FusedOp(ClippedOp, ABC):
    """A weighted sum plus bias, to which a residual of the result's type may be added before clipping."""

    x = operand_def(FloatTensor)
    weight = operand_def(FloatTensor)
    bias = operand_def(FloatTensor)
    residual = opt_operand_def(FloatTensor)

    def with_residual(self, result: Shape) -> Shape:
        """``result``, once the residual is seen to go with it."""
        return result if self.residual is None else shapes.residual(result, shape_of(self.residual))


class WindowOp(FloatOp, ABC):
    """Slides a window over the map; ``pads`` are top, left, bottom, right."""

    strides = prop_def(INTEGERS, default_value=integers((1, 1)))
    pads = prop_def(INTEGERS, default_value=integers((0, 0, 0, 0)))
    dilations = prop_def(INTEGERS, default_value=integers((1, 1)))

    @property
    @abstractmethod
    def window(self) -> Window:
        """Kernel, strides, pads and dilations.

        Raises:
            ShapeError: a property has the wrong number of values, or a value that no window can have.
        """

    def window_with(self, kernel: Sequence[int]) -> Window:
        """The window whose kernel is ``kernel``, rows and columns.

        Raises:
            ShapeError: as for ``window``.
        """
        strides, pads, dilations = self.strides.get_values(), self.pads.get_values(), self.dilations.get_values()
        if (len(kernel), len(strides), len(pads), len(dilations)) != (2, 2, 4, 2):
            raise ShapeError("a window has 2 kernel sizes, 2 strides, 4 pads and 2 dilations")
        if min(*kernel, *strides, *dilations) < 1 or min(pads) < 0:
            raise ShapeError("kernel sizes, strides and dilations are at least 1, pads at least 0")
        return Window(
            (kernel[0], kernel[1]),
            (strides[0], strides[1]),
            (pads[0], pads[1], pads[2], pads[3]),
            (dilations[0], dilations[1]),
        )


def window_properties(window: Window) -> dict[str, Integers]:
    """The properties of a :class:`WindowOp`."""
    return {
        "strides": integers(window.strides),
        "pads": integers(window.pads),
        "dilations": integers(window.dilations),
    }
