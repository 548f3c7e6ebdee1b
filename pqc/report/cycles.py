"""Cycles of a program: in total, for every unit and, as text, for every layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pqc.interpreter.timing import Timing, simulate
from pqc.isa.fields import Unit
from pqc.isa.program import Program
from pqc.planning.target import Target, target_from_dict


def program_timing(program: Program) -> tuple[Target, Timing]:
    """The program's target, and the timing of one frame on it."""
    target = target_from_dict(program.target)
    return target, simulate(program.instructions, target, program.credits)


def timing_figures(program: Program) -> dict[str, Any]:
    """Cycles of one frame from cold, how long that takes, and what every unit does meanwhile."""
    target, timing = program_timing(program)
    busy, stalls = timing.busy, timing.stalls
    return {
        "cycles": timing.cycles,
        "microseconds": timing.cycles / target.clock_mhz,
        "dram_bytes": timing.dram_bytes,
        "units": {unit.name.lower(): {"busy": busy[unit], "stalls": dict(stalls[unit])} for unit in Unit},
    }


def timing_lines(figures: Mapping[str, Any]) -> tuple[str, list[tuple[str, ...]]]:
    """A sentence, and rows of unit, busy cycles, share of the total, and what the unit waited for."""
    total = figures["cycles"]
    rows = [
        (
            unit,
            f"{entry['busy']:,}",
            f"{entry['busy'] / max(total, 1):.1%}",
            ", ".join(f"{cause} {cycles:,}" for cause, cycles in entry["stalls"].items()),
        )
        for unit, entry in figures["units"].items()
    ]
    return f"one frame: {total:,} cycles, {figures['microseconds']:,.1f} us", rows
