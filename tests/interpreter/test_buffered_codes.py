"""Programs whose codes go through the activation buffer: checked, executed in any order, timed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.programs import PqLayer, chain, closed, mask, pq_program, target
from support.rules import change, check, refused
from support.tiles import dense
from support.tokens import Token, also, without

from pqc.errors import ProgramError
from pqc.interpreter.durations import encode_work, lookup_work
from pqc.interpreter.machine import Machine
from pqc.interpreter.timing import simulate
from pqc.interpreter.tokens import token_stall
from pqc.isa.fields import Instruction, Unit
from pqc.isa.instructions import Encode, Lookup
from pqc.isa.program import Program

LAYER = PqLayer.random(np.random.default_rng(0), 2, 4, 4)
CODES = 1024
"""Where the codes lie in the activation buffer."""

INPUTS = {"x": np.random.default_rng(1).integers(0, 256, (5, 2, 4, 4))}
MAP: dict[str, Any] = {
    "from_buffer": 1, "codes": CODES, "groups": 2, "height": 4, "width": 4, "kernel_height": 1, "kernel_width": 1,
    "stride_height": 1, "stride_width": 1, "dilation_height": 1, "dilation_width": 1,
}  # fmt: skip


def to_buffer(encode: Encode) -> Encode:
    return dense(replace(encode, to_buffer=1, destination=CODES))


def from_buffer(lookup: Lookup) -> Lookup:
    return dense(replace(lookup, **MAP))


def through_buffer(instruction: Instruction) -> Instruction:
    free = replace(instruction, wait=0, signal=0)
    if isinstance(free, Encode):
        return to_buffer(free)
    return from_buffer(free) if isinstance(free, Lookup) else free


FIFO = pq_program([LAYER])


def with_instructions(program: Program, instructions: Iterable[Instruction]) -> Program:
    stream, credits = closed(chain(instructions))
    return replace(program, instructions=stream, credits=credits, nodes=("node",) * len(stream))


BUFFERED = replace(with_instructions(FIFO, map(through_buffer, FIFO.instructions)), nodes=FIFO.nodes)
ENCODE, LOOKUP = (
    next(i for i, x in enumerate(BUFFERED.instructions) if isinstance(x, kind)) for kind in (Encode, Lookup)
)


def plainly(program: Program) -> list[Instruction]:
    return [replace(x, wait=0, signal=0) for x in program.instructions]


def test_the_machine_gives_what_the_fifo_gives_in_any_order() -> None:
    check(BUFFERED)
    expected = Machine(FIFO).run(INPUTS)["y"]
    machine = Machine(BUFFERED)
    np.testing.assert_array_equal(machine.run(INPUTS)["y"], expected)
    order = machine.random_order(np.random.default_rng(0))
    np.testing.assert_array_equal(machine.run(INPUTS, order)["y"], expected)


def test_a_block_of_groups_reads_its_own_codes() -> None:
    instructions = plainly(BUFFERED)
    whole = instructions[LOOKUP]
    assert isinstance(whole, Lookup)
    first = replace(whole, subspaces=1)
    second = replace(first, first=0, first_subspace=1, table=whole.table + whole.prototypes * whole.outputs)
    blocks = [*instructions[:LOOKUP], first, second, *instructions[LOOKUP + 1 :]]
    found = Machine(with_instructions(BUFFERED, blocks)).run(INPUTS)["y"]
    np.testing.assert_array_equal(found, Machine(FIFO).run(INPUTS)["y"])


def test_codes_are_ordered_by_tokens_alone() -> None:
    message = rf"\(lookup, .*reads activation bytes \[{CODES}, {CODES + 32}\) that instruction {ENCODE} \(encode"
    # the next execution waits for this encode without that token, too
    freed = also(BUFFERED, Token(ENCODE, 0, 1))
    refused(without(freed, Token(ENCODE, LOOKUP, 0)), message)


def test_codes_that_nobody_wrote_are_not_read() -> None:
    refused(change(BUFFERED, Lookup, codes=CODES + 8), r"reads activation bytes \[1056, 1064\) that nothing wrote")


def test_codes_are_read_any_number_of_times_and_the_fifo_may_be_at_work_meanwhile() -> None:
    instructions = plainly(BUFFERED)
    again = [*instructions[: LOOKUP + 1], instructions[LOOKUP], *instructions[LOOKUP + 1 :]]
    check(with_instructions(BUFFERED, again))
    unread = [*instructions[: ENCODE + 1], instructions[ENCODE], *instructions[ENCODE + 1 :]]
    check(with_instructions(BUFFERED, unread))
    both = [*instructions[: LOOKUP + 1], *plainly(FIFO)[ENCODE:]]
    program = with_instructions(BUFFERED, both)
    check(program)
    np.testing.assert_array_equal(Machine(program).run(INPUTS)["y"], Machine(FIFO).run(INPUTS)["y"])
    refused(with_instructions(FIFO, [*plainly(FIFO), instructions[ENCODE], plainly(FIFO)[ENCODE]]), "no lookup takes")


def test_an_encode_to_the_buffer_needs_no_lookup_to_be_done() -> None:
    """Its lookup may wait for it, which through the FIFO is a deadlock."""
    assert BUFFERED.instructions[ENCODE].signal & mask(Unit.LOOKUP)
    check(BUFFERED)


def test_a_code_of_no_prototype_names_the_instruction() -> None:
    """The input's bytes are no codes."""
    machine = Machine(change(BUFFERED, Lookup, codes=0))
    with pytest.raises(
        ProgramError,
        match=rf'^instruction {LOOKUP} \(lookup, node "layer0"\): reads code \d+, its table has 16 prototypes$',
    ):
        machine.run(INPUTS)
    quiet = {"x": np.zeros_like(INPUTS["x"])}
    assert machine.run(quiet)["y"].shape == (5, 4, 4, 4)


def test_time_without_the_fifo() -> None:
    wide = PqLayer.random(np.random.default_rng(0), 33, 40, 4)
    encode, lookup = to_buffer(wide.encode(0, 0)), replace(wide.lookup(0, 0, 0), **{**MAP, "groups": 33})
    ordered = chain([encode, dense(lookup)])
    timing = simulate(ordered, target())
    work = encode_work(encode, target()).total, lookup_work(lookup, target()).total
    assert work == (16 * 3, 16 * 3 * 2)
    first, second = timing.instructions
    assert (first.start, first.end, first.starved) == (0, work[0], 0)
    assert (second.start, second.end, second.starved) == (work[0], sum(work), 0)
    assert (second.stall, second.cause) == (work[0], token_stall(Unit.ENCODE))


def test_a_pair_on_the_fifo_is_not_disturbed_by_codes_in_the_buffer() -> None:
    pair = [LAYER.encode(0, 0), LAYER.lookup(0, 0, 0)]
    alone = simulate(pair, target()).instructions
    between = [pair[0], to_buffer(LAYER.encode(0, 0)), pair[1], from_buffer(LAYER.lookup(0, 0, 0))]
    timing = simulate(between, target()).instructions
    assert [(x.start, x.end) for x in (timing[0], timing[2])] == [(x.start, x.end) for x in alone]
    assert (timing[1].start, timing[1].end) == (alone[0].end, alone[0].end + 16)
    assert (timing[3].start, timing[3].end) == (alone[1].end, alone[1].end + 16)
