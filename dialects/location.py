"""Where an operation comes from: the name of its ONNX node, carried as the location through all passes."""

from __future__ import annotations

from xdsl.dialects.builtin import FusedLoc, NameLoc, NoneAttr, StringAttr
from xdsl.ir import Attribute, Operation

from pqc.dialects.elements import elements


def node_location(name: str) -> NameLoc:
    """The location that names an ONNX node."""
    return NameLoc(StringAttr(name), NoneAttr())


def fuse_locations(first: Operation, second: Operation) -> FusedLoc:
    """The location of an operation that does what both did; its name is that of ``first``."""
    return FusedLoc((first.location, second.location), NoneAttr())


def node_name(op: Operation) -> str:
    """The ONNX node an operation comes from: of several, the first; "" where none is known."""
    location: Attribute | None = op.location
    while isinstance(location, FusedLoc):
        location = next(iter(elements(location.locations, Attribute)), None)
    return location.desc.data if isinstance(location, NameLoc) else ""
