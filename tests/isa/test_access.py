from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.instructions import KINDS, smallest
from support.programs import PqLayer, load, store
from support.tiles import dense, row

from pqc.isa.access import Access, accesses, accumulator_bytes
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import Add, Convolve, Fill, Pool, Requantize, Rescale, Storage

COUNTS = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
STRIDES = st.tuples(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))


def by_hand(access: Access) -> list[int]:
    starts = (
        access.address + sum(i * stride for i, stride in zip(place, access.strides, strict=True))
        for place in product(*(range(n) for n in access.counts))
    )
    return [start + offset for start in starts for offset in range(access.run)]


def touched(instruction: Instruction, accumulator_bits: int = 16) -> set[tuple[str, Memory, int, int, bool]]:
    found = accesses(instruction, accumulator_bits)
    assert [access.written for access in found] == [False] * (len(found) - 1) + [True] or not found[-1].written
    return {(a.field, a.memory, a.address, a.end, a.written) for a in found}


@given(COUNTS, STRIDES, st.integers(1, 6), st.integers(0, 9))
def test_addresses_view_end_and_overlap_agree_with_loops(
    counts: tuple[int, int, int], strides: tuple[int, int, int], run: int, address: int
) -> None:
    access = Access(Memory.ACTIVATION, address, run, counts, strides, written=False, field="x")
    expected = by_hand(access)
    assert access.addresses().tolist() == expected
    assert access.end == max(expected) + 1
    assert access.size == len(expected)
    assert access.overlaps_itself == (len(set(expected)) < len(expected))
    memory = np.arange(access.end + 3)
    assert access.view(memory).reshape(-1).tolist() == expected
    access.view(memory)[...] = -1
    assert set(np.flatnonzero(memory == -1).tolist()) == set(expected)


def test_a_view_behind_the_memory_is_refused() -> None:
    access = accesses(load(0, Memory.ACTIVATION, 4, 8), 16)[1]
    with pytest.raises(IndexError, match=r"address: bytes \[4, 12\) of 11"):
        access.view(np.zeros(11))


def test_nothing_is_touched_by_a_transfer_of_nothing() -> None:
    access = accesses(load(7, Memory.ACTIVATION, 4, 0), 16)[0]
    assert (access.size, access.end, access.addresses().size) == (0, 7, 0)


def test_transfers() -> None:
    moved = replace(load(100, Memory.TABLE, 8, 5), planes=2, dram_plane_stride=50, plane_stride=5)
    dram, buffer = accesses(moved, 16)
    assert (dram.memory, dram.address, dram.end, dram.written, dram.field) == (Memory.DRAM, 100, 155, False, "dram")
    assert (buffer.memory, buffer.address, buffer.end, buffer.written) == (Memory.TABLE, 8, 18, True)
    source, destination = accesses(store(100, 8, 5), 16)
    assert (source.memory, source.written, source.end) == (Memory.ACTIVATION, False, 13)
    assert (destination.memory, destination.written, destination.end) == (Memory.DRAM, True, 105)


def test_encode_reads_its_tile_and_its_packed_codebook() -> None:
    layer = PqLayer.random(np.random.default_rng(0), 3, 8, 5)
    encode = dense(replace(layer.encode(10, 20), prototype_bits=5, storage=Storage.S16))
    packed = (3 * 16 * 9 * 5 + 7) // 8
    assert touched(encode) == {
        ("source", Memory.ACTIVATION, 10, 10 + 3 * 25 * 2, False),
        ("codebook", Memory.CODEBOOK, 20, 20 + packed, False),
    }
    one = (16 * 9 * 5 + 7) // 8
    assert touched(replace(encode, shared_codebook=1, spanned=9, kept=300)) == {
        ("source", Memory.ACTIVATION, 10, 10 + 3 * 25 * 2, False),
        ("codebook", Memory.CODEBOOK, 20, 20 + one, False),
        ("kept", Memory.CODEBOOK, 300, 302, False),
    }


