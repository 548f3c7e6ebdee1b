"""Where an instruction's addresses point to: typed views of bytes, which end inside their memory."""

from __future__ import annotations

from math import prod
from typing import Protocol

import numpy as np
import numpy.typing as npt

from pqc.errors import ProgramError
from pqc.isa.access import Access
from pqc.isa.tiles import Tile
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.numerics.packing import packed_bytes

Bytes = npt.NDArray[np.uint8]


class Operands(Protocol):
    """Where an instruction's addresses point to."""

    def bytes(self, field: str) -> Bytes:
        """The bytes [frames or 1, n] from the address in ``field`` to the end of its memory; a writable view.

        A leading dimension of 1 stands for bytes that are the same for all frames.
        """
        ...


def elements(memory: Operands, field: str, dtype: npt.DTypeLike, *shape: int) -> AnyArray:
    """A view [frames or 1, *shape] of elements of ``dtype``.

    Raises:
        ProgramError: they end behind their memory.
    """
    kind = np.dtype(dtype)
    data = _within(memory, field, prod(shape) * kind.itemsize)
    return data.view(kind).reshape(data.shape[0], *shape)


def packed(memory: Operands, field: str, bits: int, count: int) -> Bytes:
    """The bytes of ``count`` constants of ``bits`` bits each, which are the same for all frames.

    Raises:
        ProgramError: they end behind their memory.
    """
    return _within(memory, field, packed_bytes(count, bits))[0]


def tile_view(memory: Operands, tile: Tile) -> IntArray:
    """A view [frames, planes, rows, columns] of a tile's elements.

    Raises:
        ProgramError: they end behind their memory.
    """
    kind, data = tile.storage.element.storage, _within(memory, tile.field, tile.end)
    first: IntArray = data[:, tile.offset : tile.offset + kind.itemsize].view(kind)
    return np.lib.stride_tricks.as_strided(first, (data.shape[0], *tile.counts), (data.strides[0], *tile.strides))


def runs(memory: Operands, access: Access) -> AnyArray:
    """A view [frames or 1, planes, rows, items, item bytes] of what a transfer touches.

    Raises:
        ProgramError: it ends behind its memory.
    """
    data = _within(memory, access.field, access.end - access.address)
    shape = (data.shape[0], *access.counts, access.run)
    return np.lib.stride_tricks.as_strided(data, shape, (data.strides[0], *access.strides, 1))


def joined_rows(*tiles: IntArray) -> tuple[IntArray, ...]:
    """Tiles of one shape as [frames, planes, 1, rows * columns], if in all of them rows follow each other."""
    if not all(tile.strides[2] == tile.shape[3] * tile.strides[3] for tile in tiles):
        return tiles
    return tuple(
        np.lib.stride_tricks.as_strided(
            tile, (*tile.shape[:2], 1, tile.shape[2] * tile.shape[3]), (*tile.strides[:3], tile.strides[3])
        )
        for tile in tiles
    )


def _within(memory: Operands, field: str, size: int) -> Bytes:
    data = memory.bytes(field)
    if size > data.shape[1]:
        raise ProgramError(f"{field}: {size} bytes do not fit the {data.shape[1]} that are left of its memory")
    return data[:, :size]
