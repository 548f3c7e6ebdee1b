"""An instruction on tiles that are parts of larger maps does what it does on tiles without gaps, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from support.instructions import smallest
from support.operands import FRAMES, Memories, activations, geometries, integers, run, seeds, storages
from support.tiles import dense

from pqc.isa.access import accesses
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import Add, Convolve, Encode, Fill, Lookup, Map, Multiply, Pool, Requantize, Rescale, Storage
from pqc.isa.legality import complaints
from pqc.isa.parameters import pack_parameters
from pqc.isa.tiles import tiles
from pqc.numerics.pooling import PoolMode
from pqc.numerics.requantize import Clip, multiply, rescale

Bytes = npt.NDArray[np.uint8]
sizes = st.integers(1, 4)
GARBAGE = 0x77


def bounds(storage: Storage) -> dict[str, int]:
    element = storage.element
    return {"destination_storage": storage, "low": element.minimum, "high": element.maximum}


@st.composite
def window_instructions(draw: st.DrawFn) -> Instruction:
    geometry, storage = draw(geometries()), draw(storages)
    fields: dict[str, Any] = {**geometry.fields(), "storage": storage}
    kind = draw(st.sampled_from([Encode, Convolve, Pool, Lookup]))
    if kind is Encode:
        book = {"subspaces": draw(sizes), "prototypes": 5, "length": draw(sizes), "prototype_bits": 6}
        return smallest(Encode, **fields, **book, to_buffer=1)
    if kind is Convolve:
        return smallest(Convolve, **fields, groups=1, outputs=draw(sizes), weight_bits=5, first=1)
    if kind is Pool:
        mode = draw(st.sampled_from(list(PoolMode)))
        return smallest(Pool, **fields, mode=mode, multiplier=3, shift=1, **bounds(draw(storages)))
    fields["groups"] = fields.pop("channels")
    del fields["storage"]
    table = {"subspaces": geometry.elements, "prototypes": 256, "outputs": draw(sizes), "table_bits": 7}
    return smallest(Lookup, **fields, **table, first=1, from_buffer=1)


@st.composite
def vector_instructions(draw: st.DrawFn) -> Instruction:
    shape = {"planes": draw(sizes), "rows": draw(sizes), "columns": draw(sizes)}
    result = bounds(draw(storages))
    kind = draw(st.sampled_from([Requantize, Add, Rescale, Map, Multiply, Fill]))
    if kind is Requantize:
        residual = {"has_residual": draw(st.integers(0, 1)), "residual_storage": draw(storages)}
        return smallest(Requantize, outputs=shape.pop("planes"), **shape, **residual, **result)
    if kind is Add:
        operands = {"left_storage": draw(storages), "right_storage": draw(storages)}
        return smallest(Add, **shape, **operands, left_multiplier=5, right_multiplier=-3, shift=3, **result)
    if kind is Rescale:
        return smallest(Rescale, **shape, storage=draw(storages), multiplier=7, shift=2, **result)
    if kind is Map:
        storage, by_plane = draw(storages), draw(st.integers(0, 1))
        whole = {"first": storage.element.minimum, "entries": 1 << storage.element.bits}
        table = {**whole, "entry_bits": draw(st.integers(1, 8)), "table_per_plane": by_plane}
        return smallest(Map, **shape, **table, storage=storage, destination_storage=draw(storages))
    if kind is Multiply:
        operands = {"left_storage": draw(storages), "right_storage": draw(storages)}
        return smallest(Multiply, **shape, **operands, multiplier=-3, shift=9, **result)
    return smallest(Fill, **shape, destination_storage=draw(storages), fill_value=draw(st.integers(0, 127)))


@st.composite
def strided(draw: st.DrawFn, instruction: Instruction) -> Instruction:
    """The same on tiles with gaps, plane by plane or with the planes of a row behind each other."""
    gaps, strides = st.integers(0, 3), dict[str, int]()
    for tile in tiles(instruction):
        planes, rows, columns = tile.counts
        size = tile.storage.bytes
        if f"{tile.prefix}column_stride" in instruction.fields:
            size = strides[f"{tile.prefix}column_stride"] = size + draw(gaps)
        inner = columns * size + draw(gaps)
        by_plane = draw(st.booleans())
        outer = (rows if by_plane else planes) * inner + draw(gaps)
        plane, row = (outer, inner) if by_plane else (inner, outer)
        strides |= {f"{tile.prefix}plane_stride": plane, f"{tile.prefix}row_stride": row}
    return replace(instruction, **strides)


def operands(instruction: Instruction, rng: np.random.Generator) -> dict[str, Bytes]:
    """Random bytes for everything that a dense instruction reads, and room for what it writes."""
    values: dict[str, Bytes] = {}
    for access in accesses(instruction, 16):
        if access.field == "parameters":
            count = access.size // 8
            records = pack_parameters(integers(rng, 0, 1 << 15, count), integers(rng, 0, 41, count))
            values[access.field] = np.frombuffer(records, np.uint8)[None]
        elif access.field not in values:
            shared = access.memory in (Memory.TABLE, Memory.CODEBOOK)
            values[access.field] = rng.integers(0, 256, (1 if shared else FRAMES, access.size)).astype(np.uint8)
    return values


def execute(instruction: Instruction, values: dict[str, Bytes]) -> tuple[str, Bytes]:
    """The field that ``instruction`` writes and the bytes [frames, n] of its elements, from the same for each operand.

    No byte between the elements changes.
    """
    memory = Memories()
    touched = {access.field: access for access in accesses(instruction, 16)}
    for field, access in touched.items():
        data = np.full((len(values[field]), access.end), GARBAGE, np.uint8)
        data[:, access.addresses()] = values[field]
        memory.put(field, data)
    written = next(access for access in touched.values() if access.written)
    run(instruction, memory)
    after = memory.get(written.field, np.uint8, written.end)
    between = np.delete(after, written.addresses(), axis=1)
    assert (between == GARBAGE).all()
    return written.field, after[:, written.addresses()]


@settings(deadline=None, max_examples=200)
@given(st.one_of(window_instructions(), vector_instructions()), seeds, st.data())
def test_strided_tiles(instruction: Instruction, rng: np.random.Generator, data: st.DataObject) -> None:
    plain = dense(instruction)
    values = operands(plain, rng)
    other = data.draw(strided(plain))
    assert not list(complaints(plain)) + list(complaints(other))
    field, expected = execute(plain, values)
    found_field, found = execute(other, values)
    assert found_field == field
    np.testing.assert_array_equal(found, expected)


@given(seeds, storages, st.tuples(sizes, sizes, sizes), st.tuples(*[st.integers(0, 9)] * 3))
def test_a_rescale_reads_with_any_strides(
    rng: np.random.Generator, storage: Storage, shape: tuple[int, int, int], steps: tuple[int, int, int]
) -> None:
    size = storage.bytes
    strides = {
        name: step * size for name, step in zip(("plane_stride", "row_stride", "column_stride"), steps, strict=True)
    }
    counts = dict(zip(("planes", "rows", "columns"), shape, strict=True))
    fields = {**bounds(storage), **counts, "storage": storage, "multiplier": 3, "shift": 1}
    instruction = replace(dense(smallest(Rescale, **fields)), **strides)
    places = np.indices(shape).reshape(3, -1).T @ np.array(steps)
    x = activations(rng, storage, FRAMES, int(places.max()) + 1)
    memory = Memories()
    memory.put("source", x)
    memory.space("destination", places.size * size)
    assert not list(complaints(instruction))
    run(instruction, memory)
    clip = Clip(storage.element, storage.element.minimum, storage.element.maximum)
    expected = rescale(x[:, places], 3, 1, clip)
    np.testing.assert_array_equal(memory.get("destination", storage.element.storage, places.size), expected)


@given(seeds, storages, storages, st.tuples(sizes, sizes, sizes), st.tuples(*[st.booleans()] * 3))
def test_a_multiply_repeats_an_operand_along_any_axis(
    rng: np.random.Generator, left: Storage, right: Storage, shape: tuple[int, int, int], once: tuple[bool, bool, bool]
) -> None:
    smaller = tuple(1 if alone else count for alone, count in zip(once, shape, strict=True))
    x, y = activations(rng, left, FRAMES, *shape), activations(rng, right, FRAMES, *smaller)
    counts = dict(zip(("planes", "rows", "columns"), shape, strict=True))
    operands = {"left_storage": left, "right_storage": right}
    instruction = dense(smallest(Multiply, **bounds(left), **counts, **operands, multiplier=5, shift=7))
    names = ("right_plane_stride", "right_row_stride", "right_column_stride")
    steps = (smaller[1] * smaller[2], smaller[2], 1)
    strides = {n: 0 if alone else step * right.bytes for n, step, alone in zip(names, steps, once, strict=True)}
    memory = Memories()
    memory.put("left", x)
    memory.put("right", y)
    memory.space("destination", x[0].size * left.bytes)
    instruction = replace(instruction, **strides)
    assert not list(complaints(instruction))
    run(instruction, memory)
    expected = multiply(x, y, 5, 7, Clip(left.element, left.element.minimum, left.element.maximum))
    np.testing.assert_array_equal(memory.get("destination", left.element.storage, *shape), expected)
