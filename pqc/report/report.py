"""The report of a compilation: cycles, area, memory and layers, as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pqc.interpreter.node_timing import NodeTiming, by_node
from pqc.isa.access import accesses
from pqc.isa.fields import Memory, Unit
from pqc.isa.program import Program
from pqc.planning.paper_model import Lanes, area, performance_per_area
from pqc.planning.target import Target
from pqc.report.contents import node_contents
from pqc.report.cycles import ProgramTiming
from pqc.report.layers import LayerFacts


def build_report(program: Program) -> dict[str, Any]:
    """All figures for one program.

    ``cycles`` holds ``latency``, one frame from cold; ``steady_state``, one more frame: the next one starts when all
    is done, because nothing orders the instructions of one frame and the next; ``pq``, the part of it that the PQ
    layers take, stalls included; ``paper_model_pq``, the sum of max(table load, computation) over the PQ layers as
    the paper has it; and ``lower_bound_pq``, the larger one of the two sums. ``area_clb`` is the area of the target's
    PQ units; ``perf_per_area_vs_dla`` compares the PQ layers with the paper's conventional accelerator, and is null
    where there are none. A layer's ``cycles`` say by how much it moves the end of the frame: they add up to
    ``latency``. ``dram_bytes`` are, of a layer, the bytes it moves, and under ``memory`` the bytes that are occupied.
    """
    timed = ProgramTiming(program)
    target, timing, facts, cycles = timed.target, timed.once, timed.facts, timed.figures()
    nodes = by_node(timing, program.nodes)
    quantized = [facts[node.node] for node in nodes if facts[node.node].pq]
    return {
        "target": program.target,
        "fingerprint": program.fingerprint(),
        "frames": 1,
        "cycles": cycles,
        "area_clb": area(Lanes.of(target)),
        "perf_per_area_vs_dla": _performance_per_area(quantized, cycles["pq"], target),
        "layers": [_layer(facts[node.node], node, runs_on, target) for node, runs_on in _with_units(nodes, program)],
        "memory": {"peak_bytes": peak_bytes(program, target), "dram_bytes": program.dram_bytes},
        "stalls": {unit.name.lower(): dict(causes) for unit, causes in timing.stalls.items()},
        "instructions": len(program.instructions),
        "numerics": program.provenance.get("numerics", []),
    }


def layer_rows(layers: Iterable[Mapping[str, Any]]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The report's layers as a table: its header and its rows."""
    header = ("node", "runs on", "subspaces", "columns", "outputs", "cycles", "paper's", "bound by", "bytes moved")
    counts = ("subspaces", "columns", "outputs", "cycles", "paper_model_cycles")
    rows = [
        (
            layer["node"],
            layer["runs_on"],
            *(f"{layer[name]:,}" if layer[name] else "" for name in counts),
            layer["bound"],
            f"{layer['dram_bytes']:,}",
        )
        for layer in layers
    ]
    return header, rows


def peak_bytes(program: Program, target: Target) -> dict[str, int]:
    """For every on-chip memory the end of the highest byte that an instruction touches."""
    peaks = {memory: 0 for memory in Memory if memory is not Memory.DRAM}
    for instruction in program.instructions:
        for access in accesses(instruction, target.accumulator_bits):
            if access.memory in peaks:
                peaks[access.memory] = max(peaks[access.memory], access.end)
    return {memory.name.lower(): peak for memory, peak in peaks.items()}


def _with_units(nodes: Iterable[NodeTiming], program: Program) -> list[tuple[NodeTiming, str]]:
    runs_on = {entry["node"]: str(entry["runs_on"]) for entry in node_contents(program)}
    return [(node, runs_on[node.node]) for node in nodes]


def _layer(facts: LayerFacts, timing: NodeTiming, runs_on: str, target: Target) -> dict[str, Any]:
    return {
        "node": facts.node,
        "op": facts.op or runs_on,
        "pq": facts.pq,
        "prototypes": facts.prototypes,
        "length": facts.length,
        "subspaces": facts.subspaces,
        "columns": facts.columns,
        "outputs": facts.outputs,
        "cycles": timing.cycles,
        "paper_model_cycles": facts.paper_cycles(target).cycles if facts.pq else 0,
        "bound": timing.bound.name.lower(),
        "unit_cycles": _unit_cycles(timing.busy),
        "dram_bytes": timing.dram_bytes,
        "instructions": timing.instructions,
        "runs_on": runs_on,
    }


def _unit_cycles(busy: Mapping[Unit, int]) -> dict[str, int]:
    return {unit.name.lower(): cycles for unit, cycles in busy.items() if cycles}


def _performance_per_area(layers: list[LayerFacts], cycles: float, target: Target) -> float | None:
    """Work per cycle and area over that of the paper's conventional accelerator; None where it cannot be said."""
    conventional = [layer.conventional_cycles(target) for layer in layers]
    if not conventional or not cycles or None in conventional:
        return None
    total = sum(layer.cycles for layer in conventional if layer is not None)
    return performance_per_area(cycles, area(Lanes.of(target)), total)
