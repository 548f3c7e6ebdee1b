"""Plain values (what JSON can say) as attributes, so that they stay readable in the text of the IR."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from xdsl.dialects.builtin import (
    ArrayAttr,
    BoolAttr,
    DictionaryAttr,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    StringAttr,
    UnitAttr,
    f64,
    i64,
)
from xdsl.ir import Attribute
from xdsl.utils.exceptions import VerifyException


def to_attribute(value: Any) -> Attribute:
    """The attribute that stands for a plain value; None becomes ``unit``.

    Raises:
        TypeError: the value is not plain.
    """
    match value:
        case None:
            return UnitAttr()
        case bool():
            return BoolAttr.from_bool(value)
        case int():
            return IntegerAttr(value, i64)
        case float():
            return FloatAttr(value, f64)
        case str():
            return StringAttr(value)
        case Mapping():
            items = cast(Mapping[str, Any], value).items()
            return DictionaryAttr({key: to_attribute(item) for key, item in sorted(items)})
        case Sequence():
            return ArrayAttr(to_attribute(item) for item in cast(Sequence[Any], value))
        case _:
            raise TypeError(f"{type(value).__name__} is no plain value")


def from_attribute(attribute: Attribute) -> Any:
    """The plain value that :func:`to_attribute` turned into ``attribute``; lists come back as lists.

    Raises:
        VerifyException: the attribute stands for no plain value.
    """
    if isinstance(attribute, UnitAttr):
        return None
    if isinstance(attribute, StringAttr):
        return attribute.data
    if isinstance(attribute, DictionaryAttr):
        return {key: from_attribute(item) for key, item in attribute.data.items()}
    if isinstance(attribute, ArrayAttr):
        return [from_attribute(item) for item in cast(ArrayAttr[Attribute], attribute).data]
    return _number(attribute)


def _number(attribute: Attribute) -> bool | int | float:
    if isinstance(attribute, FloatAttr):
        return float(cast(FloatAttr[Any], attribute).value.data)
    if isinstance(attribute, IntegerAttr):
        integer = cast(IntegerAttr[Any], attribute)
        kind = integer.type
        return bool(integer.value.data) if kind == IntegerType(1) else integer.value.data
    raise VerifyException(f"{attribute} stands for no plain value")
