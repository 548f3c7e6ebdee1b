"""What the rules of several dialects need: checks that end in one sentence, and typed views of values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from xdsl.dialects.builtin import DYNAMIC_INDEX, IntegerAttr, IntegerType, Signedness, TensorType, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

from pqc.isa import limits
from pqc.isa.fields import Instruction
from pqc.isa.limits import LimitError
from pqc.numerics.element import Element
from pqc.numerics.window import Window

I64_ATTR = IntegerAttr.constr(type=i64)
"""An integer property; prints without its type."""


def expect(condition: bool, message: str) -> None:
    """Raise VerifyException with ``message`` unless the condition holds."""
    if not condition:
        raise VerifyException(message)


def expect_range(what: str, value: int, low: int, high: int) -> None:
    """Raise VerifyException unless ``low`` <= ``value`` <= ``high``."""
    expect(low <= value <= high, f"{what} = {value}, allowed are {low} to {high}")


def expect_field(what: str, value: int, instruction: type[Instruction], field: str) -> None:
    """Raise VerifyException unless ``value`` fits the field of ``instruction`` that will hold it."""
    try:
        limits.check_field(what, value, instruction, field)
    except LimitError as error:
        raise VerifyException(str(error)) from error


def spell_shape(shape: Sequence[int]) -> str:
    """``?x16x32x32``."""
    return "x".join("?" if size == DYNAMIC_INDEX else str(size) for size in shape)


def integer_type(element: Element) -> IntegerType:
    """The IR type of an element type."""
    return IntegerType(element.bits, Signedness.SIGNED if element.signed else Signedness.UNSIGNED)


def element_of(kind: Attribute) -> Element:
    """The element type of an IR integer type.

    Raises:
        VerifyException: not a signed or unsigned integer of 1 to 16 bits.
    """
    bits, signedness = integer_format(kind)
    if not 1 <= bits <= 16 or signedness is Signedness.SIGNLESS:
        raise VerifyException(f"element type {kind} is not one of ui1 to ui16 and si1 to si16")
    return Element(bits, signedness is Signedness.SIGNED)


def integer_format(kind: Attribute) -> tuple[int, Signedness]:
    """Bits and signedness of an IR integer type; (0, signless) for any other type."""
    if not isinstance(kind, IntegerType):
        return 0, Signedness.SIGNLESS
    integer = cast(IntegerType, kind)
    return integer.width.data, integer.signedness.data


def tensor_type(value: SSAValue) -> TensorType[Attribute]:
    """The type of a tensor.

    Raises:
        VerifyException: the value is none.
    """
    kind = value.type
    if not isinstance(kind, TensorType):
        raise VerifyException(f"{kind} is not a tensor")
    return cast(TensorType[Attribute], kind)


def output_size(window: Window, height: int, width: int) -> tuple[int, int]:
    """Rows and columns that a window makes of a map.

    Raises:
        VerifyException: the window is larger than the map and its padding, or the map's size is not known.
    """
    expect(height >= 1 and width >= 1, f"a map of {spell_shape([height, width])} has no size")
    rows, columns = window.output_size(height, width)
    expect(
        rows >= 1 and columns >= 1,
        f"a window that spans {spell_shape(window.extent)} does not fit a map of {spell_shape([height, width])} with "
        f"pads {list(window.pads)}",
    )
    return rows, columns


def check_window(window: Window, instruction: type[Instruction]) -> None:
    """Raise VerifyException unless the window fits the fields of ``instruction``."""
    try:
        limits.check_window(window, instruction)
    except LimitError as error:
        raise VerifyException(str(error)) from error


def accumulator_type(shape: Sequence[int], bits: int) -> TensorType[IntegerType]:
    """Accumulators of ``bits`` bits."""
    return TensorType(IntegerType(bits, Signedness.SIGNED), shape)


def check_accumulators(value: SSAValue, shape: Sequence[int]) -> None:
    """Raise VerifyException unless the value holds signed sums of 8 to 32 bits in this shape."""
    kind = tensor_type(value)
    bits, signedness = integer_format(kind.element_type)
    expect(
        kind.get_shape() == tuple(shape) and 8 <= bits <= 32 and signedness is Signedness.SIGNED,
        f"the accumulators are {kind}, they must be tensor<{spell_shape(shape)}xsi8> to si32",
    )
