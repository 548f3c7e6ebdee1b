"""Each instruction over bytes against the numerics on arrays, on random geometry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.instructions import smallest
from support.operands import FRAMES, Geometry, Memories, activations, geometries, integers, run, seeds, storages
from support.programs import load, store
from support.tiles import dense, row

from pqc.errors import ProgramError
from pqc.isa.access import accesses, accumulator_bytes
from pqc.isa.fields import Memory
from pqc.isa.instructions import (
    Convolve,
    Encode,
    Fill,
    Load,
    Lookup,
    Storage,
)
from pqc.numerics.convolution import convolve
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, nearest_prototype, onto_grid, starts_of, subvectors
from pqc.numerics.lookup import lookup
from pqc.numerics.packing import pack


@given(geometries(), seeds, storages, st.data())
def test_encode(geometry: Geometry, rng: np.random.Generator, storage: Storage, data: st.DataObject) -> None:
    element = Element(data.draw(st.integers(2, 16)), data.draw(st.booleans()))
    length, subspaces = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 4))
    prototypes, shift = data.draw(st.sampled_from([1, 5, 300])), data.draw(st.integers(0, 4))
    first_element = data.draw(st.integers(0, geometry.elements - 1))
    metric = data.draw(st.sampled_from(list(Metric)))
    x = activations(rng, storage, FRAMES, geometry.channels, geometry.height, geometry.width)
    shared = data.draw(st.booleans())
    books = (1 if shared else subspaces, prototypes, length)
    codebook = rng.integers(element.minimum, element.maximum, books, endpoint=True)
    memory = Memories()
    memory.put("source", x)
    memory.put("codebook", pack(codebook, element.bits)[None])
    instruction = dense(smallest(
        Encode, **geometry.fields(), storage=storage, first_element=first_element, subspaces=subspaces,
        prototypes=prototypes, length=length, prototype_bits=element.bits, prototype_signed=int(element.signed),
        shift=shift, metric=metric, shared_codebook=int(shared),
    ))  # fmt: skip
    (codes,) = run(instruction, memory)
    starts = starts_of(first_element, length, subspaces)
    vectors = subvectors(onto_grid(x, shift, element), geometry.window, length, starts, geometry.output)
    np.testing.assert_array_equal(codes, nearest_prototype(vectors, codebook, metric))


@given(geometries(), seeds, st.sets(st.integers(0, 9), min_size=1), st.integers(1, 4))
def test_encode_without_some_subspaces(
    geometry: Geometry, rng: np.random.Generator, kept: set[int], length: int
) -> None:
    numbers = [number - min(kept) for number in sorted(kept)]
    spanned, element = numbers[-1] + 1, Element(8, False)
    x = activations(rng, Storage.U8, FRAMES, geometry.channels, geometry.height, geometry.width)
    codebook = rng.integers(0, 256, (len(numbers), 5, length))
    memory = Memories()
    memory.put("source", x)
    memory.put("codebook", pack(codebook, 8)[None])
    flags = np.isin(np.arange(spanned), numbers).astype(np.int32)
    memory.put("kept", pack(flags, 1)[None])
    instruction = dense(smallest(
        Encode, **geometry.fields(), storage=Storage.U8, subspaces=len(numbers), prototypes=5, length=length,
        prototype_bits=8, metric=Metric.L2, spanned=spanned,
    ))  # fmt: skip
    (codes,) = run(instruction, memory)
    vectors = subvectors(
        onto_grid(x, 0, element), geometry.window, length, [n * length for n in numbers], geometry.output
    )
    np.testing.assert_array_equal(codes, nearest_prototype(vectors, codebook, Metric.L2))
    memory.put("kept", pack(np.append(flags, 0), 1)[None])
    memory.put("codebook", pack(np.repeat(codebook, 2, axis=0), 8)[None])
    wrong = replace(instruction, spanned=spanned + 1, subspaces=len(numbers) + 1)
    with pytest.raises(ProgramError, match=f"keeps {len(numbers)} of {spanned + 1} subspaces, it encodes"):
        run(wrong, memory)


@given(seeds, st.sampled_from([8, 12, 16, 24, 32]), st.integers(2, 16), st.booleans())
def test_lookup(rng: np.random.Generator, accumulator_bits: int, table_bits: int, first: bool) -> None:
    subspaces, prototypes, outputs, columns = rng.integers(1, 7, 4).tolist()
    table = rng.integers(-(1 << table_bits - 1), 1 << table_bits - 1, (subspaces, prototypes, outputs))
    codes = rng.integers(0, prototypes, (FRAMES, subspaces, columns)).astype(np.uint8)
    bias = integers(rng, -1000, 1000, outputs).astype("<i4")
    kind = f"<i{accumulator_bytes(accumulator_bits)}"
    before = rng.integers(-100, 100, (FRAMES, outputs, columns)).astype(kind)
    memory = Memories()
    memory.put("table", pack(table, table_bits)[None])
    memory.put("bias", bias[None])
    memory.put("accumulator", before)
    instruction = smallest(
        Lookup, subspaces=subspaces, prototypes=prototypes, outputs=outputs, output_rows=1,
        output_columns=columns, table_bits=table_bits, first=int(first),
    )  # fmt: skip
    assert not run(instruction, memory, accumulator_bits, codes)
    expected = lookup(codes, table, bias[None, :, None] if first else before, accumulator_bits)
    np.testing.assert_array_equal(memory.get("accumulator", kind, outputs, columns), expected)


def test_lookup_without_codes_is_refused() -> None:
    memory = Memories()
    for name in ("table", "accumulator"):
        memory.space(name, 2)
    with pytest.raises(ProgramError, match="FIFO is empty"):
        run(
            smallest(Lookup, subspaces=1, prototypes=1, outputs=1, output_rows=1, output_columns=1, table_bits=8),
            memory,
        )


@given(seeds, storages, st.sampled_from([1, 2, 3]), st.integers(2, 16), st.booleans(), st.data())
def test_convolve(
    rng: np.random.Generator, storage: Storage, groups: int, weight_bits: int, first: bool, data: st.DataObject
) -> None:
    geometry = data.draw(geometries(st.sampled_from([groups, 2 * groups])))
    outputs = groups * data.draw(st.integers(1, 3))
    x = activations(rng, storage, FRAMES, geometry.channels, geometry.height, geometry.width)
    shape = (outputs, geometry.channels // groups, *geometry.window.kernel)
    weight = rng.integers(-(1 << weight_bits - 1), 1 << weight_bits - 1, shape)
    bias = integers(rng, -1000, 1000, outputs).astype("<i4")
    before = rng.integers(-1000, 1000, (FRAMES, outputs, geometry.columns)).astype("<i4")
    memory = Memories()
    memory.put("source", x)
    memory.put("weights", pack(weight, weight_bits)[None])
    memory.put("bias", bias[None])
    memory.put("accumulator", before)
    instruction = dense(smallest(
        Convolve, **geometry.fields(), storage=storage, groups=groups, outputs=outputs, weight_bits=weight_bits,
        first=int(first),
    ))  # fmt: skip
    run(instruction, memory)
    start = bias[None, :, None] if first else before
    expected = convolve(x, weight, geometry.window, groups, start, 32, geometry.output)
    np.testing.assert_array_equal(memory.get("accumulator", "<i4", outputs, geometry.columns), expected)


def test_fill() -> None:
    memory = Memories()
    memory.space("destination", 8)
    run(smallest(Fill, destination_storage=Storage.S16, **row(4), fill_value=-300), memory)
    assert (memory.get("destination", "<i2", 4) == -300).all()


@given(
    st.tuples(*[st.integers(1, 3)] * 4),
    st.tuples(*[st.integers(0, 30)] * 3),
    st.sampled_from([1, FRAMES]),
    st.booleans(),
)
def test_transfers(counts: tuple[int, ...], strides: tuple[int, ...], frames: int, loads: bool) -> None:
    planes, rows, items, size = counts
    gaps = (rows * items * size + 2, items * size + 1, size)
    plain = load(0, Memory.ACTIVATION, 0, size) if loads else store(0, 0, size)
    far = {"dram_plane_stride": strides[0], "dram_row_stride": strides[1], "dram_item_stride": strides[2]}
    near = {"plane_stride": gaps[0], "row_stride": gaps[1], "item_stride": gaps[2]}
    if not loads:
        far, near = dict(zip(far, near.values(), strict=True)), dict(zip(near, far.values(), strict=True))
    instruction = replace(plain, planes=planes, rows=rows, items=items, **far, **near)
    source, destination = accesses(instruction, 16)
    memory = Memories()
    given_bytes = np.random.default_rng(0).integers(0, 256, (frames, source.end)).astype(np.uint8)
    memory.put(source.field, given_bytes)
    memory.space(destination.field, destination.end)
    run(instruction, memory)
    found = memory.get(destination.field, np.uint8, destination.end)
    expected = np.full((FRAMES, destination.end), 0x77, np.uint8)
    for frame in range(FRAMES):
        expected[frame, destination.addresses()] = given_bytes[frame % frames, source.addresses()]
    np.testing.assert_array_equal(found, expected)


def test_an_operand_behind_its_memory_is_refused() -> None:
    memory = Memories()
    memory.space("destination", 8)
    with pytest.raises(ProgramError, match="destination: 20 bytes do not fit the 13"):
        run(smallest(Fill, **row(20)), memory)
    memory.space("dram", 4)
    memory.space("address", 4)
    with pytest.raises(ProgramError, match="dram: 30 bytes do not fit the 9"):
        run(load(0, Memory.ACTIVATION, 0, 30), memory)


def test_constants_serve_all_frames() -> None:
    memory = Memories()
    memory.put("dram", np.arange(4, dtype=np.uint8)[None])
    memory.space("address", 4)
    instruction = load(0, Memory.ACTIVATION, 0, 4)
    assert isinstance(instruction, Load)
    run(instruction, memory)
    np.testing.assert_array_equal(memory.get("address", np.uint8, 4), [[0, 1, 2, 3]] * FRAMES)
