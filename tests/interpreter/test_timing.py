"""The timing model against figures worked out by hand, and its FIFO against a walk column by column."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.instructions import smallest
from support.programs import PqLayer, load, mask, store, target
from support.tiles import row

from pqc.errors import ModelError, ProgramError
from pqc.interpreter.code_fifo import FIFO_DEPTH
from pqc.interpreter.durations import (
    convolve_cycles,
    encode_work,
    lookup_work,
    transfer_cycles,
    vector_cycles,
)
from pqc.interpreter.timing import DRAM_BUSY, FIFO_EMPTY, FIFO_FULL, Timing, simulate
from pqc.interpreter.tokens import token_stall
from pqc.isa.fields import Instruction, Memory, Unit
from pqc.isa.instructions import Add, Convolve, Encode, Fill, Lookup, Pool, Requantize, Rescale

PQA = target()
RNG = np.random.default_rng(0)


def layer(channels: int, outputs: int, size: int, prototypes: int = 16) -> PqLayer:
    return PqLayer.random(RNG, channels, outputs, size, prototypes)


def pair(of: PqLayer) -> tuple[Encode, Lookup]:
    return of.encode(0, 0), of.lookup(0, 0, 0)


def spans(timing: Timing) -> list[tuple[int, int]]:
    return [(x.start, x.end) for x in timing.instructions]


@pytest.mark.parametrize(
    ("size", "buffer", "entry_bits", "cycles"),
    [
        (1, Memory.ACTIVATION, 8, 1),
        (751, Memory.ACTIVATION, 8, 8),
        (752, Memory.ACTIVATION, 8, 9),
        (7510, Memory.TABLE, 1, 118),  # 60,080 entries through 512 ports
        (7510, Memory.CODEBOOK, 1, 80),
        (7510, Memory.TABLE, 16, 80),
    ],
)
def test_load_cycles(size: int, buffer: Memory, entry_bits: int, cycles: int) -> None:
    assert PQA.bits_per_cycle == 751
    assert transfer_cycles(load(0, buffer, 0, size, entry_bits=entry_bits), PQA) == cycles


def test_a_store_has_no_write_ports() -> None:
    assert transfer_cycles(replace(store(0, 0, 100), rows=2, planes=3), PQA) == 7


def test_encode_and_lookup_cycles() -> None:
    encode, lookup = pair(layer(33, 40, 4))
    assert encode_work(encode, PQA).total == 16 * 3 * 1 * 1
    assert encode_work(replace(encode, length=17, prototypes=33), PQA).total == 16 * 3 * 2 * 3
    assert lookup_work(lookup, PQA).total == 16 * 3 * 2
    narrow = target(lookup={"subspace_lanes": 4})
    assert lookup_work(lookup, narrow).total == 16 * 9 * 2


CONVOLVE = smallest(Convolve, kernel_height=3, kernel_width=3, output_rows=4, output_columns=5, groups=1)


@pytest.mark.parametrize(
    ("channels", "outputs", "groups", "steps"),
    [(3, 16, 1, 2), (16, 16, 1, 4), (17, 9, 1, 6), (16, 16, 16, 2), (20, 20, 20, 3), (16, 32, 16, 4), (64, 64, 2, 32)],
)
def test_convolve_cycles(channels: int, outputs: int, groups: int, steps: int) -> None:
    convolve = replace(CONVOLVE, channels=channels, outputs=outputs, groups=groups)
    assert isinstance(convolve, Convolve)
    assert convolve_cycles(convolve, PQA) == 20 * 9 * steps


def test_a_missing_conventional_unit_is_refused() -> None:
    without = target(conventional={"output_lanes": 0})
    with pytest.raises(ModelError, match='target "test" has no conventional unit'):
        simulate([replace(CONVOLVE, channels=1, outputs=1)], without)


def test_vector_cycles() -> None:
    assert vector_cycles(smallest(Requantize, outputs=5, rows=4, columns=5), PQA) == 4
    assert vector_cycles(smallest(Add, **row(65)), PQA) == 3
    assert vector_cycles(smallest(Rescale, **row(1)), PQA) == 1
    assert vector_cycles(smallest(Fill, **row(64)), PQA) == 2
    pool = smallest(Pool, channels=3, kernel_height=2, kernel_width=2, output_rows=4, output_columns=2)
    assert vector_cycles(pool, PQA) == 3
    with pytest.raises(TypeError, match="store: the vector unit does not execute it"):
        vector_cycles(store(0, 0, 1), PQA)


@pytest.mark.parametrize(
    ("of", "encode", "lookup"),
    [
        (layer(16, 16, 32), 1024, 1024),  # ResNet-20, stage 1
        (layer(32, 32, 16), 512, 512),
        (layer(64, 64, 8), 256, 512),
        (layer(16, 16, 8, prototypes=64), 256, 64),
    ],
)
def test_a_pair_costs_the_slower_of_its_units(of: PqLayer, encode: int, lookup: int) -> None:
    timing = simulate(pair(of), PQA)
    encoding, looking = timing.instructions
    assert (encoding.busy, looking.busy) == (encode, lookup)
    latency = encode // of.columns if lookup >= encode else lookup // of.columns
    assert timing.cycles == max(encode, lookup) + latency
    assert looking.start == encode // of.columns
    assert (looking.stall, looking.cause) == (looking.start, FIFO_EMPTY)
    assert looking.starved == looking.end - looking.start - lookup


def test_an_encode_stalls_when_the_fifo_is_full() -> None:
    encode, lookup = pair(layer(16, 16, 32))
    slow = replace(lookup, wait=mask(Unit.LOAD))
    wait = replace(load(0, Memory.TABLE, 0, 751 * 250 // 8 * 4), signal=mask(Unit.LOOKUP))
    timing = simulate([wait, encode, slow], PQA)
    late = timing.instructions[0].end
    assert late > 2 * FIFO_DEPTH
    assert timing.instructions[2].start == late
    assert timing.cycles == late + 1024
    # the encode fills the FIFO, then takes up one column for each that the lookup takes
    assert timing.instructions[1].end == late + 1024 - FIFO_DEPTH
    assert timing.instructions[1].starved == late - FIFO_DEPTH
    assert timing.stalls[Unit.ENCODE] == {FIFO_FULL: late - FIFO_DEPTH}
    assert timing.stalls[Unit.LOOKUP] == {token_stall(Unit.LOAD): late}


def test_the_next_encode_runs_ahead_as_far_as_the_fifo_holds() -> None:
    first, second = pair(layer(16, 64, 4)), pair(layer(16, 64, 16))
    timing = simulate([*first, *second], PQA)
    encode, lookup = timing.instructions[2], timing.instructions[3]
    assert encode.start == timing.instructions[0].end == 16
    assert lookup.start == timing.instructions[1].end == 33
    assert lookup.end == 33 + 512
    assert encode.starved == 0  # 256 columns fit


def test_loads_and_stores_share_the_channel() -> None:
    timing = simulate([load(0, Memory.ACTIVATION, 0, 751), store(0, 0, 751)], PQA)
    assert spans(timing) == [(0, 8), (8, 16)]
    assert (timing.instructions[1].stall, timing.instructions[1].queued) == (0, 8)
    assert timing.dram_bytes == 1502


def test_latency_is_hidden_behind_the_other_direction() -> None:
    slow = target(dram={"latency_cycles": 5})
    timing = simulate([load(0, Memory.ACTIVATION, 0, 751), store(0, 0, 751), store(0, 0, 751)], slow)
    assert spans(timing) == [(0, 13), (8, 21), (21, 34)]


def test_tokens_order_and_name_the_stall() -> None:
    instructions: list[Instruction] = [
        load(0, Memory.ACTIVATION, 0, 751, signal=mask(Unit.VECTOR)),
        smallest(Fill, **row(32), signal=mask(Unit.STORE)),
        smallest(Fill, **row(64), wait=mask(Unit.LOAD), signal=mask(Unit.STORE)),
        store(0, 0, 8, wait=mask(Unit.VECTOR)),
        store(0, 0, 8, wait=mask(Unit.VECTOR)),
    ]
    timing = simulate(instructions, PQA)
    # the first store finds the channel busy with the load
    assert spans(timing) == [(0, 8), (0, 1), (8, 10), (8, 9), (10, 11)]
    assert [x.cause for x in timing.instructions] == [
        "",
        "",
        "buffer activation",
        "token from vector",
        "token from vector",
    ]
    assert [x.queued for x in timing.instructions] == [0, 0, 0, 7, 0]
    assert timing.busy[Unit.VECTOR] == 3
    assert timing.stalls[Unit.STORE] == {DRAM_BUSY: 7, "token from vector": 2}


def test_deadlock_and_codes_that_do_not_match_are_refused() -> None:
    with pytest.raises(ProgramError, match="deadlock: instructions 0 wait"):
        simulate([store(0, 0, 8, wait=mask(Unit.VECTOR))], PQA)
    encode, lookup = pair(layer(2, 2, 4))
    with pytest.raises(
        ProgramError, match=r"instruction 1 \(lookup\) takes the codes of 15 columns, its encode sends 16"
    ):
        simulate([encode, replace(lookup, output_rows=5, output_columns=3)], PQA)


def test_an_empty_program_takes_no_time() -> None:
    assert simulate([], PQA).cycles == 0
