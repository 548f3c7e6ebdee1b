"""Where an operation comes from: the name of its ONNX node, carried as the location through all passes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, FusedLoc, LocationAttr, NameLoc, NoneAttr, StringAttr
from xdsl.ir import Attribute, Operation, SSAValue

from pqc.dialects.elements import elements


def node_location(name: str) -> NameLoc:
    """The location that names an ONNX node."""
    return NameLoc(StringAttr(name), NoneAttr())


def fuse_locations(first: Operation, second: Operation) -> FusedLoc:
    """The location of an operation that does what both did; its name is that of ``first``."""
    return FusedLoc(ArrayAttr([*_parts(first.location), *_parts(second.location)]), NoneAttr())


def fused_location(ops: Sequence[Operation]) -> LocationAttr:
    """The location of an operation that does what all of ``ops`` do, each node named once, in their order."""
    parts = list(dict.fromkeys(part for op in ops for part in _parts(op.location)))
    return ops[-1].location if len(parts) == 1 else FusedLoc(ArrayAttr(parts), NoneAttr())


def _parts(location: LocationAttr) -> list[Attribute]:
    """The locations that a fused one consists of, else the location itself."""
    return elements(location.locations, Attribute) if isinstance(location, FusedLoc) else [location]


def hint(value: SSAValue, name: str) -> None:
    """Name a value in the text after ``name``, as far as the syntax allows; nothing depends on it.

    A number alone gets a letter: of ``_7`` xDSL takes the number for one of its own and drops it, and nothing is left.
    """
    spelled = re.sub(r"[^A-Za-z0-9_$.-]", "_", name if name[:1].isalpha() else f"_{name}")
    value.name_hint = f"v{spelled}" if re.fullmatch(r"(_[0-9]+)+", spelled) else spelled


def node_names(op: Operation) -> tuple[str, ...]:
    """All ONNX nodes whose work an operation does, in their order; "" where one is not known."""
    return tuple(part.desc.data if isinstance(part, NameLoc) else "" for part in _leaves(op.location))


def _leaves(location: Attribute) -> list[Attribute]:
    """What a location consists of, whatever was fused with what."""
    if not isinstance(location, FusedLoc):
        return [location]
    return [leaf for part in elements(location.locations, Attribute) for leaf in _leaves(part)]


def result_name(op: Operation) -> str:
    """The ONNX node whose output an operation gives: of several, the last; "" where none is known."""
    return next(reversed(node_names(op)), "")


def node_name(op: Operation) -> str:
    """The ONNX node an operation comes from: of several, the first; "" where none is known."""
    return next(iter(node_names(op)), "")
