"""Random instructions that touch few bytes and so conflict often; what they compute makes no sense."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st
from support.instructions import smallest
from support.programs import load, store
from support.tiles import row

from pqc.isa.access import Access, accesses
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import Convolve, Encode, Fill, Lookup, Requantize, Rescale

places = st.integers(0, 3).map(lambda place: 4 * place)
spans = st.sampled_from([2, 4, 8])
PIXEL = dict.fromkeys(("channels", "height", "width", "kernel_height", "kernel_width"), 1)
STEPS = dict.fromkeys(
    ("stride_height", "stride_width", "dilation_height", "dilation_width", "output_rows", "output_columns"), 1
)
CODES = {"subspaces": 1, "prototypes": 2}


def fill(destination: int, count: int) -> Instruction:
    return smallest(Fill, destination=destination, **row(count))


def rescale(source: int, destination: int, count: int) -> Instruction:
    return smallest(Rescale, source=source, destination=destination, column_stride=1, **row(count))


def encode(source: int, codebook: int) -> Instruction:
    return smallest(Encode, **PIXEL, **STEPS, **CODES, length=2, prototype_bits=8, source=source, codebook=codebook)


def lookup(table: int, accumulator: int, first: int) -> Instruction:
    fields = {**CODES, "outputs": 2, "output_rows": 1, "output_columns": 1, "table_bits": 8, "first": first}
    return smallest(Lookup, **fields, table=table, bias=table + 4, accumulator=accumulator)


def convolve(source: int, weights: int, accumulator: int) -> Instruction:
    fields = {**PIXEL, **STEPS, "groups": 1, "outputs": 1, "weight_bits": 8, "first": 1}
    return smallest(Convolve, **fields, source=source, weights=weights, bias=weights + 4, accumulator=accumulator)


def requantize(accumulator: int, destination: int) -> Instruction:
    fields = {"outputs": 2, "rows": 1, "columns": 1, "destination_plane_stride": 1}
    return smallest(Requantize, **fields, accumulator=accumulator, parameters=0, destination=destination)


units = st.one_of(
    st.builds(load, places, st.sampled_from([Memory.ACTIVATION, Memory.TABLE, Memory.CODEBOOK]), places, spans),
    st.builds(store, places, places, spans),
    st.builds(fill, places, spans),
    st.builds(rescale, places, places, spans),
    st.builds(encode, places, places),
    st.builds(lookup, places, places, st.integers(0, 1)),
    st.builds(convolve, places, places, places),
    st.builds(requantize, places, places),
)


def paired(instructions: Sequence[Instruction]) -> list[Instruction]:
    """Without the lookups that no encode stands in front of, and without the encodes that no lookup follows."""
    kept: list[Instruction] = []
    open_encodes: list[int] = []
    for instruction in instructions:
        if isinstance(instruction, Lookup):
            if not open_encodes:
                continue
            open_encodes.pop(0)
        if isinstance(instruction, Encode):
            open_encodes.append(len(kept))
        kept.append(instruction)
    return [instruction for index, instruction in enumerate(kept) if index not in open_encodes]


programs = st.lists(units, max_size=14).map(paired)


def settled(instructions: Sequence[Instruction]) -> list[Instruction]:
    """Without those that read a byte on chip which nothing in front of them writes."""
    written: set[tuple[Memory, int]] = set()
    kept: list[Instruction] = []
    for instruction in instructions:
        touched = [access for access in accesses(instruction, 16) if access.memory is not Memory.DRAM]
        places = {kind: _places(touched, written=kind) for kind in (False, True)}
        if places[False] <= written:
            written |= places[True]
            kept.append(instruction)
    again = paired(kept)
    return again if len(again) == len(instructions) else settled(again)


def _places(touched: Sequence[Access], *, written: bool) -> set[tuple[Memory, int]]:
    return {(x.memory, int(place)) for x in touched if x.written is written for place in x.addresses()}


FIRST = [
    load(0, memory, address, 8)
    for memory in (Memory.ACTIVATION, Memory.TABLE, Memory.CODEBOOK)
    for address in (0, 8, 16)
]
"""Loads of every byte that others read, apart from accumulators."""

settled_programs = st.lists(units, max_size=14).map(lambda drawn: settled([*FIRST, *drawn]))
