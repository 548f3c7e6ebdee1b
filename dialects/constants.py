"""Rules for constant operands: where they come from, their type, and the range of their values."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import Float32Type, IntegerType, Signedness, TensorType
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.blob import BlobAttr, ConstantOp
from pqc.dialects.rules import element_of, expect, spell_shape, tensor_type
from pqc.isa.parameters import pack_parameters
from pqc.numerics.arrays import AnyArray
from pqc.numerics.element import Element

S32 = IntegerType(32, Signedness.SIGNED)
"""Element type of biases and of requantization parameters."""

F32 = Float32Type()
"""Element type of the float level."""


def constant(what: str, value: SSAValue) -> ConstantOp:
    """The operation that defines a constant operand.

    Raises:
        VerifyException: the operand is no ``blob.constant``.
    """
    owner = value.owner
    # An operation that stands behind its use is not verified yet.
    if not isinstance(owner, ConstantOp) or not isinstance(owner.properties.get("data"), BlobAttr):
        raise VerifyException(f"the {what} is not a blob.constant")
    return owner


def check_type(what: str, value: SSAValue, element: Attribute, shape: Sequence[int]) -> AnyArray:
    """The array of a constant operand of exactly this type.

    Raises:
        VerifyException: the operand is no constant, or has another type.
    """
    expected = TensorType(element, shape)
    expect(value.type == expected, f"the {what} is {value.type}, it must be {expected}")
    return constant(what, value).array


def check_sizes(what: str, value: SSAValue, *sizes: str) -> tuple[int, ...]:
    """The shape of a tensor operand with one dimension for each name in ``sizes``, none of them empty.

    Raises:
        VerifyException: it has another number of dimensions, or an empty or open one.
    """
    kind = tensor_type(value)
    shape = kind.get_shape()
    expect(
        len(shape) == len(sizes) and min(shape) >= 1,
        f"the {what} is {kind}, it must be [{', '.join(sizes)}], all of them at least 1",
    )
    return shape


def check_elements(what: str, value: SSAValue, element: Element, shape: Sequence[int]) -> None:
    """Raise VerifyException unless a constant operand has this shape and holds values of ``element``.

    It may be stored in a wider integer type of the same signedness.
    """
    kind = tensor_type(value)
    expect(kind.get_shape() == tuple(shape), f"the {what} is {kind}, its shape must be {spell_shape(shape)}")
    stored = element_of(kind.element_type)
    expect(
        stored.signed == element.signed and stored.bits >= element.bits,
        f"the {what} is {kind}, its elements must be those of {element}",
    )
    low, high = constant(what, value).data.bounds
    expect(
        element.minimum <= low and high <= element.maximum,
        f"the {what} holds values from {low} to {high}, {element} allows {element.minimum} to {element.maximum}",
    )


def check_requantization(
    multiplier: SSAValue, shift: SSAValue, residual_multiplier: SSAValue | None, channels: int
) -> None:
    """Raise VerifyException unless there is one valid parameter of each kind for each channel."""
    given = {"multiplier": multiplier, "shift": shift, "residual multiplier": residual_multiplier}
    arrays = {what: check_type(what, value, S32, [channels]) for what, value in given.items() if value is not None}
    try:
        pack_parameters(arrays["multiplier"], arrays["shift"], arrays.get("residual multiplier"))
    except ValueError as error:
        raise VerifyException(str(error)) from error
