"""A quantized network for another target: the integers stay, only what executes them changes."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any, cast

from xdsl.dialects.builtin import ModuleOp

from pqc.errors import ModelError
from pqc.passes.attributes import set_target, target_of
from pqc.planning.target import Target

HARDWARE = ("name", "clock_mhz", "lookup.*", "vector.*", "buffers.*", "dram.*", "*_lanes")
"""Patterns over a target's keys: these change cycles and never a result."""


def numerics_of(target: Target) -> dict[str, Any]:
    """What of a target decides which integers are computed, as plain JSON values by dotted key.

    A key that is not known to be about hardware alone counts as one that decides.
    """
    flat: dict[str, Any] = {}
    for key, value in target.as_dict().items():
        section = cast("dict[str, Any]", value if isinstance(value, dict) else {})
        flat.update({f"{key}.{name}": inner for name, inner in section.items()} or {key: value})
    return {key: value for key, value in flat.items() if not any(fnmatchcase(key, pattern) for pattern in HARDWARE)}


def retarget(module: ModuleOp, target: Target) -> ModuleOp:
    """A copy of a quantized network that the remaining passes lower for ``target``; it computes the same integers.

    Args:
        module: a network at the quantized level; it stays as it is.
        target: must compute with the same numbers as the target that the network was quantized for.

    Raises:
        ModelError: ``target`` computes with other numbers, so the network has to be quantized again for it.
    """
    before, after = numerics_of(target_of(module)), numerics_of(target)
    for key in (*before, *(key for key in after if key not in before)):
        if before.get(key) != after.get(key):
            raise ModelError(
                f"target {target.name!r}: {key} = {after.get(key)!r}, this network was quantized for "
                f"{before.get(key)!r}; quantize it again for this target"
            )
    copy = module.clone()
    set_target(copy, target)
    return copy
