"""Operands that must be constants by the time a pass looks at them."""

from __future__ import annotations

from xdsl.ir import SSAValue

from pqc.dialects.blob import constant_of
from pqc.errors import InternalError
from pqc.numerics.arrays import AnyArray


def constant_array(value: SSAValue | None) -> AnyArray:
    """The array of a constant operand.

    Raises:
        InternalError: it is none.
    """
    array = None if value is None else constant_of(value)
    if array is None:
        raise InternalError("an operand that must be a constant here is none")
    return array
