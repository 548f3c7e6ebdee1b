"""Tokens from accesses: enough for every conflict, none too many, against a brute-force closure of what is ordered."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from support.access_programs import encode, fill, lookup, programs, requantize, rescale
from support.closure import ACCUMULATOR_BITS, Edges, Order, conflicts
from support.instructions import smallest
from support.programs import load, store

from pqc.errors import ModelError
from pqc.isa.dependencies import Wait, stream_waits
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import Load

EXECUTIONS = 3


def waits_of(instructions: Sequence[Instruction]) -> Edges:
    """(source, reader) of every token; sources of the execution before are below zero."""
    waits = stream_waits(instructions, ACCUMULATOR_BITS)
    return [(one.source - one.distance * len(instructions), i) for i, found in enumerate(waits) for one in found]


def within(waits: Edges) -> Edges:
    """The tokens inside of one execution."""
    return [(source, reader) for source, reader in waits if source >= 0]


def unrolled(waits: Edges, size: int) -> Edges:
    """The same tokens in some executions of ``size`` instructions each."""
    every = [(e * size + source, e * size + reader) for e in range(EXECUTIONS) for source, reader in waits]
    return [(source, reader) for source, reader in every if source >= 0]


def order_of(instructions: Sequence[Instruction], waits: Edges) -> Order:
    return Order.of(list(instructions) * EXECUTIONS, unrolled(waits, len(instructions)))


@settings(deadline=None)
@given(programs)
def test_every_conflict_is_ordered(instructions: list[Instruction]) -> None:
    order = order_of(instructions, waits_of(instructions))
    for first, second in conflicts(instructions, EXECUTIONS):
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
    for first, second in conflicts(instructions, EXECUTIONS):
        if second < len(instructions):
            assert order.is_done(first, second)


def test_a_chain_needs_one_token_a_step() -> None:
    chain = [load(0, Memory.ACTIVATION, 0, 4), rescale(0, 4, 4), store(8, 4, 4)]
    assert within(waits_of(chain)) == [(0, 1), (1, 2)]


def test_the_next_execution_waits_for_whoever_still_reads() -> None:
    chain = [load(0, Memory.ACTIVATION, 0, 4), rescale(0, 4, 4), store(8, 4, 4)]
    assert stream_waits(chain, ACCUMULATOR_BITS) == [[Wait(1, 1)], [Wait(1, 2), Wait(0, 0)], [Wait(0, 1)]]


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
    assert stream_waits([], ACCUMULATOR_BITS) == []


def test_codes_that_no_encode_has_sent_yet() -> None:
    with pytest.raises(ModelError, match="instruction 0 takes codes from the FIFO that no encode in front of it sends"):
        stream_waits([lookup(0, 0, 1), encode(0, 0)], ACCUMULATOR_BITS)
