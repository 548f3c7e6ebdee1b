"""Which bytes are in use when."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from support.instructions import smallest
from support.programs import load, store, target
from support.streams import WIDE, Stream, streams
from support.tiles import dense, row

from pqc.isa.access import Access
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import Add, Rescale, Storage
from pqc.report.memory_map import (
    ON_CHIP,
    Extent,
    Life,
    extents,
    lives,
    lower_bounds,
    on_chip_accesses,
    peaks,
)

PQA = target()
ACTIVATION = Memory.ACTIVATION


def in_order(instructions: list[Instruction]) -> list[Life]:
    steps = range(len(instructions))
    return sorted(
        lives(on_chip_accesses(instructions, PQA), PQA, steps, range(1, len(steps) + 1)), key=lambda x: x.begin
    )


def rescale(source: int, destination: int, count: int) -> Instruction:
    return dense(
        smallest(
            Rescale, source=source, storage=Storage.U8, destination=destination, destination_storage=Storage.U8,
            **row(count),
        )
    )  # fmt: skip


def test_a_value_lives_from_its_write_to_its_last_read() -> None:
    found = in_order([load(0, ACTIVATION, 0, 8), load(0, ACTIVATION, 8, 4), store(0, 0, 8), store(0, 8, 4)])
    assert found == [Life(ACTIVATION, 0, 8, 0, 0, 3), Life(ACTIVATION, 8, 4, 1, 1, 4)]


def test_parts_of_a_value_die_at_their_own_times() -> None:
    found = in_order([load(0, ACTIVATION, 0, 8), store(0, 0, 2), store(0, 2, 6), store(0, 4, 2)])
    assert found == [
        Life(ACTIVATION, 0, 2, 0, 0, 2), Life(ACTIVATION, 2, 2, 0, 0, 3),
        Life(ACTIVATION, 4, 2, 0, 0, 4), Life(ACTIVATION, 6, 2, 0, 0, 3),
    ]  # fmt: skip


def test_what_is_replaced_in_place_counts_once() -> None:
    instructions = [load(0, ACTIVATION, 0, 8), rescale(0, 0, 8), store(0, 0, 8)]
    assert in_order(instructions) == [Life(ACTIVATION, 0, 8, 0, 0, 1), Life(ACTIVATION, 0, 8, 1, 1, 3)]
    touched = on_chip_accesses(instructions, PQA)
    assert lower_bounds(touched, PQA)[ACTIVATION] == 8
    elsewhere = [instructions[0], rescale(0, 8, 8), instructions[2]]
    assert lower_bounds(on_chip_accesses(elsewhere, PQA), PQA)[ACTIVATION] == 16


def test_what_nobody_reads_lives_while_it_is_written() -> None:
    assert in_order([load(0, ACTIVATION, 0, 8), load(0, ACTIVATION, 4, 8)]) == [
        Life(ACTIVATION, 4, 4, 0, 0, 1), Life(ACTIVATION, 0, 4, 0, 0, 1), Life(ACTIVATION, 4, 8, 1, 1, 2)
    ]  # fmt: skip


def test_a_value_for_the_next_execution_lives_through_its_beginning() -> None:
    instructions = [store(0, 0, 8), load(0, ACTIVATION, 100, 8), store(0, 100, 8), load(0, ACTIVATION, 0, 8)]
    touched = on_chip_accesses(instructions, PQA)
    assert lower_bounds(touched, PQA)[ACTIVATION] == 8
    held = [instructions[1], instructions[0], *instructions[2:]]
    assert lower_bounds(on_chip_accesses(held, PQA), PQA)[ACTIVATION] == 16


def test_extents_of_nodes() -> None:
    add = dense(
        smallest(
            Add, left=0, right=8, destination=16, left_storage=Storage.U8, right_storage=Storage.U8,
            destination_storage=Storage.U8, **row(8),
        )
    )  # fmt: skip
    strided = replace(load(0, ACTIVATION, 32, 2), rows=3, row_stride=8)
    instructions = [load(0, ACTIVATION, 8, 8), load(0, ACTIVATION, 0, 8), add, load(0, Memory.TABLE, 4, 4), strided]
    touched = on_chip_accesses(instructions, PQA)
    assert extents(touched, ["a", "a", "b", "a", "b"]) == [
        Extent(ACTIVATION, "a", 0, 16),
        Extent(ACTIVATION, "b", 16, 24),
        Extent(ACTIVATION, "b", 32, 50),
        Extent(Memory.TABLE, "a", 4, 8),
    ]
    assert peaks(touched) == {ACTIVATION: 50, Memory.CODEBOOK: 0, Memory.TABLE: 8, Memory.ACCUMULATOR: 0}


def byte_by_byte(touched: list[list[Access]], executions: int) -> dict[Memory, int]:
    """The most bytes that are needed again, by walking back over all accesses of each byte."""
    steps = len(touched) * executions
    result = dict.fromkeys(ON_CHIP, 0)
    for memory in ON_CHIP:
        alive = np.zeros((steps, WIDE.buffer_bytes(memory)), np.bool_)
        needed = np.zeros(alive.shape[1], np.bool_)
        for step in reversed(range(steps)):
            own = [access for access in touched[step % len(touched)] if access.memory is memory]
            for access in own:
                if access.written:
                    access.view(alive[step])[...] = True
                    access.view(needed)[...] = False
            for access in own:
                if not access.written:
                    access.view(needed)[...] = True
            alive[step] |= needed
        result[memory] = int(alive.sum(axis=1).max())
    return result


@settings(max_examples=20)
@given(streams())
def test_lower_bounds_equal_a_walk_backwards(stream: Stream) -> None:
    touched = on_chip_accesses(stream.instructions, WIDE)
    found = lower_bounds(touched, WIDE)
    assert found == byte_by_byte(touched, 2)
    for memory, size in found.items():
        assert size <= peaks(touched)[memory] <= WIDE.buffer_bytes(memory)