@pytest.mark.parametrize(("bits", "width"), [(8, 1), (12, 2), (16, 2), (24, 4), (32, 4)])
def test_lookup_reads_the_bias_or_what_it_adds_to(bits: int, width: int) -> None:
    lookup = replace(PqLayer.random(np.random.default_rng(0), 3, 8, 5).lookup(1, 900, 64), table_bits=7)
    table = ("table", Memory.TABLE, 1, 1 + (3 * 16 * 8 * 7 + 7) // 8, False)
    written = ("accumulator", Memory.ACCUMULATOR, 64, 64 + 8 * 25 * width, True)
    assert accumulator_bytes(bits) == width
    assert touched(lookup, bits) == {table, ("bias", Memory.TABLE, 900, 932, False), written}
    assert touched(replace(lookup, first=0), bits) == {table, (*written[:4], False), written}


def test_convolve_reads_grouped_packed_weights() -> None:
    convolve = smallest(
        Convolve, source=4, channels=6, height=5, width=5, kernel_height=3, kernel_width=2, output_rows=3,
        output_columns=4, groups=3, outputs=9, weights=16, weight_bits=5, bias=800, accumulator=40, first=1,
    )  # fmt: skip
    assert touched(dense(convolve)) == {
        ("source", Memory.ACTIVATION, 4, 154, False),
        ("weights", Memory.TABLE, 16, 16 + (9 * 2 * 6 * 5 + 7) // 8, False),
        ("bias", Memory.TABLE, 800, 836, False),
        ("accumulator", Memory.ACCUMULATOR, 40, 40 + 9 * 12 * 4, True),
    }


def test_requantize_reads_a_residual_only_if_it_has_one() -> None:
    requantize = smallest(
        Requantize, accumulator=2, outputs=3, rows=2, columns=2, parameters=5, residual=60, destination=90
    )
    requantize = dense(requantize)
    expected = {
        ("accumulator", Memory.ACCUMULATOR, 2, 2 + 24, False),
        ("parameters", Memory.TABLE, 5, 29, False),
        ("destination", Memory.ACTIVATION, 90, 102, True),
    }
    assert touched(requantize) == expected
    with_residual = dense(replace(requantize, has_residual=1, residual_storage=Storage.S16))
    assert touched(with_residual) == expected | {("residual", Memory.ACTIVATION, 60, 84, False)}
    assert ("accumulator", Memory.ACCUMULATOR, 2, 50, False) in touched(replace(requantize, wide=1))


def test_the_other_vector_instructions() -> None:
    add = smallest(Add, left=1, right=30, right_storage=Storage.U16, destination=60, **row(10))
    assert touched(dense(add)) == {
        ("left", Memory.ACTIVATION, 1, 11, False),
        ("right", Memory.ACTIVATION, 30, 50, False),
        ("destination", Memory.ACTIVATION, 60, 70, True),
    }
    rescale = smallest(Rescale, source=1, destination=60, destination_storage=Storage.S16, **row(10))
    assert touched(dense(rescale)) == {
        ("source", Memory.ACTIVATION, 1, 11, False),
        ("destination", Memory.ACTIVATION, 60, 80, True),
    }
    pool = smallest(Pool, source=1, channels=2, height=3, width=4, output_rows=2, output_columns=2, destination=60)
    assert touched(dense(pool)) == {
        ("source", Memory.ACTIVATION, 1, 25, False),
        ("destination", Memory.ACTIVATION, 60, 68, True),
    }
    assert touched(smallest(Fill, destination=3, **row(4))) == {("destination", Memory.ACTIVATION, 3, 7, True)}


@pytest.mark.parametrize("kind", KINDS)
def test_every_instruction_names_address_fields_in_their_memories(kind: type[Instruction]) -> None:
    for access in accesses(smallest(kind), 16):
        bits = kind.fields[access.field].bits
        memory = getattr(bits, "memory", None)
        assert memory in (None, access.memory)
