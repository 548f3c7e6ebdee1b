"""A timeline of a program as a trace that Perfetto (ui.perfetto.dev) and Chrome (about:tracing) show.

The format is the Trace Event Format's JSON object. A cycle of the accelerator is a microsecond of the trace, so that
every time is whole. Each unit is a thread with a slice for every instruction, named by its ONNX node; for every
on-chip memory a counter says how many of its bytes are in use, another one how fast the external memory is.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from pqc.interpreter.queues import UNITS
from pqc.interpreter.timing import Timing, simulate
from pqc.interpreter.work import Resource
from pqc.isa.program import Program
from pqc.planning.target import Target, target_from_dict
from pqc.report.memory_map import ON_CHIP, lives, on_chip_accesses

EXECUTIONS = 3
"""Executions that are shown: what one of them overlaps with comes before it and behind it."""

PROCESS = 1


def build_trace(program: Program, executions: int = EXECUTIONS) -> dict[str, Any]:
    """The trace of so many executions that follow each other, from cold."""
    target = target_from_dict(program.target)
    timing = simulate(program.instructions, target, executions=executions, credits=program.credits)
    events = [*_slices(program, timing), *_occupancy(program, target, timing), *_bandwidth(timing)]
    return {
        "traceEvents": [*_names(target), *sorted(events, key=lambda event: event["ts"])],
        "displayTimeUnit": "ms",
        "otherData": {
            "time_unit": "1 us is 1 cycle",
            "clock_mhz": target.clock_mhz,
            "target": target.name,
            "executions": executions,
            "frames": executions * program.batch,
        },
    }


def trace_bytes(trace: dict[str, Any]) -> bytes:
    """The trace as the contents of a file, an event a line."""
    events = ",\n".join(json.dumps(event, separators=(",", ":")) for event in trace["traceEvents"])
    rest = json.dumps({key: value for key, value in trace.items() if key != "traceEvents"})[1:]
    return f'{{"traceEvents": [\n{events}\n], {rest}\n'.encode()


def _names(target: Target) -> Iterator[dict[str, Any]]:
    yield {"ph": "M", "name": "process_name", "pid": PROCESS, "tid": 0, "args": {"name": target.name}}
    for unit in UNITS:
        named = {"ph": "M", "pid": PROCESS, "tid": int(unit)}
        yield {**named, "name": "thread_name", "args": {"name": unit.name.lower()}}
        yield {**named, "name": "thread_sort_index", "args": {"sort_index": int(unit)}}


def _slices(program: Program, timing: Timing) -> Iterator[dict[str, Any]]:
    """A slice for each instruction; what it waited for before and while it worked stands in its arguments."""
    for entry, found in enumerate(timing.instructions):
        execution, index = divmod(entry, len(program.instructions))
        waits = {"stall": found.stall, "cause": found.cause, "dram_busy": found.queued, "starved": found.starved}
        yield {
            "ph": "X",
            "name": program.nodes[index],
            "cat": program.instructions[index].mnemonic,
            "pid": PROCESS,
            "tid": int(found.unit),
            "ts": found.start,
            "dur": found.end - found.start,
            "args": {
                "mnemonic": program.instructions[index].mnemonic,
                "instruction": index,
                "execution": execution,
                "busy": found.busy,
                "dram_bytes": found.dram_bytes,
                **{name: value for name, value in waits.items() if value},
            },
        }


def _occupancy(program: Program, target: Target, timing: Timing) -> Iterator[dict[str, Any]]:
    """The bytes in use in every on-chip memory, whenever they change."""
    touched = on_chip_accesses(program.instructions, target)
    changes: dict[int, Counter[int]] = {memory: Counter({0: 0}) for memory in ON_CHIP}
    for life in lives(touched, target, timing.start.tolist(), timing.end.tolist()):
        changes[life.memory][life.begin] += life.size
        changes[life.memory][life.end] -= life.size
    for memory in ON_CHIP:
        in_use = 0
        for time, change in sorted(changes[memory].items()):
            in_use += change
            yield _counter(f"{memory.name.lower()} bytes in use", time, in_use)


def _bandwidth(timing: Timing) -> Iterator[dict[str, Any]]:
    """The bytes a cycle on the external memory's channel, whenever they change."""
    name, rates = "dram bytes a cycle", {0: 0.0}
    latency = timing.target.dram.latency_cycles
    transfers = [index for index, work in enumerate(timing.work) if work.resource is Resource.CHANNEL]
    entries = [execution * len(timing.work) + index for execution in range(timing.executions) for index in transfers]
    # In the order of their starts, so that one that follows at once is not taken for the end of the one before.
    for entry in sorted(entries, key=lambda entry: int(timing.start[entry])):
        work = timing.work[entry % len(timing.work)]
        rates[int(timing.start[entry]) + latency] = work.dram_bytes / work.channel_cycles
        rates[int(timing.end[entry])] = 0.0
    for time, rate in sorted(rates.items()):
        yield _counter(name, time, round(rate, 3))


def _counter(name: str, time: int, value: float) -> dict[str, Any]:
    return {"ph": "C", "name": name, "pid": PROCESS, "tid": 0, "ts": time, "args": {"value": value}}
