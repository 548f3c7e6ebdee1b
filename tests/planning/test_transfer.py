"""Descriptors of transfers: the runs that they merge into copy the same elements as single ones would."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pqc.isa.access import Access
from pqc.isa.fields import Memory
from pqc.planning.tiles import Span
from pqc.planning.transfer import Map, Transfer, block, dense_strides, linear, strided

sizes = st.integers(1, 4)
triples = st.tuples(sizes, sizes, sizes)
widths = st.sampled_from([1, 2])


def bytes_moved(transfer: Transfer) -> list[tuple[int, int]]:
    """(DRAM, buffer) address of every byte that a transfer copies, in order."""

    def side(offset: int, strides: tuple[int, int, int]) -> list[int]:
        access = Access(Memory.DRAM, offset, transfer.item_bytes, transfer.counts, strides, written=False, field="")
        return access.addresses().tolist()

    outside = side(transfer.dram_offset, transfer.dram_strides)
    return list(zip(outside, side(transfer.buffer_offset, transfer.buffer_strides), strict=True))


@given(triples, widths, triples, triples, st.integers(0, 9), st.integers(0, 9))
def test_merging_changes_no_byte(
    counts: tuple[int, int, int],
    width: int,
    outside: tuple[int, int, int],
    inside: tuple[int, int, int],
    dram_offset: int,
    buffer_offset: int,
) -> None:
    dram_strides = (outside[0] * width, outside[1] * width, outside[2] * width)
    buffer_strides = (inside[0] * width, inside[1] * width, inside[2] * width)
    transfer = strided(counts, width, dram_strides, buffer_strides, dram_offset, buffer_offset)
    single = [
        (
            dram_offset + byte + sum(at * stride for at, stride in zip(index, dram_strides, strict=True)),
            buffer_offset + byte + sum(at * stride for at, stride in zip(index, buffer_strides, strict=True)),
        )
        for index in product(*map(range, counts))
        for byte in range(width)
    ]
    assert bytes_moved(transfer) == single


@st.composite
def parts(draw: st.DrawFn) -> tuple[Map, tuple[Span, Span, Span]]:
    tensor = Map(*draw(triples), draw(widths))
    starts = [draw(st.integers(0, size - 1)) for size in (tensor.planes, tensor.rows, tensor.columns)]
    stops = [
        draw(st.integers(start + 1, size))
        for start, size in zip(starts, (tensor.planes, tensor.rows, tensor.columns), strict=True)
    ]
    return tensor, (Span(starts[0], stops[0]), Span(starts[1], stops[1]), Span(starts[2], stops[2]))


@given(parts())
def test_a_block_lies_without_gaps_in_the_buffer(part: tuple[Map, tuple[Span, Span, Span]]) -> None:
    tensor, (planes, rows, columns) = part
    shape = (tensor.planes, tensor.rows, tensor.columns, tensor.element_bytes)
    addresses = np.arange(tensor.size).reshape(shape)
    wanted = addresses[planes.start : planes.stop, rows.start : rows.stop, columns.start : columns.stop].reshape(-1)
    assert bytes_moved(block(tensor, planes, rows, columns)) == list(
        zip(wanted.tolist(), range(wanted.size), strict=True)
    )


def test_whole_tensors_are_one_run() -> None:
    tensor = Map(3, 4, 5, 2)
    whole = block(tensor, Span(0, 3), Span(0, 4), Span(0, 5))
    assert whole == linear(tensor.size)
    assert tensor.size == tensor.elements * 2 == 120


def test_whole_rows_are_one_run_a_plane() -> None:
    transfer = block(Map(3, 4, 5, 1), Span(0, 3), Span(1, 3), Span(0, 5))
    assert (transfer.item_bytes, transfer.counts, transfer.dram_offset) == (10, (3, 1, 1), 5)


def test_strides_of_what_is_not_repeated_stay_out_of_the_instruction() -> None:
    assert linear(12, 7).fields() == {
        "item_bytes": 12, "items": 1, "rows": 1, "planes": 1, "dram_offset": 7, "address_offset": 0,
    }  # fmt: skip
    transfer = strided((2, 1, 3), 1, (50, 10, 2), dense_strides((2, 1, 3), 1), 4, 1)
    assert transfer.fields() == {
        "item_bytes": 1, "items": 3, "rows": 1, "planes": 2, "dram_plane_stride": 50, "plane_stride": 3,
        "dram_item_stride": 2, "item_stride": 1, "dram_offset": 4, "address_offset": 1,
    }  # fmt: skip
