"""Each instruction of the vector unit over bytes against the numerics on arrays, on random geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.instructions import smallest
from support.operands import FRAMES, Geometry, Memories, activations, clips, geometries, integers, run, seeds, storages
from support.tiles import dense, row

from pqc.errors import ProgramError
from pqc.isa.instructions import (
    Add,
    Map,
    Multiply,
    Pool,
    Requantize,
    Rescale,
    Storage,
)
from pqc.isa.parameters import pack_parameters
from pqc.numerics.element import Element
from pqc.numerics.packing import pack
from pqc.numerics.pooling import PoolMode, average_pool, max_pool
from pqc.numerics.requantize import add, multiply, requantize, rescale


@given(seeds, storages, storages, st.booleans(), st.booleans(), st.data())
def test_requantize(
    rng: np.random.Generator,
    storage: Storage,
    residual_storage: Storage,
    wide: bool,
    residual: bool,
    data: st.DataObject,
) -> None:
    outputs, columns = rng.integers(1, 7, 2).tolist()
    kind = "<i4" if wide else "<i2"
    clip = data.draw(clips(storage))
    accumulators = rng.integers(-30000, 30000, (FRAMES, outputs, columns)).astype(kind)
    added = activations(rng, residual_storage, FRAMES, outputs, columns)
    multiplier, shift = integers(rng, 0, 1 << 15, outputs), integers(rng, 0, 41, outputs)
    residual_multiplier = integers(rng, -(1 << 31), 1 << 31, outputs)
    memory = Memories()
    memory.put("accumulator", accumulators)
    memory.put("residual", added)
    memory.put("parameters", np.frombuffer(pack_parameters(multiplier, shift, residual_multiplier), np.uint8)[None])
    memory.space("destination", outputs * columns * storage.element.storage_bytes)
    instruction = dense(smallest(
        Requantize, wide=int(wide), outputs=outputs, rows=1, columns=columns, has_residual=int(residual),
        residual_storage=residual_storage, destination_storage=storage, low=clip.low, high=clip.high,
    ))  # fmt: skip
    run(instruction, memory)
    extra = (added, residual_multiplier) if residual else (None, None)
    expected = requantize(accumulators, multiplier, shift, clip, *extra)
    np.testing.assert_array_equal(memory.get("destination", storage.element.storage, outputs, columns), expected)


@given(seeds, storages, storages, storages, st.integers(0, 40), st.data())
def test_add_and_rescale(
    rng: np.random.Generator, left: Storage, right: Storage, storage: Storage, shift: int, data: st.DataObject
) -> None:
    count = int(rng.integers(1, 30))
    clip = data.draw(clips(storage))
    multipliers = (int(rng.integers(-(1 << 31), 1 << 31)), int(rng.integers(-(1 << 31), 1 << 31)))
    x, y = activations(rng, left, FRAMES, count), activations(rng, right, FRAMES, count)
    memory = Memories()
    memory.put("left", x)
    memory.put("right", y)
    memory.put("source", x)
    memory.space("destination", count * storage.element.storage_bytes)
    bounds = {"low": clip.low, "high": clip.high, "shift": shift, **row(count), "destination_storage": storage}
    run(
        dense(smallest(
            Add, **bounds, left_storage=left, right_storage=right, left_multiplier=multipliers[0],
            right_multiplier=multipliers[1],
        )), memory,
    )  # fmt: skip
    found = memory.get("destination", storage.element.storage, count)
    np.testing.assert_array_equal(found, add(x, y, multipliers, shift, clip))
    run(dense(smallest(Rescale, **bounds, storage=left, multiplier=multipliers[0])), memory)
    found = memory.get("destination", storage.element.storage, count)
    np.testing.assert_array_equal(found, rescale(x, multipliers[0], shift, clip))


@given(seeds, storages, storages, storages, st.integers(0, 40), st.data())
def test_multiply(
    rng: np.random.Generator, left: Storage, right: Storage, storage: Storage, shift: int, data: st.DataObject
) -> None:
    count, clip = int(rng.integers(1, 30)), data.draw(clips(storage))
    multiplier = int(rng.integers(-(1 << 30), 1 << 30))
    x, y = activations(rng, left, FRAMES, count), activations(rng, right, FRAMES, count)
    memory = Memories()
    memory.put("left", x)
    memory.put("right", y)
    memory.space("destination", count * storage.bytes)
    bounds = {"low": clip.low, "high": clip.high, "shift": shift, **row(count), "destination_storage": storage}
    run(dense(smallest(Multiply, **bounds, left_storage=left, right_storage=right, multiplier=multiplier)), memory)
    found = memory.get("destination", storage.element.storage, count)
    np.testing.assert_array_equal(found, multiply(x, y, multiplier, shift, clip))


@given(seeds, st.integers(1, 12), st.booleans(), st.booleans(), st.data())
def test_map(rng: np.random.Generator, bits: int, signed: bool, by_plane: bool, data: st.DataObject) -> None:
    element, result = Element(bits, signed), data.draw(storages)
    entry = Element(data.draw(st.integers(1, result.element.bits)), result.element.signed)
    planes, columns = 3, int(rng.integers(1, 20))
    table = rng.integers(entry.minimum, entry.maximum, (planes if by_plane else 1, 1 << bits), endpoint=True)
    x = rng.integers(element.minimum, element.maximum, (FRAMES, planes, 1, columns), endpoint=True)
    memory = Memories()
    memory.put("source", x.astype(element.storage))
    memory.put("table", pack(table, entry.bits)[None])
    memory.space("destination", planes * columns * result.bytes)
    instruction = dense(smallest(
        Map, storage=Storage.of(element), entry_bits=entry.bits, first=element.minimum, entries=1 << bits,
        table_per_plane=int(by_plane), destination_storage=result, planes=planes, rows=1, columns=columns,
    ))  # fmt: skip
    run(instruction, memory)
    expected = [[table[c if by_plane else 0, x[f, c] - element.minimum] for c in range(planes)] for f in range(FRAMES)]
    found = memory.get("destination", result.element.storage, planes, 1, columns)
    np.testing.assert_array_equal(found, np.array(expected))


@pytest.mark.parametrize(("element", "first"), [(4, 0), (255, 0), (6, 7), (11, 7)])
def test_a_map_stops_at_an_element_without_an_entry(element: int, first: int) -> None:
    memory = Memories()
    memory.put("source", np.full((FRAMES, 1), element, np.uint8))
    memory.put("table", np.zeros((1, 4), np.uint8))
    memory.space("destination", 1)
    fields = {"entry_bits": 8, "entries": 4, "first": first, **row(1)}
    with pytest.raises(
        ProgramError, match=f"reads element {element}, the table has entries for {first} to {first + 3}"
    ):
        run(dense(smallest(Map, **fields)), memory)


@given(geometries(), seeds, storages, storages, st.sampled_from(list(PoolMode)), st.data())
def test_pool(
    geometry: Geometry, rng: np.random.Generator, source: Storage, storage: Storage, mode: PoolMode, data: st.DataObject
) -> None:
    clip = data.draw(clips(storage))
    multiplier, shift = data.draw(st.integers(-(1 << 31), (1 << 31) - 1)), data.draw(st.integers(0, 40))
    x = activations(rng, source, FRAMES, geometry.channels, geometry.height, geometry.width)
    memory = Memories()
    memory.put("source", x)
    memory.space("destination", geometry.channels * geometry.columns * storage.element.storage_bytes)
    instruction = dense(smallest(
        Pool, **geometry.fields(), storage=source, mode=mode, destination_storage=storage, multiplier=multiplier,
        shift=shift, low=clip.low, high=clip.high,
    ))  # fmt: skip
    run(instruction, memory)
    if mode is PoolMode.MAX:
        expected = np.clip(max_pool(x, geometry.window, geometry.output).astype(np.int64), clip.low, clip.high)
    else:
        expected = average_pool(x, geometry.window, mode, multiplier, shift, clip, geometry.output)
    found = memory.get("destination", storage.element.storage, geometry.channels, *geometry.output)
    np.testing.assert_array_equal(found, expected)
