"""Each rule of the machine, broken once by a small program that otherwise keeps them all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from support.instructions import smallest
from support.programs import PqLayer, closed, load, mask, pq_program, store
from support.rules import LAYER, POOL, change, check, fill, layer_program, plain, refused
from support.tiles import row
from support.tokens import Token, also, tokens_of, without

from pqc.isa.fields import Instruction, Memory, Unit
from pqc.isa.instructions import Add, Encode, Lookup, Pool, Requantize, Rescale, Storage
from pqc.isa.program import Program
from pqc.numerics.pooling import PoolMode

ACTIVATION_BYTES = 4096


def test_a_correct_program_passes_in_program_order() -> None:
    program = layer_program()
    assert check(program) == list(range(len(program.instructions)))
    assert check(pq_program([LAYER, PqLayer.random(np.random.default_rng(1), 4, 2, 4)]))


@pytest.mark.parametrize(
    ("instruction", "message"),
    [
        (
            load(0, Memory.ACTIVATION, ACTIVATION_BYTES - 3, 4),
            r"writes activation bytes \[4093, 4097\), the memory has 4096",
        ),
        (load(62, Memory.ACTIVATION, 0, 4), r"reads dram bytes \[62, 66\), the memory has 64"),
        (load(14, Memory.ACTIVATION, 0, 4), r"reads dram bytes \[14, 18\), across the end of the constants at 16"),
        (store(12, 0, 2), r"writes dram bytes \[12, 14\), of which \[0, 16\) are constants"),
        (store(15, 0, 2), r"writes dram bytes \[15, 17\)"),
        (
            load(16, Memory.CODEBOOK, 0, 2),
            r"fills the codebook buffer from dram bytes \[16, 18\), which are no constants",
        ),
        (load(16, Memory.TABLE, 0, 2), "fills the table buffer"),
        (
            replace(load(0, Memory.ACTIVATION, 0, 4), items=2, item_stride=3),
            "writes some of the activation bytes .* twice",
        ),
        (replace(store(20, 0, 4), rows=3), "writes some of the dram bytes"),
    ],
)
def test_where_accesses_end(instruction: Instruction, message: str) -> None:
    refused(plain(instruction), rf"^instruction 0 .*{message}")


@pytest.mark.parametrize(
    "instructions",
    [
        [store(40, 0, 4)],
        [fill(0, 3), store(40, 0, 4)],
        [fill(0, 1), fill(2, 2), store(40, 0, 4)],
        [load(40, Memory.ACTIVATION, 0, 4)],
        [load(0, Memory.ACTIVATION, 0, 4), smallest(Add, left=0, right=4, destination=8, **row(4))],
    ],
)
def test_reading_what_nobody_wrote(instructions: Sequence[Instruction]) -> None:
    refused(plain(*instructions), r"reads (activation|dram) bytes \[\d+, \d+\) that nothing wrote")


def test_the_bytes_that_nobody_wrote_are_named() -> None:
    refused(
        plain(fill(0, 1), fill(2, 1), store(40, 0, 8)), r'\(store, node "node2"\): reads activation bytes \[1, 8\) that'
    )


def test_in_place_is_allowed_element_by_element_only() -> None:
    rescale = smallest(Rescale, **row(8), column_stride=1, multiplier=1, high=255)
    check(plain(fill(0, 8), rescale))
    refused(
        plain(fill(0, 9), replace(rescale, source=1)),
        r"reads activation bytes \[1, 9\) and writes \[0, 8\), which overlap",
    )
    wider = replace(rescale, destination_storage=Storage.U16)
    refused(plain(fill(0, 8), wider), "which overlap")
    pool = smallest(Pool, **{**POOL, "channels": 1}, mode=PoolMode.MAX, high=255)
    refused(plain(fill(0, 4), pool), "which overlap")


def test_codes_and_their_lookup() -> None:
    program = layer_program()
    refused(
        change(program, Lookup, output_columns=3),
        r"\(lookup, .*output_columns = 3, the codes come from instruction 5 \(encode.* 4",
    )
    refused(change(program, Lookup, subspaces=1), "subspaces = 1, .* with 2")
    refused(change(program, Lookup, prototypes=8), "prototypes = 8, .* with 16")
    lone = [x for x in program.instructions if not isinstance(x, Lookup)]
    refused(
        replace(program, instructions=tuple(lone), nodes=program.nodes[1:]), r"\(encode, .*no lookup takes its codes"
    )
    lone = [x for x in program.instructions if not isinstance(x, Encode)]
    refused(
        replace(program, instructions=tuple(lone), nodes=program.nodes[1:]), r"\(lookup, .*no encode sends its codes"
    )


def test_tokens_that_never_come_are_a_deadlock() -> None:
    program = change(layer_program(), Requantize, wait=mask(Unit.LOOKUP, Unit.STORE))
    refused(
        program,
        r'^deadlock: instruction 7 \(requantize, node "layer0"\) waits for a token from store; '
        r'instruction 8 \(store, node "layer0"\) waits for a token from vector$',
    )


def test_units_that_wait_for_each_other_are_a_deadlock() -> None:
    instructions = [
        replace(fill(0, 4), wait=mask(Unit.LOAD), signal=mask(Unit.LOAD)),
        replace(load(0, Memory.ACTIVATION, 8, 4), wait=mask(Unit.VECTOR), signal=mask(Unit.VECTOR)),
    ]
    refused(plain(*instructions, chained=False), r"deadlock: .*\(fill.*token from load; .*\(load.*token from vector")


def test_an_encode_may_not_need_room_that_its_lookup_frees_later() -> None:
    program = layer_program()
    signals = change(program, Encode, signal=mask(Unit.LOOKUP))
    waits = change(signals, Lookup, wait=mask(Unit.ENCODE))
    refused(waits, r"deadlock: .*\(lookup, .*waits for a token from encode")


def test_a_second_encode_waits_for_the_first_lookup() -> None:
    program = layer_program()
    first = next(x for x in program.instructions if isinstance(x, Encode))
    late = replace(next(x for x in program.instructions if isinstance(x, Lookup)), wait=mask(Unit.STORE))
    twice = (replace(first, wait=0), replace(first, wait=0), late, late)
    refused(
        replace(program, instructions=twice, nodes=("a", "b", "c", "d"), outputs=()),
        r"^deadlock: .* waits for the lookup that takes the codes of instruction 0; .* waits for a token from store",
    )


def test_a_token_that_nobody_takes() -> None:
    program = change(layer_program(), Encode, signal=mask(Unit.STORE))
    refused(program, r'^instruction 5 \(encode, node "layer0"\): its token to store is never taken')


def test_outputs_are_written_wholly() -> None:
    program = layer_program()
    short = change(program, program.instructions[-1].__class__, item_bytes=60)
    refused(short, r'^output "y": 4 of its 64 bytes are not written')


def test_a_program_that_contradicts_itself() -> None:
    refused(replace(layer_program(), dram_bytes=10), "contradicts itself")


RACES: list[tuple[str, Callable[[], Program], str]] = [
    (
        "read after write",
        lambda: without(plain(load(0, Memory.ACTIVATION, 0, 8), store(40, 0, 8)), Token(0, 1, 0)),
        r'^instruction 1 \(store, node "node1"\): reads activation bytes \[0, 8\) that instruction 0 '
        r'\(load, node "node0"\) writes, and no token from load to store orders the two',
    ),
    (
        "write after read",
        lambda: broken(plain(fill(0, 8), store(40, 0, 8), load(0, Memory.ACTIVATION, 6, 8))),
        r"\(load, .*writes activation bytes \[6, 8\) that instruction 1 \(store, .*reads, and no token from store",
    ),
    (
        "write after write",
        lambda: without(plain(fill(0, 8), load(0, Memory.ACTIVATION, 7, 8)), Token(0, 1, 0)),
        r"\(load, .*writes activation bytes \[7, 8\) that instruction 0 \(fill, .*writes",
    ),
    (
        "in dram",
        lambda: broken(plain(fill(0, 8), store(40, 0, 8), load(44, Memory.ACTIVATION, 16, 4), dram_bytes=64)),
        r"\(load, .*reads dram bytes \[44, 48\) that instruction 1 \(store, .*writes",
    ),
    (
        "write after read in the next execution",
        lambda: without(plain(load(0, Memory.ACTIVATION, 0, 8), store(40, 0, 8)), Token(1, 0, 1)),
        r'^instruction 0 \(load, node "node0"\): writes activation bytes \[0, 8\) that instruction 1 '
        r'\(store, node "node1"\) of the execution before reads, and no token from store to load orders the two',
    ),
    (
        "write after write in the next execution",
        lambda: without(plain(load(0, Memory.ACTIVATION, 0, 8), fill(7, 9)), Token(1, 0, 1)),
        r"instruction 0 \(load, .*writes .* \[7, 8\) that instruction 1 \(fill, .* of the execution before writes",
    ),
]


def broken(program: Program) -> Program:
    """Three instructions: the third waits for the first, not for the second; the next execution waits for that, too."""
    return also(also(without(program, Token(1, 2, 0)), Token(0, 2, 0)), Token(1, 0, 1))


@pytest.mark.parametrize(("program", "message"), [case[1:] for case in RACES], ids=[case[0] for case in RACES])
def test_races(program: Callable[[], Program], message: str) -> None:
    refused(program(), message)


def test_every_token_of_the_layers_is_needed() -> None:
    program = pq_program([LAYER, PqLayer.random(np.random.default_rng(1), 4, 2, 4)])
    tokens = tokens_of(program)
    assert sum(token.distance for token in tokens) == 1
    for token in tokens:
        refused(without(program, token), r"no token from \w+ to \w+ orders the two")


def test_dram_is_each_executions_own() -> None:
    """The load of the next execution does not wait for the store of the last one."""
    instructions = [
        replace(fill(0, 8), wait=mask(Unit.STORE), signal=mask(Unit.STORE)),
        store(40, 0, 8, wait=mask(Unit.VECTOR), signal=mask(Unit.LOAD, Unit.VECTOR)),
        load(40, Memory.ACTIVATION, 8, 8, wait=mask(Unit.STORE)),
    ]
    check(replace(plain(*instructions, chained=False), credits=((Unit.STORE, Unit.VECTOR, 1),)))


def test_what_only_the_execution_before_wrote_is_not_there() -> None:
    refused(
        plain(store(40, 0, 4), fill(0, 4)), r"instruction 0 \(store, .*reads activation bytes .* that nothing wrote"
    )


def test_tokens_at_the_start() -> None:
    program = plain(load(0, Memory.ACTIVATION, 0, 8), store(40, 0, 8))
    first, second = program.instructions
    keeps = replace(program, instructions=(first, replace(second, signal=0)))
    refused(keeps, r"^instruction 0 \(load, .*takes a token from store that no instruction gives back to the next exec")
    refused(replace(program, credits=()), r"^deadlock: instruction 0 \(load, .* waits for a token from store; ")
    refused(
        replace(program, credits=((Unit.STORE, Unit.LOAD, 2),)),
        "^2 tokens from store to load are there at the start, of which an execution takes 1$",
    )
    refused(replace(program, credits=((Unit.STORE, Unit.LOAD, 0),)), r"contradicts itself: credits\[0\]\.count = 0")


def test_a_token_orders_what_stands_before_it_in_the_same_queue_and_through_other_units() -> None:
    instructions = [
        load(0, Memory.ACTIVATION, 0, 8),
        load(0, Memory.ACTIVATION, 8, 8, signal=mask(Unit.VECTOR)),
        replace(fill(16, 8), wait=mask(Unit.LOAD), signal=mask(Unit.STORE)),
        store(40, 0, 16, wait=mask(Unit.VECTOR)),
    ]
    stream, credits = closed(instructions)
    check(replace(plain(*stream, chained=False), credits=credits))


def test_a_lookup_is_ordered_behind_its_encode_but_does_not_wait_for_its_end() -> None:
    program = layer_program()
    encode = next(i for i, x in enumerate(program.instructions) if isinstance(x, Encode))
    reuse = replace(load(program.inputs[0].address, Memory.ACTIVATION, 0, 32), wait=mask(Unit.LOOKUP))
    signals = change(program, Lookup, signal=mask(Unit.VECTOR, Unit.LOAD))
    after = replace(signals, instructions=(*signals.instructions, reuse), nodes=(*signals.nodes, "again"))
    check(after)
    early = change(after, Lookup, signal=mask(Unit.VECTOR))
    early = replace(early, instructions=(*early.instructions[:-1], replace(reuse, wait=0)))
    refused(early, rf"writes activation bytes \[0, 32\) that instruction {encode} \(encode, .*reads")
