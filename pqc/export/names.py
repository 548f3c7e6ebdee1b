"""What the ONNX nodes of an operation are called: as those that it came from."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import FusedLoc, NameLoc
from xdsl.ir import Attribute, Operation

from pqc.dialects.elements import elements


def location_names(op: Operation) -> list[str]:
    """The names of all nodes that an operation comes from, the first one first."""
    return _names(op.location)


def _names(location: Attribute) -> list[str]:
    if isinstance(location, FusedLoc):
        return [name for part in elements(location.locations, Attribute) for name in _names(part)]
    return [location.desc.data] if isinstance(location, NameLoc) else []


def node_names(op: Operation, epilogue: Sequence[str]) -> list[str]:
    """Names for the node of an operation and for those behind it, which ``epilogue`` describes.

    What was fused into an operation stands behind it in its location: the last names are those of the epilogue, as far
    as there are enough of them. A node without a name has "".
    """
    first, *rest = location_names(op) or [""]
    if len(rest) >= len(epilogue):
        return [first, *rest[len(rest) - len(epilogue) :]]
    return [first, *(f"{first}/{what}" if first else "" for what in epilogue)]
