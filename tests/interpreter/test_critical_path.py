"""The critical path: it covers every cycle, and what is off it could take no time and nothing would change."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from support.programs import load, mask, store, target
from support.streams import WIDE, Stream, streams

from pqc.interpreter.critical_path import CriticalPath, critical_circuit, critical_path
from pqc.interpreter.queues import UNITS
from pqc.interpreter.steady_state import steady_state
from pqc.interpreter.timing import DRAM_BUSY, simulate
from pqc.isa.fields import Memory, Unit
from pqc.isa.fifo import sends_to_fifo, takes_from_fifo

EXAMPLES = settings(max_examples=40)


def by_unit(path: CriticalPath) -> dict[Unit, int]:
    found: Counter[Unit] = Counter()
    for stretch in path.stretches:
        found[UNITS[path.timing.work[stretch.entry % len(path.timing.work)].unit]] += stretch.cycles
    return dict(found)


def check(path: CriticalPath) -> None:
    """No gaps, and every stretch lies inside its instruction."""
    for later, earlier in pairwise(path.stretches):
        assert later.begin == earlier.end
    for stretch in path.stretches:
        assert stretch.cycles > 0
        assert path.timing.start[stretch.entry] <= stretch.begin
        assert stretch.end <= path.timing.end[stretch.entry]


def off(stream: Stream, path: CriticalPath) -> frozenset[int]:
    """The instructions that are not on the path; a pair is off it if both are."""
    count = len(stream.instructions)
    on = {stretch.entry % count for stretch in path.stretches}
    lookups = [k for k, x in enumerate(stream.instructions) if takes_from_fifo(x)]
    encodes = [k for k, x in enumerate(stream.instructions) if sends_to_fifo(x)]
    for pair in zip(encodes, lookups, strict=True):
        if on & set(pair):
            on |= set(pair)
    return frozenset(range(count)) - on


@EXAMPLES
@given(streams(), st.integers(1, 3))
def test_the_path_covers_every_cycle(stream: Stream, executions: int) -> None:
    timing = simulate(stream.instructions, WIDE, executions=executions, credits=stream.credits)
    path = critical_path(timing)
    check(path)
    assert path.cycles == timing.cycles
    assert (path.stretches[0].end, path.stretches[-1].begin) == (timing.cycles, 0)


@EXAMPLES
@given(streams(writes=False), st.sampled_from([1, 3, 20, 256]))
def test_what_is_off_the_path_does_not_matter(stream: Stream, depth: int) -> None:
    timing = simulate(stream.instructions, WIDE, credits=stream.credits, fifo_depth=depth)
    free = off(stream, critical_path(timing))
    without = simulate(stream.instructions, WIDE, credits=stream.credits, free=free, fifo_depth=depth)
    assert without.cycles == timing.cycles


@EXAMPLES
@given(streams(), st.booleans())
def test_a_round_of_the_circuit_costs_as_much_as_its_executions(stream: Stream, free: bool) -> None:
    stores = frozenset(k for k, x in enumerate(stream.instructions) if x.unit is Unit.STORE)
    steady = steady_state(stream.instructions, WIDE, credits=stream.credits, free=stores if free else frozenset())
    circuit = critical_circuit(steady)
    check(circuit)
    assert circuit.cycles == steady.cycles * circuit.executions


@EXAMPLES
@given(streams(writes=False))
def test_what_is_off_the_circuit_does_not_matter(stream: Stream) -> None:
    steady = steady_state(stream.instructions, WIDE, credits=stream.credits)
    free = off(stream, critical_circuit(steady))
    assert steady_state(stream.instructions, WIDE, credits=stream.credits, free=free).cycles == steady.cycles


def test_the_channel_is_part_of_the_path() -> None:
    on = target(dram={"latency_cycles": 5})
    timing = simulate([load(0, Memory.ACTIVATION, 0, 751), store(0, 0, 751)], on)
    path = critical_path(timing)
    # The latency of the store passes while the load is still on the channel.
    assert [(x.entry, x.begin, x.end, x.cause) for x in path.stretches] == [(1, 8, 21, DRAM_BUSY), (0, 0, 8, "")]
    assert by_unit(path) == {Unit.LOAD: 8, Unit.STORE: 13}


def test_nothing_takes_no_path() -> None:
    assert critical_path(simulate([], WIDE)).stretches == ()
    idle = [load(0, Memory.ACTIVATION, 0, 8, signal=mask(Unit.LOAD))]
    steady = steady_state(idle, WIDE, credits=[(Unit.LOAD, Unit.LOAD, 1)], free=frozenset({0}))
    assert critical_circuit(steady).stretches == ()
