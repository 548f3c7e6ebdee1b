"""What holds for the timing of every program: conservation, bounds, and that nothing gets faster with less."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.streams import WIDE, Stream, pq_tile, slower, streamed, streams

from pqc.interpreter.queues import UNITS
from pqc.interpreter.timing import Timing, simulate
from pqc.interpreter.work import Resource, works
from pqc.isa.instructions import Encode, Load, Lookup, Store
from pqc.planning.target import Target

EXAMPLES = settings(max_examples=40)

LANES = [
    ("encode", "subspace_lanes"),
    ("encode", "prototype_lanes"),
    ("encode", "length_lanes"),
    ("lookup", "output_lanes"),
    ("lookup", "subspace_lanes"),
    ("vector", "lanes"),
    ("conventional", "input_lanes"),
    ("conventional", "output_lanes"),
]


def run(stream: Stream, executions: int = 1, on: Target = WIDE, free: frozenset[int] = frozenset()) -> Timing:
    return simulate(stream.instructions, on, executions=executions, credits=stream.credits, free=free)


@EXAMPLES
@given(streams(), st.integers(1, 4))
def test_executions_are_the_program_written_out(stream: Stream, executions: int) -> None:
    repeated = Stream(stream.instructions * executions, stream.credits)
    once, many = run(repeated), run(stream, executions)
    assert many.start.tolist() == once.start.tolist()
    assert many.end.tolist() == once.end.tolist()
    assert (many.busy, many.dram_bytes) == (once.busy, once.dram_bytes)
    assert many.stalls == once.stalls
    assert many.completions[-1] == many.cycles
    assert list(many.completions) == sorted(many.completions)


@EXAMPLES
@given(streams(), st.integers(1, 3))
def test_every_cycle_of_a_unit_is_work_or_a_stall(stream: Stream, executions: int) -> None:
    timing = run(stream, executions)
    for unit in UNITS:
        ends = [x.end for x in timing.instructions if x.unit is unit]
        assert timing.busy[unit] + sum(timing.stalls[unit].values()) == max(ends, default=0)
        starts = [x.start for x in timing.instructions if x.unit is unit]
        assert all(end <= start for end, start in zip(ends, starts[1:], strict=False))
    assert "" not in {cause for causes in timing.stalls.values() for cause in causes}


@EXAMPLES
@given(streams(), st.integers(1, 3))
def test_cycles_lie_between_the_busiest_unit_and_the_sum_of_all(stream: Stream, executions: int) -> None:
    timing = run(stream, executions)
    assert max(*timing.busy.values(), timing.channel_cycles) <= timing.cycles <= sum(timing.busy.values())


@EXAMPLES
@given(streams())
def test_transfers_never_share_the_channel(stream: Stream) -> None:
    timing = run(stream, 2)
    spans = [(x.start, x.end) for x in timing.instructions if x.dram_bytes]
    spans.sort()
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


@pytest.mark.parametrize(("section", "key"), LANES)
@given(stream=streams(writes=False))
@settings(max_examples=20)
def test_fewer_lanes_never_help(stream: Stream, section: str, key: str) -> None:
    # With stores a delay may let a load through that others wait for: then a slower unit can end sooner.
    narrow = slower(WIDE, section, key)
    before, after = run(stream, 3), run(stream, 3, narrow)
    assert (after.end >= before.end).all()
    for unit in UNITS:
        work = works(stream.instructions, narrow)
        assert after.busy[unit] == 3 * sum(one.busy for one in work if one.unit == unit)
        assert after.busy[unit] >= before.busy[unit]


@EXAMPLES
@given(streams(writes=False), st.data())
def test_more_credits_never_hurt(stream: Stream, data: st.DataObject) -> None:
    more = tuple((a, b, count + data.draw(st.integers(0, 2))) for a, b, count in stream.credits)
    before = run(stream, 3)
    assert (run(Stream(stream.instructions, more), 3).end <= before.end).all()


@EXAMPLES
@given(streams(writes=False))
def test_later_executions_change_nothing_without_competition(stream: Stream) -> None:
    count = len(stream.instructions)
    assert run(stream, 4).end[: 2 * count].tolist() == run(stream, 2).end.tolist()


@EXAMPLES
@given(streams())
def test_half_the_bandwidth_doubles_the_transfers(stream: Stream) -> None:
    # Rates that are powers of two, so that half the rate is exact; write ports have a rate of their own.
    fast, slow = (simulate(stream.instructions, _bandwidth(rate), credits=stream.credits).work for rate in (256, 128))
    for instruction, one, other in zip(stream.instructions, fast, slow, strict=True):
        if one.resource is Resource.CHANNEL and not (isinstance(instruction, Load) and instruction.buffer > 0):
            assert 2 * one.channel_cycles - 1 <= other.channel_cycles <= 2 * one.channel_cycles
        assert other.channel_cycles >= one.channel_cycles


def _bandwidth(bits_per_cycle: int) -> Target:
    dram = replace(WIDE.dram, bandwidth_gb_s=bits_per_cycle * WIDE.clock_mhz / 8000, efficiency=1.0)
    made = replace(WIDE, dram=dram)
    assert made.bits_per_cycle == bits_per_cycle
    return made


@EXAMPLES
@given(streams(), st.data())
def test_free_instructions_take_no_time_and_move_nothing(stream: Stream, data: st.DataObject) -> None:
    chosen = data.draw(st.sets(st.integers(0, len(stream.instructions) - 1)))
    paired = frozenset(
        index
        for index, instruction in enumerate(stream.instructions)
        if index in chosen and not isinstance(instruction, Encode | Lookup)
    )
    timing = run(stream, 2, free=paired)
    count = len(stream.instructions)
    for entry, instruction in enumerate(timing.instructions):
        if entry % count in paired:
            assert instruction.end == instruction.start == instruction.end - instruction.queued - instruction.starved
            assert instruction.dram_bytes == instruction.busy == 0
    moved = sum(w.dram_bytes for k, w in enumerate(works(stream.instructions, WIDE)) if k not in paired)
    assert timing.dram_bytes == 2 * moved
    everything = frozenset(range(count))
    assert run(stream, 3, free=everything).cycles == 0


@EXAMPLES
@given(streams(writes=False), st.data())
def test_what_is_free_delays_nobody(stream: Stream, data: st.DataObject) -> None:
    pairs = [k for k, x in enumerate(stream.instructions) if isinstance(x, Encode)]
    others = [k for k, x in enumerate(stream.instructions) if not isinstance(x, Encode | Lookup)]
    free = set(data.draw(st.sets(st.sampled_from(others))))
    if pairs:
        free |= {k + step for k in data.draw(st.sets(st.sampled_from(pairs))) for step in (0, 1)}
    assert (run(stream, 2, free=frozenset(free)).end <= run(stream, 2).end).all()


def test_half_of_a_pair_cannot_be_free() -> None:
    stream = streamed(pq_tile((2, 3, 4), (0, 0, 1), writes=True))
    encode = next(k for k, x in enumerate(stream.instructions) if isinstance(x, Encode))
    with pytest.raises(ValueError, match="only one of encode and lookup number 0 is free"):
        run(stream, free=frozenset({encode}))


@EXAMPLES
@given(streams())
def test_a_free_load_still_waits_for_its_tokens(stream: Stream) -> None:
    loads = [k for k, x in enumerate(stream.instructions) if isinstance(x, Load | Store)]
    timing = run(stream, 2, free=frozenset(loads))
    ends = {unit: [x.end for x in timing.instructions if x.unit is unit] for unit in UNITS}
    for found in ends.values():
        assert found == sorted(found)
