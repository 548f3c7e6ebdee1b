"""The report on a program: cycles, area, units, layers and memory, as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from pqc.interpreter.queues import UNITS
from pqc.isa.fields import Unit
from pqc.isa.program import Program
from pqc.planning.paper_model import area_of, performance_per_area
from pqc.report.contents import node_contents
from pqc.report.cycles import DRAM, ProgramTiming
from pqc.report.layer_timing import (
    NodeWork,
    Shares,
    by_unit,
    explain,
    node_shares,
    node_stalls,
    node_work,
    total_shares,
    unit_stalls,
)
from pqc.report.layers import Saved
from pqc.report.memory_map import extents, lower_bounds, on_chip_accesses, peaks

COMPUTING = frozenset({Unit.ENCODE, Unit.LOOKUP})
"""The units that the paper's computation cycles are about."""


def build_report(program: Program) -> dict[str, Any]:
    """All figures for one program; docs/reports.md explains each of them.

    All cycles are those of one frame, in the steady state of executions that follow each other, but for what is
    called latency: that is one execution, of ``batch`` frames, from cold.
    """
    timed = ProgramTiming(program)
    cycles = timed.figures()
    return {
        "target": program.target,
        "fingerprint": program.fingerprint(),
        "frames": program.batch,
        "batch": program.batch,
        "cycles": cycles,
        **timed.rates(),
        "settled": timed.steady.settled and timed.quantized.settled,
        "bottleneck": timed.bottleneck,
        "critical": _critical(timed, total_shares(node_shares(timed.circuit, program.nodes))),
        "units": _units(timed),
        DRAM: _channel(timed),
        "area_clb": area_of(timed.target),
        "perf_per_area_vs_dla": _performance_per_area(timed, cycles["pq"]),
        "folding": _folding(timed),
        "layers": _layers(timed),
        "memory": _memory(timed),
        "instructions": len(program.instructions),
        "numerics": program.provenance.get("numerics", []),
    }


def _critical(timed: ProgramTiming, shares: Shares) -> list[dict[str, Any]]:
    """Shares of the critical path as records, largest first."""
    ordered = sorted(shares.items(), key=lambda share: (-share[1], share[0]))
    return [
        {"unit": unit.name.lower(), "cause": cause, "cycles": timed.per_frame(cycles)}
        for (unit, cause), cycles in ordered
    ]


def _units(timed: ProgramTiming) -> dict[str, Any]:
    """What every unit does in a frame: work, waits by cause, and the rest, in which it has nothing more to do."""
    stalls, cycles = unit_stalls(timed.steady), timed.steady.cycles
    found: dict[str, Any] = {}
    for unit in UNITS:
        busy = timed.resources[unit.name.lower()]
        found[unit.name.lower()] = {
            "busy": timed.per_frame(busy),
            "utilization": float(busy / cycles) if cycles else 0.0,
            "stalls": _per_frame(timed, stalls[unit]),
            "idle": timed.per_frame(cycles - busy - sum(stalls[unit].values(), Fraction(0))),
        }
    return found


def _channel(timed: ProgramTiming) -> dict[str, Any]:
    busy, cycles = timed.resources[DRAM], timed.steady.cycles
    return {
        "busy": timed.per_frame(busy),
        "utilization": float(busy / cycles) if cycles else 0.0,
        "bytes": timed.per_frame(timed.once.dram_bytes),
        "bytes_per_cycle": timed.target.bits_per_cycle / 8,
    }


def _per_frame(timed: ProgramTiming, causes: Mapping[str, Fraction]) -> dict[str, int | float]:
    return {cause: timed.per_frame(cycles) for cause, cycles in causes.items()}


