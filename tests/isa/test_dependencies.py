"""Tokens from accesses: enough for every conflict, none too many, against a brute-force closure of what is ordered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from support.instructions import smallest
from support.programs import load, store
from support.tiles import row

from pqc.isa.access import accesses
from pqc.isa.dependencies import Dependencies
from pqc.isa.fields import Instruction, Memory
from pqc.isa.fifo import sends_to_fifo, takes_from_fifo
from pqc.isa.instructions import Convolve, Encode, Fill, Load, Lookup, Requantize, Rescale

BITS = 16
Edges = list[tuple[int, int]]

places = st.integers(0, 3).map(lambda place: 4 * place)
spans = st.sampled_from([2, 4, 8])
PIXEL = dict.fromkeys(("channels", "height", "width", "kernel_height", "kernel_width"), 1)
STEPS = dict.fromkeys(("stride_height", "stride_width", "output_rows", "output_columns"), 1)
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


def encode_to_buffer(source: int, codebook: int, destination: int) -> Instruction:
    return replace(encode(source, codebook), to_buffer=1, destination=destination)


def lookup_from_buffer(codes: int, table: int, accumulator: int) -> Instruction:
    window = {**PIXEL, **STEPS, "groups": 1}
    del window["channels"]
    return replace(lookup(table, accumulator, 1), from_buffer=1, codes=codes, **window)


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
    st.builds(encode_to_buffer, places, places, places),
    st.builds(lookup_from_buffer, places, places, places),
    st.builds(convolve, places, places, places),
    st.builds(requantize, places, places),
)


def paired(instructions: Sequence[Instruction]) -> list[Instruction]:
    """Without the lookups that no encode stands in front of."""
    kept: list[Instruction] = []
    codes = 0
    for instruction in instructions:
        codes += sends_to_fifo(instruction)
        if takes_from_fifo(instruction):
            if not codes:
                continue
            codes -= 1
        kept.append(instruction)
    return kept


programs = st.lists(units, max_size=14).map(paired)


def waits_of(instructions: Sequence[Instruction]) -> Edges:
    """(source, reader) of every token."""
    dependencies = Dependencies(BITS)
    return [(one, index) for index, x in enumerate(instructions) for one in dependencies.add(x)]


def touched(instruction: Instruction, *, written: bool) -> set[tuple[Memory, int]]:
    found = [access for access in accesses(instruction, BITS) if access.written or not written]
    return {(access.memory, int(address)) for access in found for address in access.addresses()}


def conflicts(instructions: Sequence[Instruction]) -> Iterator[tuple[int, int]]:
    """All pairs on two units that touch a byte which one of them writes."""
    for i, j in combinations(range(len(instructions)), 2):
        first, second = instructions[i], instructions[j]
        if first.unit is second.unit:
            continue
        if touched(first, written=True) & touched(second, written=False) or (
            touched(first, written=False) & touched(second, written=True)
        ):
            yield i, j


@dataclass(frozen=True)
class Order:
    """Starts (2 i) and ends (2 i + 1) of instructions, and which of them are ordered whatever the units do."""

    before: npt.NDArray[np.bool_]

    @staticmethod
    def of(instructions: Sequence[Instruction], waits: Edges) -> Order:
        """From queues, FIFO and tokens: a lookup starts behind the start of its encode and ends behind its end."""
        size = len(instructions)
        before = np.eye(2 * size, dtype=np.bool_)
        before[[2 * i for i in range(size)], [2 * i + 1 for i in range(size)]] = True
        for i, j in combinations(range(size), 2):
            if instructions[i].unit is instructions[j].unit:
                before[2 * i + 1, 2 * j] = True
        encodes = [i for i, x in enumerate(instructions) if sends_to_fifo(x)]
        lookups = [i for i, x in enumerate(instructions) if takes_from_fifo(x)]
        for source, reader in zip(encodes, lookups, strict=False):
            before[2 * source, 2 * reader] = before[2 * source + 1, 2 * reader + 1] = True
        for source, reader in waits:
            before[2 * source + 1, 2 * reader] = True
        for middle in range(2 * size):
            before |= before[:, middle : middle + 1] & before[middle]
        return Order(before)

    def is_done(self, first: int, second: int) -> bool:
        """Whether ``first`` has ended when ``second`` starts."""
        return bool(self.before[2 * first + 1, 2 * second])


@settings(deadline=None)
@given(programs)
def test_every_conflict_is_ordered(instructions: list[Instruction]) -> None:
    order = Order.of(instructions, waits_of(instructions))
    for first, second in conflicts(instructions):
        assert order.is_done(first, second)


@settings(deadline=None)
@given(programs)
def test_no_token_is_implied_by_the_others(instructions: list[Instruction]) -> None:
    waits = waits_of(instructions)
    for token in waits:
        rest = [other for other in waits if other != token]
        assert not Order.of(instructions, rest).is_done(*token)


@settings(deadline=None)
@given(programs)
def test_tokens_between_two_units_keep_their_order(instructions: list[Instruction]) -> None:
    newest: dict[tuple[int, int], int] = {}
    for source, reader in waits_of(instructions):
        pair = instructions[source].unit, instructions[reader].unit
        assert pair[0] is not pair[1]
        assert newest.get(pair, -1) < source
        newest[pair] = source


def test_a_chain_needs_one_token_a_step() -> None:
    chain = [load(0, Memory.ACTIVATION, 0, 4), rescale(0, 4, 4), store(8, 4, 4)]
    assert waits_of(chain) == [(0, 1), (1, 2)]


def test_reading_the_same_bytes_needs_none() -> None:
    assert waits_of([fill(0, 4), store(0, 0, 4), rescale(0, 8, 4)]) == [(0, 1)]


def test_only_the_last_instruction_of_a_unit_is_waited_for() -> None:
    loads = [load(0, Memory.ACTIVATION, address, 4) for address in (0, 4)]
    assert waits_of([*loads, rescale(0, 8, 8)]) == [(1, 2)]


def test_bytes_between_strided_runs_are_free() -> None:
    rows = smallest(Load, item_bytes=2, items=2, rows=1, planes=1,
                    buffer=Memory.ACTIVATION, item_stride=8, dram_item_stride=2)  # fmt: skip
    assert waits_of([rows, fill(2, 6)]) == []
    assert waits_of([rows, fill(2, 7)]) == [(0, 1)]


def test_codes_in_the_buffer_are_waited_for() -> None:
    program = [encode_to_buffer(0, 0, 8), lookup_from_buffer(8, 0, 0), lookup_from_buffer(12, 0, 0)]
    assert waits_of(program) == [(0, 1)]
    fifo = [encode(0, 0), encode_to_buffer(0, 0, 8), lookup_from_buffer(8, 0, 0), lookup(0, 8, 1)]
    assert waits_of(fifo) == [(1, 2)]
    behind = [encode_to_buffer(0, 0, 8), encode(0, 0), lookup(0, 0, 1), requantize(0, 0)]
    assert waits_of(behind) == [(2, 3)]


def test_what_waits_for_a_lookup_has_waited_for_its_encode() -> None:
    program = [load(0, Memory.ACTIVATION, 0, 4), encode(0, 0), lookup(0, 0, 1), requantize(0, 0)]
    assert waits_of(program) == [(0, 1), (2, 3)]
