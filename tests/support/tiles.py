"""Tiles of the activation buffer, for tests of instructions that work on them."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from pqc.isa.fields import Instruction
from pqc.isa.tiles import tiles

Kind = TypeVar("Kind", bound=Instruction)


def row(elements: int) -> dict[str, int]:
    """The shape of a tile of one row."""
    return {"planes": 1, "rows": 1, "columns": elements}


def dense(instruction: Kind) -> Kind:
    """``instruction`` with the strides of tiles without gaps."""
    strides: dict[str, int] = {}
    for tile in tiles(instruction):
        strides[f"{tile.prefix}row_stride"] = tile.counts[2] * tile.storage.bytes
        strides[f"{tile.prefix}plane_stride"] = tile.counts[1] * tile.counts[2] * tile.storage.bytes
        if f"{tile.prefix}column_stride" in instruction.fields:
            strides[f"{tile.prefix}column_stride"] = tile.storage.bytes
    return replace(instruction, **strides)