def _layers(timed: ProgramTiming) -> list[dict[str, Any]]:
    nodes = timed.program.nodes
    work, stalls = node_work(timed.steady.timing.work, nodes), node_stalls(timed.steady, nodes)
    latency, shares = node_shares(timed.path, nodes), node_shares(timed.circuit, nodes)
    quantized = node_shares(timed.quantized_circuit, nodes)
    runs_on = {entry["node"]: str(entry["runs_on"]) for entry in node_contents(timed.program)}
    return [
        {
            **_facts(timed, node, runs_on[node]),
            "cycles": timed.per_frame(_total(shares[node])),
            "latency_cycles": int(_total(latency[node])),
            **_estimate(timed, node, quantized[node] if node in timed.paper else shares[node], one),
            "critical": {unit.name.lower(): timed.per_frame(c) for unit, c in by_unit(shares[node]).items()},
            "bound": one.bound.name.lower(),
            "unit_cycles": {unit.name.lower(): timed.per_frame(c) for unit, c in one.busy.items() if c},
            "stalls": {unit.name.lower(): _per_frame(timed, causes) for unit, causes in stalls[node].items()},
            "dram_bytes": timed.per_frame(one.dram_bytes),
            "instructions": one.instructions,
        }
        for node, one in work.items()
    ]


def _folding(timed: ProgramTiming) -> dict[str, Any]:
    """Sums over all layers of what their folded subspaces are and save."""
    layers = [facts for facts in timed.facts.values() if facts.folded]
    saved = [facts.folding_saves(timed.target) for facts in layers]
    return {
        "folded": sum(facts.folded for facts in layers),
        "folded_calibrated": sum(facts.folded_calibrated for facts in layers),
        "folding_saves": {name: sum(getattr(one, name) for one in saved) for name in Saved._fields},
    }


def _total(shares: Shares) -> Fraction:
    return sum(shares.values(), Fraction(0))


def _facts(timed: ProgramTiming, node: str, runs_on: str) -> dict[str, Any]:
    facts = timed.facts[node]
    return {
        "node": node,
        "op": facts.op or runs_on,
        "runs_on": runs_on,
        "pq": facts.pq,
        "prototypes": facts.prototypes,
        "length": facts.length,
        "subspaces": facts.subspaces,
        "columns": facts.columns,
        "outputs": facts.outputs,
        "folded": facts.folded,
        "folded_calibrated": facts.folded_calibrated,
        "folding_saves": facts.folding_saves(timed.target)._asdict() if facts.folded else None,
    }


def _estimate(timed: ProgramTiming, node: str, shares: Shares, work: NodeWork) -> dict[str, Any]:
    """What the node was expected to take, and why it does not take just that."""
    if node in timed.paper:
        estimate, paper = timed.estimate(node), timed.paper[node]
        units = COMPUTING if estimate > paper.init else frozenset({Unit.LOAD})
    else:
        estimate, units = Fraction(work.busy[work.bound]), frozenset({work.bound})
    parts = explain(shares, estimate, units)
    return {
        "pq_cycles": timed.per_frame(_total(shares)) if node in timed.paper else 0,
        "paper_model_cycles": timed.paper[node].cycles if node in timed.paper else 0,
        "estimate_cycles": timed.per_frame(estimate),
        "difference_cycles": timed.per_frame(_total(shares) - estimate),
        "explanation": [
            {"unit": unit, "cause": cause, "cycles": timed.per_frame(cycles)} for (unit, cause), cycles in parts.items()
        ],
    }


def _performance_per_area(timed: ProgramTiming, cycles: float) -> float | None:
    """Work per cycle and area over that of the paper's conventional accelerator; None where it cannot be said."""
    conventional = [timed.facts[node].conventional_cycles(timed.target) for node in timed.paper]
    if not conventional or not cycles or None in conventional:
        return None
    total = sum(layer.cycles for layer in conventional if layer is not None)
    return performance_per_area(cycles, area_of(timed.target), total)


def _memory(timed: ProgramTiming) -> dict[str, Any]:
    touched = on_chip_accesses(timed.program.instructions, timed.target)
    bounds, highest = lower_bounds(touched, timed.target), peaks(touched)
    return {
        "peak_bytes": {memory.name.lower(): size for memory, size in highest.items()},
        "lower_bound_bytes": {memory.name.lower(): size for memory, size in bounds.items()},
        "capacity_bytes": {memory.name.lower(): timed.target.buffer_bytes(memory) for memory in highest},
        "dram_bytes": timed.program.dram_bytes,
        "constants_bytes": len(timed.program.constants),
        "regions": [
            {"memory": x.memory.name.lower(), "node": x.node, "start": x.start, "stop": x.stop}
            for x in extents(touched, timed.program.nodes)
        ],
    }
