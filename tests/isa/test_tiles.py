"""Tiles and their accesses against loops over elements, and which operands a result may overwrite."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.instructions import KINDS, smallest
from support.tiles import dense, row

from pqc.isa.access import Access, accesses
from pqc.isa.fields import Address, Instruction, Memory
from pqc.isa.instructions import Add, Encode, Lookup, Pool, Requantize, Rescale, Storage
from pqc.isa.legality import clash
from pqc.isa.tiles import Tile, tiles

counts = st.tuples(*[st.integers(0, 3)] * 3)
strides = st.tuples(*[st.integers(0, 12)] * 3)
storages = st.sampled_from(list(Storage))


def rescale(
    source: int, destination: int, shape: tuple[int, ...], steps: tuple[int, ...], size: Storage
) -> Instruction:
    """Read from ``source`` with three strides, write without gaps."""
    return replace(
        smallest(
            Rescale, source=source, destination=destination, storage=size, destination_storage=size,
            plane_stride=steps[0], row_stride=steps[1], column_stride=steps[2],
            planes=shape[0], rows=shape[1], columns=shape[2],
        ),
        destination_plane_stride=shape[1] * shape[2] * size.bytes,
        destination_row_stride=shape[2] * size.bytes,
    )  # fmt: skip


def by_hand(address: int, tile: Tile) -> list[int]:
    starts = (
        address + tile.offset + sum(i * stride for i, stride in zip(place, tile.strides, strict=True))
        for place in product(*map(range, tile.counts))
    )
    return [start + byte for start in starts for byte in range(tile.storage.bytes)]


@given(counts, strides, storages, st.integers(0, 50))
def test_an_access_is_its_tile_element_by_element(
    shape: tuple[int, int, int], steps: tuple[int, int, int], storage: Storage, address: int
) -> None:
    instruction = rescale(address, 9, shape, steps, storage)
    for tile, access, start in zip(tiles(instruction), accesses(instruction, 16), (address, 9), strict=True):
        expected = by_hand(start, tile)
        assert access.addresses().tolist() == expected
        assert access.end == max(expected, default=start - 1) + 1
        assert start + tile.end == access.end
        assert access.written == tile.written


@given(counts, strides, counts, strides, st.integers(0, 20), st.integers(0, 20), storages)
def test_overlap_is_exact(
    shape: tuple[int, int, int],
    steps: tuple[int, int, int],
    other_shape: tuple[int, int, int],
    other_steps: tuple[int, int, int],
    address: int,
    other_address: int,
    storage: Storage,
) -> None:
    first = accesses(rescale(address, 0, shape, steps, storage), 16)[0]
    second = accesses(rescale(other_address, 0, other_shape, other_steps, Storage.U8), 16)[0]
    shared = bool(set(first.addresses().tolist()) & set(second.addresses().tolist()))
    assert first.overlaps(second) == second.overlaps(first) == shared
    assert not first.overlaps(replace(second, memory=Memory.TABLE))


@given(st.tuples(*[st.integers(1, 3)] * 3), strides, st.integers(0, 6), st.integers(0, 6), storages)
def test_a_result_overwrites_its_operand_element_for_element_or_not_at_all(
    shape: tuple[int, int, int], steps: tuple[int, int, int], source: int, destination: int, storage: Storage
) -> None:
    instruction = rescale(source, destination, shape, steps, storage)
    read, written = accesses(instruction, 16)
    before, after = read.addresses().tolist(), written.addresses().tolist()
    assert clash(instruction, read, written) == (before != after and bool(set(before) & set(after)))


def test_rows_side_by_side_do_not_clash() -> None:
    """A result in the right half of a map whose left half is read."""
    halves = {"row_stride": 8, "destination_row_stride": 8, "column_stride": 1, "planes": 1, "rows": 4, "columns": 4}
    instruction = smallest(Rescale, **halves, destination=4)
    assert not clash(instruction, *accesses(instruction, 16))
    shifted = replace(instruction, destination=3)
    assert clash(shifted, *accesses(shifted, 16))


def ends(instruction: Instruction) -> tuple[Access, Access]:
    touched = accesses(instruction, 16)
    return touched[0], touched[-1]


def test_windows_never_overwrite_what_they_read() -> None:
    window = dict.fromkeys(("channels", "height", "width", "kernel_height", "kernel_width", "output_rows"), 1)
    pool = dense(smallest(Pool, **window, output_columns=1))
    assert clash(pool, *ends(pool))
    encode = dense(smallest(Encode, **window, output_columns=1, subspaces=1, prototypes=1, length=1, to_buffer=1))
    assert clash(encode, *ends(encode))
    apart = replace(encode, destination=1)
    assert not clash(apart, *ends(apart))


def test_an_operand_of_an_addition_may_be_its_result() -> None:
    add = dense(smallest(Add, **row(8), right=8))
    left, right, written = accesses(add, 16)
    assert not clash(add, left, written)
    assert not clash(add, right, written)
    overlapping = replace(add, right=4)
    assert clash(overlapping, accesses(overlapping, 16)[1], written)


@pytest.mark.parametrize("kind", KINDS)
def test_tiles_name_the_fields_of_their_instruction(kind: type[Instruction]) -> None:
    flags = {"to_buffer": 1, "from_buffer": 1, "has_residual": 1}
    found = tiles(smallest(kind, **{name: 1 for name in flags if name in kind.fields}))
    for tile in found:
        bits = kind.fields[tile.field].bits
        assert isinstance(bits, Address)
        assert (bits.memory, bits.written) == (Memory.ACTIVATION, tile.written)
        assert {f"{tile.prefix}plane_stride", f"{tile.prefix}row_stride"} <= set(kind.fields)
    in_buffer = {
        name for name, field in kind.fields.items() if getattr(field.bits, "memory", None) is Memory.ACTIVATION
    }
    assert in_buffer == {tile.field for tile in found} or kind.mnemonic == "store"


def test_storage_of_codes() -> None:
    assert [Storage.of_codes(count) for count in (1, 256, 257, 65535)] == [Storage.U8] * 2 + [Storage.U16] * 2
    assert [storage.bytes for storage in Storage] == [storage.element.storage_bytes for storage in Storage]


def test_codes_in_the_buffer_and_residuals_are_there_only_if_they_are_used() -> None:
    assert [tile.field for tile in tiles(smallest(Encode))] == ["source"]
    assert tiles(smallest(Lookup)) == ()
    assert [tile.field for tile in tiles(smallest(Requantize))] == ["destination"]
    codes = smallest(Encode, to_buffer=1, destination=5, subspaces=2, output_rows=2, output_columns=3,
                     code_storage=Storage.U16, code_plane_stride=40, code_row_stride=10)  # fmt: skip
    written = accesses(codes, 16)[-1]
    expected = [5 + s * 40 + y * 10 + byte for s, y, byte in product(range(2), range(2), range(6))]
    assert (written.field, written.written, written.addresses().tolist()) == ("destination", True, expected)
    np.testing.assert_array_equal(by_hand(5, tiles(codes)[-1]), expected)
