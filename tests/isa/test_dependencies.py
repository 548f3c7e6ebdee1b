"""Tokens from accesses: enough for every conflict, none too many, against a brute-force closure of what is ordered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from support.instructions import smallest
from support.programs import load, store
from support.tiles import row

from pqc.isa.access import accesses
from pqc.isa.dependencies import Wait, stream_waits
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import Convolve, Encode, Fill, Load, Lookup, Requantize, Rescale

BITS = 16
EXECUTIONS = 3
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


def waits_of(instructions: Sequence[Instruction]) -> Edges:
    """(source, reader) of every token; sources of the execution before are below zero."""
    waits = stream_waits(instructions, BITS)
    return [(one.source - one.distance * len(instructions), i) for i, found in enumerate(waits) for one in found]


def within(waits: Edges) -> Edges:
    """The tokens inside of one execution."""
    return [(source, reader) for source, reader in waits if source >= 0]


def unrolled(waits: Edges, size: int) -> Edges:
    """The same tokens in some executions of ``size`` instructions each."""
    every = [(e * size + source, e * size + reader) for e in range(EXECUTIONS) for source, reader in waits]
    return [(source, reader) for source, reader in every if source >= 0]


def touched(instruction: Instruction, *, written: bool) -> set[tuple[Memory, int]]:
    found = [access for access in accesses(instruction, BITS) if access.written is written]
    return {(access.memory, int(address)) for access in found for address in access.addresses()}


def conflicts(instructions: Sequence[Instruction]) -> Iterator[tuple[int, int]]:
    """All pairs of steps on two units that touch a byte which one of them writes; DRAM is each execution's own."""
    size = len(instructions)
    reads, writes = ([touched(x, written=kind) for x in instructions] for kind in (False, True))
    for i, j in combinations(range(EXECUTIONS * size), 2):
        a, b = i % size, j % size
        if instructions[a].unit is instructions[b].unit:
            continue
        common = writes[a] & reads[b] | reads[a] & writes[b] | writes[a] & writes[b]
        if any(memory is not Memory.DRAM or i // size == j // size for memory, _ in common):
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
        encodes, lookups = ([i for i, x in enumerate(instructions) if isinstance(x, kind)] for kind in (Encode, Lookup))
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


def order_of(instructions: Sequence[Instruction], waits: Edges) -> Order:
    return Order.of(list(instructions) * EXECUTIONS, unrolled(waits, len(instructions)))


@settings(deadline=None)
@given(programs)
def test_every_conflict_is_ordered(instructions: list[Instruction]) -> None:
    order = order_of(instructions, waits_of(instructions))
    for first, second in conflicts(instructions):
        assert order.is_done(first, second)


@settings(deadline=None)
@given(programs)
def test_no_token_is_implied_by_the_others(instructions: list[Instruction]) -> None:
    waits = waits_of(instructions)
    last = (EXECUTIONS - 1) * len(instructions)
    for source, reader in waits:
        rest = [other for other in waits if other != (source, reader)]
        assert not order_of(instructions, rest).is_done(last + source, last + reader)


@settings(deadline=None)
@given(programs)
def test_tokens_between_two_units_keep_their_order(instructions: list[Instruction]) -> None:
    """Also from one execution to the next: a token that is sent later is taken later."""
    sent: dict[tuple[int, int], list[int]] = {}
    for source, reader in waits_of(instructions):
        pair = instructions[source].unit, instructions[reader].unit
        assert pair[0] is not pair[1]
        sent.setdefault(pair, []).append(source)
    for sources in sent.values():
        assert sources == sorted(set(sources))
        assert sources[-1] < sources[0] + len(instructions)


@settings(deadline=None)
@given(programs)
def test_one_execution_needs_no_other_tokens_inside_of_it(instructions: list[Instruction]) -> None:
    """The first execution has nothing before it: its own tokens order it."""
    order = Order.of(instructions, within(waits_of(instructions)))
    for first, second in conflicts(instructions):
        if second < len(instructions):
            assert order.is_done(first, second)


def test_a_chain_needs_one_token_a_step() -> None:
    chain = [load(0, Memory.ACTIVATION, 0, 4), rescale(0, 4, 4), store(8, 4, 4)]
    assert within(waits_of(chain)) == [(0, 1), (1, 2)]


def test_the_next_execution_waits_for_whoever_still_reads() -> None:
    chain = [load(0, Memory.ACTIVATION, 0, 4), rescale(0, 4, 4), store(8, 4, 4)]
    assert stream_waits(chain, BITS) == [[Wait(1, 1)], [Wait(1, 2), Wait(0, 0)], [Wait(0, 1)]]


def test_dram_is_each_executions_own() -> None:
    assert waits_of([store(0, 0, 4), load(0, Memory.ACTIVATION, 8, 4)]) == [(0, 1)]
    assert waits_of([load(0, Memory.ACTIVATION, 8, 4), store(0, 0, 4)]) == [(0, 1)]


def test_reading_the_same_bytes_needs_none() -> None:
    assert within(waits_of([fill(0, 4), store(0, 0, 4), rescale(0, 8, 4)])) == [(0, 1)]


def test_only_the_last_instruction_of_a_unit_is_waited_for() -> None:
    loads = [load(0, Memory.ACTIVATION, address, 4) for address in (0, 4)]
    assert within(waits_of([*loads, rescale(0, 8, 8)])) == [(1, 2)]


def test_bytes_between_strided_runs_are_free() -> None:
    rows = smallest(Load, item_bytes=2, items=2, rows=1, planes=1,
                    buffer=Memory.ACTIVATION, item_stride=8, dram_item_stride=2)  # fmt: skip
    assert waits_of([rows, fill(2, 6)]) == []
    assert waits_of([rows, fill(2, 7)]) == [(-1, 0), (0, 1)]


def test_what_waits_for_a_lookup_has_waited_for_its_encode() -> None:
    program = [load(0, Memory.ACTIVATION, 0, 4), encode(0, 0), lookup(0, 0, 1), requantize(0, 0)]
    assert within(waits_of(program)) == [(0, 1), (2, 3)]
    # the next load overwrites what the requantization writes; that one has outlived lookup and encode
    assert waits_of(program)[0] == (-1, 0)


def test_nothing_to_execute() -> None:
    assert stream_waits([], BITS) == []
