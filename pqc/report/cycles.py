"""The cycles of a program: from cold, in the steady state, and of the part that the PQA paper's model covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from pqc.interpreter.queues import UNITS
from pqc.interpreter.steady_state import SteadyState, steady_state
from pqc.interpreter.timing import Timing, simulate
from pqc.isa.program import Program
from pqc.planning.target import Target, target_from_dict
from pqc.report.layers import LayerFacts, layer_facts
from pqc.report.paper_part import outside_paper


def number(value: Fraction | int) -> int | float:
    """A figure for JSON: whole where it is."""
    return int(value) if value == int(value) else float(value)


@dataclass(frozen=True)
class ProgramTiming:
    """Everything that is timed for a report, each when it is first asked for."""

    program: Program

    @cached_property
    def target(self) -> Target:
        """What the program is for."""
        return target_from_dict(self.program.target)

    @cached_property
    def facts(self) -> Mapping[str, LayerFacts]:
        """What is known of each ONNX node, by its name."""
        return layer_facts(self.program)

    @cached_property
    def once(self) -> Timing:
        """One execution from cold."""
        return simulate(self.program.instructions, self.target, credits=self.program.credits)

    @cached_property
    def steady(self) -> SteadyState:
        """One more execution, when they follow each other."""
        return steady_state(self.program.instructions, self.target, credits=self.program.credits)

    @cached_property
    def outside(self) -> frozenset[int]:
        """The instructions that the paper's model leaves out."""
        quantized = {node for node, layer in self.facts.items() if layer.pq}
        return outside_paper(self.program.instructions, self.program.nodes, quantized, self.target)

    @cached_property
    def quantized(self) -> SteadyState:
        """The same as ``steady`` for the PQ layers alone, as the paper counts."""
        return steady_state(self.program.instructions, self.target, credits=self.program.credits, free=self.outside)

    def per_frame(self, cycles: Fraction | int) -> int | float:
        """Cycles of an execution, divided by its frames."""
        return number(Fraction(cycles) / self.program.batch)

    @property
    def resource_cycles(self) -> dict[str, int]:
        """Cycles that each unit, and the external memory's channel, is busy in one execution."""
        busy = {unit.name.lower(): cycles for unit, cycles in self.once.busy.items()}
        return {**busy, "dram": self.once.channel_cycles}

    def figures(self) -> dict[str, Any]:
        """``cycles`` of the report: see :func:`pqc.report.report.build_report`."""
        paper = [layer.paper_cycles(self.target) for layer in self.facts.values() if layer.pq]
        return {
            "latency": self.once.cycles,
            "steady_state": self.per_frame(self.steady.cycles),
            "pq": self.per_frame(self.quantized.cycles) if paper else 0,
            "paper_model_pq": sum(layer.cycles for layer in paper),
            "lower_bound_pq": max(sum(layer.init for layer in paper), sum(layer.calc for layer in paper)),
            "lower_bound": self.per_frame(max(self.resource_cycles.values())),
        }


def timing_figures(program: Program) -> dict[str, Any]:
    """Cycles of one execution from cold, how long that takes, and what every unit does meanwhile."""
    timed = ProgramTiming(program)
    timing = timed.once
    busy, stalls = timing.busy, timing.stalls
    return {
        "cycles": timing.cycles,
        "microseconds": timing.cycles / timed.target.clock_mhz,
        "dram_bytes": timing.dram_bytes,
        "units": {unit.name.lower(): {"busy": busy[unit], "stalls": stalls[unit]} for unit in UNITS},
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
