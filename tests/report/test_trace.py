"""The trace: its format, its times, and counters that never exceed what there is."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from support.programs import PqLayer, pq_program
from support.streams import WIDE, Stream, streams

from pqc.interpreter.timing import simulate
from pqc.isa.fields import Memory, Unit
from pqc.isa.program import Program
from pqc.planning.target import target_from_dict
from pqc.report.memory_map import ON_CHIP
from pqc.report.trace import EXECUTIONS, build_trace, trace_bytes

RNG = np.random.default_rng(0)

REQUIRED = {
    "M": {"name": str, "pid": int, "tid": int, "args": dict},
    "X": {"name": str, "cat": str, "pid": int, "tid": int, "ts": int, "dur": int, "args": dict},
    "C": {"name": str, "pid": int, "tid": int, "ts": int, "args": dict},
}
"""The keys that the Trace Event Format asks for, by phase, and the types that they have here."""


def check_format(trace: dict[str, Any]) -> None:
    assert set(trace) == {"traceEvents", "displayTimeUnit", "otherData"}
    assert trace["displayTimeUnit"] in ("ms", "ns")
    assert trace["otherData"]["time_unit"] == "1 us is 1 cycle"
    for event in trace["traceEvents"]:
        kinds = REQUIRED[event["ph"]]
        assert set(event) == {"ph", *kinds}
        for name, kind in kinds.items():
            assert type(event[name]) is kind
        assert event.get("dur", 0) >= 0
    times = [event["ts"] for event in trace["traceEvents"] if event["ph"] != "M"]
    assert times == sorted(times)
    assert min(times, default=0) == 0


def counters(trace: dict[str, Any]) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for event in trace["traceEvents"]:
        if event["ph"] == "C":
            found.setdefault(event["name"], []).append((event["ts"], event["args"]["value"]))
    return found


def check_counters(program: Program, trace: dict[str, Any]) -> None:
    target, found = target_from_dict(program.target), counters(trace)
    for memory in ON_CHIP:
        values = [value for _, value in found.pop(f"{memory.name.lower()} bytes in use")]
        assert min(values) >= 0
        assert max(values) <= target.buffer_bytes(memory)
        assert values[-1] == 0
    ((name, rates),) = found.items()
    assert name == "dram bytes a cycle"
    assert min(value for _, value in rates) >= 0
    assert max(value for _, value in rates) <= target.bits_per_cycle / 8
    for points in found.values():
        assert all(before < after for (before, _), (after, _) in pairwise(points))


@settings(max_examples=30)
@given(streams())
def test_the_format_and_the_counters(stream: Stream) -> None:
    program = stream.program()
    trace = build_trace(program)
    check_format(trace)
    check_counters(program, trace)
    timing = simulate(stream.instructions, WIDE, executions=EXECUTIONS, credits=stream.credits)
    slices = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    by_place = {(event["args"]["execution"], event["args"]["instruction"]): event for event in slices}
    assert len(by_place) == len(slices) == EXECUTIONS * len(stream.instructions)
    for (execution, index), event in by_place.items():
        found = timing.instruction(execution * len(stream.instructions) + index)
        assert (event["ts"], event["ts"] + event["dur"], event["tid"]) == (found.start, found.end, found.unit)
        assert event["name"] == stream.nodes[index]
        assert event["args"].get("stall", 0) == found.stall
        assert event["args"].get("cause", "") == found.cause


@settings(max_examples=20)
@given(streams())
def test_the_bytes_moved_are_the_area_under_the_rate(stream: Stream) -> None:
    trace = build_trace(stream.program())
    rates = counters(trace)["dram bytes a cycle"]
    moved = sum((end - start) * rate for (start, rate), (end, _) in pairwise(rates))
    timing = simulate(stream.instructions, WIDE, executions=EXECUTIONS, credits=stream.credits)
    assert moved == pytest.approx(timing.dram_bytes, rel=1e-3, abs=0.01 * len(rates))


def test_executions_and_tracks() -> None:
    program = pq_program([PqLayer.random(RNG, 3, 4, 4)])
    trace = json.loads(trace_bytes(build_trace(program)))
    check_format(trace)
    check_counters(program, trace)
    named = {event["tid"]: event["args"]["name"] for event in trace["traceEvents"] if event["name"] == "thread_name"}
    assert named == {int(unit): unit.name.lower() for unit in Unit}
    slices = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert {event["args"]["execution"] for event in slices} == set(range(EXECUTIONS))
    assert len(slices) == EXECUTIONS * len(program.instructions)
    activation = counters(trace)[f"{Memory.ACTIVATION.name.lower()} bytes in use"]
    # Input and output of the layer, while the vector unit still reads nothing but accumulators.
    assert max(value for _, value in activation) == 4 * 16
