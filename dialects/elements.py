"""Reading lists of attributes with a type."""

from __future__ import annotations

from typing import TypeVar, cast

from xdsl.dialects.builtin import ArrayAttr
from xdsl.ir import Attribute

Kind = TypeVar("Kind", bound=Attribute)


def elements(attribute: Attribute | None, kind: type[Kind]) -> list[Kind]:
    """The elements of a list attribute that are of ``kind``; none where it is no list."""
    if not isinstance(attribute, ArrayAttr):
        return []
    items = cast(ArrayAttr[Attribute], attribute)
    return [item for item in items.data if isinstance(item, kind)]
