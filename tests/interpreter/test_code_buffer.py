"""Codes through the activation buffer: the same sums as through the FIFO, and windows over maps of codes."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.instructions import smallest
from support.operands import FRAMES, Bytes, Geometry, Memories, activations, geometries, integers, run, seeds, storages
from support.tiles import dense

from pqc.errors import ProgramError
from pqc.isa.instructions import Encode, Lookup, Storage
from pqc.numerics.arrays import IntArray
from pqc.numerics.code_window import windowed_codes
from pqc.numerics.lookup import lookup
from pqc.numerics.packing import pack

prototype_counts = st.sampled_from([1, 5, 200, 256, 257, 300])
ONE_TAP = dict.fromkeys(
    ("kernel_height", "kernel_width", "stride_height", "stride_width", "dilation_height", "dilation_width"), 1
)


def random_table(rng: np.random.Generator, *shape: int) -> IntArray:
    return rng.integers(-100, 100, shape)


@given(geometries(), seeds, storages, prototype_counts, st.integers(1, 3), st.integers(1, 3), st.data())
@settings(deadline=None)
def test_one_tap_over_the_buffer_equals_the_fifo(
    geometry: Geometry,
    rng: np.random.Generator,
    storage: Storage,
    prototypes: int,
    subspaces: int,
    outputs: int,
    data: st.DataObject,
) -> None:
    rows, columns = geometry.output
    length = data.draw(st.integers(1, 4))
    codebook = rng.integers(-50, 50, (subspaces, prototypes, length))
    bias = integers(rng, -1000, 1000, outputs).astype("<i4")
    memory = Memories()
    memory.put("source", activations(rng, storage, FRAMES, geometry.channels, geometry.height, geometry.width))
    memory.put("codebook", pack(codebook, 8)[None])
    memory.put("table", pack(random_table(rng, subspaces, prototypes, outputs), 8)[None])
    memory.put("bias", bias[None])
    memory.space("accumulator", outputs * rows * columns * 2)
    encode = dense(
        smallest(
            Encode, **geometry.fields(), storage=storage, subspaces=subspaces, prototypes=prototypes, length=length,
            prototype_bits=8, prototype_signed=1,
        )
    )  # fmt: skip
    look = smallest(
        Lookup, subspaces=subspaces, prototypes=prototypes, outputs=outputs, output_rows=rows, output_columns=columns,
        table_bits=8, first=1,
    )  # fmt: skip
    sent = run(encode, memory).pop()
    run(look, memory, codes=sent)
    expected = memory.get("accumulator", "<i2", outputs, rows * columns).copy()

    size = Storage.of_codes(prototypes).bytes
    memory.space("accumulator", outputs * rows * columns * 2)
    memory.space("codes", subspaces * rows * columns * size)
    memory.fields["destination"] = memory.fields["codes"]
    to_buffer = dense(replace(encode, to_buffer=1, code_storage=Storage.of_codes(prototypes)))
    from_buffer = replace(
        look, from_buffer=1, code_storage=Storage.of_codes(prototypes), groups=subspaces, height=rows, width=columns,
        **ONE_TAP,
    )  # fmt: skip
    for instruction in (to_buffer, dense(from_buffer)):
        (waiting,) = run(instruction, memory, codes=sent)
        assert waiting is sent
    np.testing.assert_array_equal(memory.get("accumulator", "<i2", outputs, rows * columns), expected)


@given(geometries(), seeds, prototype_counts, st.sampled_from([8, 16, 24]), st.data())
@settings(deadline=None)
def test_windows_in_blocks_of_subspaces(
    geometry: Geometry, rng: np.random.Generator, prototypes: int, accumulator_bits: int, data: st.DataObject
) -> None:
    groups, outputs, storage = geometry.channels, 3, Storage.of_codes(prototypes)
    codes = rng.integers(0, prototypes, (FRAMES, groups, geometry.height, geometry.width))
    padding = rng.integers(0, prototypes, groups)
    table = random_table(rng, geometry.elements, prototypes, outputs)
    bias = integers(rng, -1000, 1000, outputs).astype("<i4")
    kind = {8: "<i1", 16: "<i2", 24: "<i4"}[accumulator_bits]
    memory = Memories()
    memory.put("codes", codes.astype(storage.element.storage))
    memory.put("padding", padding.astype(storage.element.storage)[None])
    memory.put("bias", bias[None])
    memory.space("accumulator", outputs * geometry.columns * np.dtype(kind).itemsize)
    fields: dict[str, Any] = geometry.fields()
    fields["groups"] = fields.pop("channels")
    cuts = data.draw(st.sets(st.integers(1, geometry.elements - 1))) if geometry.elements > 1 else set[int]()
    limits = [0, *sorted(cuts), geometry.elements]
    for first, end in pairwise(limits):
        memory.put("table", pack(table[first:end], 8)[None])
        block = smallest(
            Lookup, **fields, from_buffer=1, code_storage=storage, prototypes=prototypes, outputs=outputs, table_bits=8,
            first_subspace=first, subspaces=end - first, first=int(first == 0),
            plane_stride=geometry.height * geometry.width * storage.bytes, row_stride=geometry.width * storage.bytes,
        )  # fmt: skip
        run(block, memory, accumulator_bits)
    seen = windowed_codes(codes, geometry.window, padding, geometry.output)
    expected = lookup(seen, table, bias[None, :, None], accumulator_bits)
    np.testing.assert_array_equal(memory.get("accumulator", kind, outputs, geometry.columns), expected)


def map_of_one_row(codes: list[int], padding: int, prototypes: int, storage: Storage, **fields: int) -> None:
    """Look up a map of one row with a window of one tap."""
    memory = Memories()
    kind = storage.element.storage
    memory.put("codes", np.array([codes], kind))
    memory.put("padding", np.array([[padding]], kind))
    table: Bytes = pack(np.zeros((1, prototypes, 1), np.int64), 8)
    memory.put("table", table[None])
    memory.put("bias", np.zeros((1, 1), "<i4"))
    memory.space("accumulator", 2 * 8)
    instruction = smallest(
        Lookup, groups=1, height=1, width=len(codes), subspaces=1, prototypes=prototypes, outputs=1, output_rows=1,
        table_bits=8, first=1, from_buffer=1, code_storage=storage, **ONE_TAP, **fields,
    )  # fmt: skip
    run(dense(instruction), memory)


@pytest.mark.parametrize(("storage", "prototypes"), [(Storage.U8, 200), (Storage.U16, 300)])
def test_codes_of_no_prototype_are_refused_where_a_window_sees_them(storage: Storage, prototypes: int) -> None:
    message = rf"^reads code {prototypes}, its table has {prototypes} prototypes$"
    last = prototypes - 1
    map_of_one_row([0, last, last], last, prototypes, storage, output_columns=3)
    with pytest.raises(ProgramError, match=message):
        map_of_one_row([0, prototypes, last], last, prototypes, storage, output_columns=3)
    map_of_one_row([0, 1, prototypes], last, prototypes, storage, output_columns=2)
    with pytest.raises(ProgramError, match=message):
        map_of_one_row([0, 1, 2], prototypes, prototypes, storage, output_columns=3, pad_left=1)
