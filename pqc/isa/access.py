"""Which bytes an instruction reads and writes: strided patterns that follow from its fields alone, never from data.

The hazard checker trusts these patterns, and so does the pass that inserts the tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pqc.isa.code_map import groups_read, reads_padding
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import (
    Add,
    Convolve,
    Encode,
    Fill,
    Load,
    Lookup,
    Map,
    Multiply,
    Pool,
    Requantize,
    Rescale,
    Store,
)
from pqc.isa.parameters import PARAMETER_BYTES
from pqc.isa.tiles import Tile, code_map, source_tile, tiles
from pqc.numerics.packing import packed_bytes

BIAS_BYTES = 4
"""Bytes of one bias."""

WIDE_ACCUMULATOR_BYTES = 4
"""Bytes of one accumulator of the conventional unit."""

PATTERNS = 1 << 14
"""Pairs of access patterns of which is remembered whether they meet."""


def accumulator_bytes(accumulator_bits: int) -> int:
    """Bytes that one accumulator of the lookup unit takes in memory: one, two or four."""
    return 1 if accumulator_bits <= 8 else 2 if accumulator_bits <= 16 else 4


@dataclass(frozen=True)
class Access:
    """Runs of ``run`` contiguous bytes, ``counts`` of them with ``strides`` in three nested levels, outermost first."""

    memory: Memory
    address: int
    run: int
    counts: tuple[int, int, int]
    strides: tuple[int, int, int]
    written: bool
    field: str

    @cached_property
    def size(self) -> int:
        """Bytes touched, those touched twice counted twice."""
        return self.counts[0] * self.counts[1] * self.counts[2] * self.run

    @cached_property
    def end(self) -> int:
        """One past the last byte touched; the address itself if none is."""
        if self.size == 0:
            return self.address
        steps = zip(self.counts, self.strides, strict=True)
        return self.address + self.run + sum((count - 1) * stride for count, stride in steps)

    @property
    def overlaps_itself(self) -> bool:
        """Whether a byte is touched twice."""
        if self.size > self.end - self.address:
            return True
        covered = self.run
        for stride, count in sorted(zip(self.strides, self.counts, strict=True)):
            if count > 1 and stride < covered:
                return np.unique(self.addresses()).size < self.size
            covered += (count - 1) * stride
        return False

    @cached_property
    def _is_dense(self) -> bool:
        """Whether the runs follow each other without gaps, in their order."""
        dense = self.run
        for stride, count in zip(reversed(self.strides), reversed(self.counts), strict=True):
            if count > 1 and stride != dense:
                return False
            dense *= count
        return self.size > 0

    def view(self, memory: npt.NDArray[Any], base: int = 0) -> npt.NDArray[Any]:
        """The elements of the 1-D array ``memory`` (one a byte) that are touched, as a view [*counts, run].

        The array begins with the byte at address ``base``.

        Raises:
            IndexError: the access ends behind the array.
        """
        start, end = self.address - base, self.end - base
        if end > memory.shape[0]:
            raise IndexError(f"{self.field}: bytes [{start}, {end}) of {memory.shape[0]}")
        if self._is_dense:
            return memory[start:end].reshape(1, 1, 1, -1)
        step = memory.strides[0]
        strides = (*(stride * step for stride in self.strides), step)
        return np.lib.stride_tricks.as_strided(memory[start:], (*self.counts, self.run), strides)

    def overlaps(self, other: Access) -> bool:
        """Whether both touch some byte, exactly: strided accesses may pass between each other."""
        if self.memory is not other.memory or self.end <= other.address or other.end <= self.address:
            return False
        if self._is_dense and other._is_dense:
            return True
        first = min(self.address, other.address)
        return _meet(self._pattern(self.address - first), other._pattern(other.address - first))

    def _pattern(self, address: int) -> Access:
        """The same bytes counted from ``address``, whatever is done with them."""
        return Access(self.memory, address, self.run, self.counts, self.strides, written=False, field="")

    def addresses(self) -> npt.NDArray[np.int64]:
        """Every byte address touched, run after run."""
        total = np.arange(self.run, dtype=np.int64) + self.address
        for count, stride in zip(reversed(self.counts), reversed(self.strides), strict=True):
            total = (np.arange(count, dtype=np.int64)[:, None] * stride + total.reshape(1, -1)).reshape(-1)
        return total


@lru_cache(maxsize=PATTERNS)
def _meet(one: Access, other: Access) -> bool:
    """Whether both touch some byte; the tiles of a layer ask the same again and again."""
    touched = np.zeros(max(one.end, other.end), np.bool_)
    one.view(touched)[...] = True
    return bool(other.view(touched).any())


def accesses(instruction: Instruction, accumulator_bits: int) -> tuple[Access, ...]:
    """Everything ``instruction`` touches on a target with lookup accumulators of ``accumulator_bits`` bits.

    Raises:
        TypeError: an instruction type that has no rule here.
    """
    match instruction:
        case Load():
            return _transfer(instruction, instruction.buffer, loads=True)
        case Store():
            return _transfer(instruction, Memory.ACTIVATION, loads=False)
        case Encode():
            return _encode(instruction)
        case Lookup():
            return _lookup(instruction, accumulator_bytes(accumulator_bits))
        case Convolve():
            return _convolve(instruction)
        case Requantize():
            return _requantize(instruction, accumulator_bytes(accumulator_bits))
        case Map():
            return _map_tile(instruction)
        case Add() | Rescale() | Multiply() | Pool() | Fill():
            return tuple(_tile(instruction, tile) for tile in tiles(instruction))
        case _:
            raise TypeError(f"{instruction.mnemonic}: no rule says what it accesses")


def _block(memory: Memory, address: int, size: int, field: str, *, written: bool = False) -> Access:
    return Access(memory, address, size, (1, 1, 1), (0, 0, 0), written, field)


def _tile(instruction: Instruction, tile: Tile) -> Access:
    """The bytes of a tile; levels that follow each other without gaps are merged.

    So equal sequences of elements are equal accesses, and a dense tile is one run.
    """
    run = tile.storage.bytes
    kept: list[tuple[int, int]] = []
    for count, stride in zip(reversed(tile.counts), reversed(tile.strides), strict=True):
        if count == 1:
            continue
        if not kept and stride == run:
            run *= count
        elif kept and stride == kept[0][0] * kept[0][1]:
            kept[0] = (kept[0][0] * count, kept[0][1])
        else:
            kept.insert(0, (count, stride))
    (a, b, c) = [(1, 0)] * (3 - len(kept)) + kept
    address = int(getattr(instruction, tile.field)) + tile.offset
    return Access(Memory.ACTIVATION, address, run, (a[0], b[0], c[0]), (a[1], b[1], c[1]), tile.written, tile.field)


def _transfer(instruction: Load | Store, buffer: Memory, *, loads: bool) -> tuple[Access, ...]:
    counts = (instruction.planes, instruction.rows, instruction.items)
    outside = (instruction.dram_plane_stride, instruction.dram_row_stride, instruction.dram_item_stride)
    inside = (instruction.plane_stride, instruction.row_stride, instruction.item_stride)
    run = instruction.item_bytes
    dram = Access(Memory.DRAM, instruction.dram, run, counts, outside, not loads, "dram")
    local = Access(buffer, instruction.address, run, counts, inside, loads, "address")
    return (dram, local) if loads else (local, dram)


def _encode(i: Encode) -> tuple[Access, ...]:
    size = packed_bytes((1 if i.shared_codebook else i.subspaces) * i.prototypes * i.length, i.prototype_bits)
    source, *codes = (_tile(i, tile) for tile in tiles(i))
    books = [_block(Memory.CODEBOOK, i.codebook, size, "codebook")]
    if i.spanned:
        books.append(_block(Memory.CODEBOOK, i.kept, packed_bytes(i.spanned, 1), "kept"))
    return (source, *books, *codes)


def _accumulate(i: Lookup | Convolve, elements: int, width: int) -> tuple[Access, ...]:
    written = _block(Memory.ACCUMULATOR, i.accumulator, elements * width, "accumulator", written=True)
    if i.first:
        return (_block(Memory.TABLE, i.bias, i.outputs * BIAS_BYTES, "bias"), written)
    return (_block(Memory.ACCUMULATOR, i.accumulator, elements * width, "accumulator"), written)


def _lookup(i: Lookup, accumulator: int) -> tuple[Access, ...]:
    table = packed_bytes(i.subspaces * i.prototypes * i.outputs, i.table_bits)
    accumulators = _accumulate(i, i.outputs * i.output_rows * i.output_columns, accumulator)
    return (*_map(i), _block(Memory.TABLE, i.table, table, "table"), *accumulators)


def _map(i: Lookup) -> tuple[Access, ...]:
    """What a lookup from the buffer reads of its map of codes and of the padding codes."""
    if not i.from_buffer:
        return ()
    if not reads_padding(i):
        return (_tile(i, code_map(i)),)
    groups, width = groups_read(i), i.code_storage.bytes
    padding = _block(Memory.TABLE, i.padding + groups.start * width, len(groups) * width, "padding")
    return (_tile(i, code_map(i)), padding)


def _convolve(i: Convolve) -> tuple[Access, ...]:
    taps = i.kernel_height * i.kernel_width
    weights = packed_bytes(i.outputs * (i.channels // max(i.groups, 1)) * taps, i.weight_bits)
    accumulators = _accumulate(i, i.outputs * i.output_rows * i.output_columns, WIDE_ACCUMULATOR_BYTES)
    return (_tile(i, source_tile(i)), _block(Memory.TABLE, i.weights, weights, "weights"), *accumulators)


def _requantize(i: Requantize, accumulator: int) -> tuple[Access, ...]:
    count = i.outputs * i.rows * i.columns
    width = WIDE_ACCUMULATOR_BYTES if i.wide else accumulator
    return (
        _block(Memory.ACCUMULATOR, i.accumulator, count * width, "accumulator"),
        _block(Memory.TABLE, i.parameters, i.outputs * PARAMETER_BYTES, "parameters"),
        *(_tile(i, tile) for tile in tiles(i)),
    )


def _map_tile(i: Map) -> tuple[Access, ...]:
    size = packed_bytes((i.planes if i.table_per_plane else 1) * i.entries, i.entry_bits)
    source, destination = (_tile(i, tile) for tile in tiles(i))
    return (source, _block(Memory.TABLE, i.table, size, "table"), destination)
