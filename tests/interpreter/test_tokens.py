"""Who sends a token, and what it is for."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import replace

from hypothesis import given, settings
from support.instructions import smallest
from support.programs import load, mask, store
from support.streams import Stream, pq_tile, streamed, streams
from support.tiles import row

from pqc.interpreter.queues import UNITS, Queues, execute_queues, first, members
from pqc.interpreter.tokens import senders, wait_causes
from pqc.isa.fields import Instruction, Memory, Unit
from pqc.isa.instructions import Fill, Rescale, Storage

EIGHT = Storage.U8


@settings(max_examples=40)
@given(streams())
def test_senders_are_those_of_an_execution(stream: Stream) -> None:
    executions, count = 4, len(stream.instructions)
    written_out = stream.instructions * executions
    queues = Queues(written_out)
    tokens: dict[tuple[Unit, Unit], deque[int]] = {(a, b): deque() for a in UNITS for b in UNITS}
    for source, destination, number in stream.credits:
        queues.tokens[source, destination] += number
        tokens[source, destination] += [-1] * number
    found = senders(stream.instructions, stream.credits)
    for entry in execute_queues(queues, first):
        instruction = written_out[entry]
        for source in members(instruction.wait):
            taken = tokens[source, instruction.unit].popleft()
            sender, before = found[entry % count][source]
            if taken >= 0:
                assert (taken % count, entry // count - taken // count) == (sender, before)
            else:
                assert entry // count < before
        for destination in members(instruction.signal):
            tokens[instruction.unit, destination].append(entry)
    left = Counter({pair: len(queue) for pair, queue in tokens.items() if queue})
    assert left == Counter({(a, b): number for a, b, number in stream.credits})


def causes(*instructions: Instruction) -> list[dict[Unit, str]]:
    return wait_causes(instructions, (), 16)


def test_data_that_was_loaded_and_space_that_was_read() -> None:
    fill = smallest(
        Rescale, source=0, destination=100, **row(8), column_stride=1, storage=EIGHT, destination_storage=EIGHT
    )
    after_load = replace(fill, wait=mask(Unit.LOAD), signal=mask(Unit.LOAD))
    loading = load(0, Memory.ACTIVATION, 0, 8, signal=mask(Unit.VECTOR))
    again = load(0, Memory.ACTIVATION, 4, 8, wait=mask(Unit.VECTOR))
    assert causes(loading, after_load, again) == [
        {}, {Unit.LOAD: "token from load"}, {Unit.VECTOR: "buffer activation"}
    ]  # fmt: skip
    # What is overwritten without having been read is space, too.
    blind = smallest(Fill, destination=4, **row(1), wait=mask(Unit.LOAD), destination_storage=EIGHT)
    assert causes(loading, blind)[1] == {Unit.LOAD: "buffer activation"}
    # A token between instructions that share no byte.
    far = load(0, Memory.ACTIVATION, 500, 8, wait=mask(Unit.VECTOR))
    assert causes(loading, after_load, far)[2] == {Unit.VECTOR: "token from vector"}


def test_a_load_of_what_was_stored_waits_for_data() -> None:
    stored = store(900, 0, 8, signal=mask(Unit.LOAD))
    assert causes(stored, load(904, Memory.ACTIVATION, 0, 8, wait=mask(Unit.STORE)))[1] == {
        Unit.STORE: "token from store"
    }
    assert causes(stored, load(100, Memory.ACTIVATION, 0, 8, wait=mask(Unit.STORE)))[1] == {
        Unit.STORE: "buffer activation"
    }


def test_strided_accesses_that_interleave_share_nothing() -> None:
    rows = {"rows": 4, "row_stride": 8, "dram_row_stride": 4}
    even = replace(load(0, Memory.ACTIVATION, 0, 4, signal=mask(Unit.STORE)), **rows)
    odd = replace(store(100, 4, 4, wait=mask(Unit.LOAD)), **rows)
    assert causes(even, odd)[1] == {Unit.LOAD: "token from load"}
    overwriting = replace(load(0, Memory.ACTIVATION, 4, 4, wait=mask(Unit.STORE)), **rows)
    assert causes(replace(odd, wait=0, signal=mask(Unit.LOAD)), overwriting)[1] == {Unit.STORE: "buffer activation"}
    other = replace(overwriting, address=0)
    assert causes(replace(odd, wait=0, signal=mask(Unit.LOAD)), other)[1] == {Unit.STORE: "token from store"}


def test_the_next_execution_waits_for_room_in_every_buffer() -> None:
    stream = streamed(pq_tile((2, 3, 4), (0, 0, 1), writes=True))
    found = wait_causes(stream.instructions, stream.credits, 16)
    named = {
        (x.mnemonic, source.name.lower()): why
        for x, waits in zip(stream.instructions, found, strict=True)
        for source, why in waits.items()
    }
    assert named["load", "encode"] in {"buffer activation", "buffer codebook"}
    assert named["load", "lookup"] == "buffer table"
    assert named["lookup", "load"] == named["encode", "load"] == "token from load"
    assert named["requantize", "lookup"] == "token from lookup"
    assert named["requantize", "store"] == "buffer activation"
    assert named["store", "vector"] == "token from vector"


def test_executions_share_no_dram() -> None:
    # The load reads where the execution before has stored, but what it waits for is the place in the buffer.
    stored = store(900, 0, 8, signal=mask(Unit.LOAD))
    loading = load(900, Memory.ACTIVATION, 0, 8, wait=mask(Unit.STORE))
    assert wait_causes([loading, stored], [(Unit.STORE, Unit.LOAD, 1)], 16)[0] == {Unit.STORE: "buffer activation"}
    elsewhere = replace(loading, address=100)
    assert wait_causes([elsewhere, stored], [(Unit.STORE, Unit.LOAD, 1)], 16)[0] == {Unit.STORE: "token from store"}
