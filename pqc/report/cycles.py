"""The cycles of a program: from cold, in the steady state, and of the part that the PQA paper's model covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from pqc.interpreter.critical_path import CriticalPath, critical_circuit, critical_path
from pqc.interpreter.steady_state import SteadyState, steady_state
from pqc.interpreter.timing import Timing, simulate
from pqc.isa.program import Program
from pqc.planning.paper_model import PaperCycles
from pqc.planning.target import Target, target_from_dict
from pqc.report.layers import LayerFacts, layer_facts
from pqc.report.paper_part import outside_paper

DRAM = "dram"
"""The external memory's channel, where units are listed."""


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
    def paper(self) -> Mapping[str, PaperCycles]:
        """The paper's cycles of each product-quantized node, for one frame."""
        return {node: layer.paper_cycles(self.target) for node, layer in self.facts.items() if layer.pq}

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
        return outside_paper(self.program.instructions, self.program.nodes, set(self.paper), self.target)

    @cached_property
    def quantized(self) -> SteadyState:
        """The same as ``steady`` for the PQ layers alone, as the paper counts."""
        return steady_state(self.program.instructions, self.target, credits=self.program.credits, free=self.outside)

    @cached_property
    def path(self) -> CriticalPath:
        """What the time of one execution from cold goes for."""
        return critical_path(self.once)

    @cached_property
    def circuit(self) -> CriticalPath:
        """What the time of one more execution goes for."""
        return critical_circuit(self.steady)

    @cached_property
    def quantized_circuit(self) -> CriticalPath:
        """The same for the PQ layers alone."""
        return critical_circuit(self.quantized)

    @cached_property
    def resources(self) -> Mapping[str, int]:
        """Cycles that each unit, and the external memory's channel, is busy in one execution."""
        busy = {unit.name.lower(): cycles for unit, cycles in self.once.busy.items()}
        return {**busy, DRAM: self.once.channel_cycles}

    @property
    def bottleneck(self) -> str:
        """The resource that is busy longest; "" if nothing takes any time."""
        found = max(self.resources, key=lambda name: self.resources[name])
        return found if self.resources[found] else ""

    def per_frame(self, cycles: Fraction | int) -> int | float:
        """Cycles of an execution, divided by its frames."""
        return number(Fraction(cycles) / self.program.batch)

    def estimate(self, node: str) -> Fraction:
        """The paper's cycles of a product-quantized node for an execution, which loads the tables once."""
        paper = self.paper[node]
        return Fraction(max(paper.init, self.program.batch * paper.calc))

    def figures(self) -> dict[str, int | float]:
        """``cycles`` of the report, as :func:`pqc.report.report.build_report` explains them."""
        paper, batch = self.paper.values(), self.program.batch
        return {
            "latency": self.once.cycles,
            "steady_state": self.per_frame(self.steady.cycles),
            "lower_bound": self.per_frame(max(self.resources.values())),
            "pq": self.per_frame(self.quantized.cycles) if paper else 0,
            "paper_model_pq": sum(layer.cycles for layer in paper),
            "lower_bound_pq": self.per_frame(
                max(sum(layer.init for layer in paper), batch * sum(layer.calc for layer in paper))
            ),
        }

    def rates(self) -> dict[str, Any]:
        """The same in seconds: frames a second in the steady state, microseconds of one execution from cold."""
        hertz, steady = self.target.clock_mhz * 1e6, self.figures()["steady_state"]
        return {
            "throughput_frames_per_second": hertz / steady if steady else None,
            "latency_microseconds": self.once.cycles / self.target.clock_mhz,
        }
