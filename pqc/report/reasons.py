"""Why a layer takes the cycles it takes, in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pqc.report.text import explanation, figure

RESOURCES = {
    "load": "loading its constants from the external memory",
    "store": "storing to the external memory",
    "encode": "finding the nearest prototypes",
    "lookup": "looking up and adding table entries",
    "vector": "work on vectors: requantizing, adding, pooling, moving",
    "conventional": "multiplying and accumulating",
}
"""What each unit does for a layer."""


def reasons(layer: Mapping[str, Any], report: Mapping[str, Any]) -> list[str]:
    """One sentence each: its share of a frame, which unit works longest for it, and what differs from the estimate."""
    return [_share(layer, report["cycles"]["steady_state"]), _bound(layer), *_difference(layer)]


def _share(layer: Mapping[str, Any], frame: float) -> str:
    cycles = layer["cycles"]
    if not cycles:
        return "It adds nothing to a frame: its work is done while everything waits for other layers."
    parts = ", ".join(f"{figure(spent)} in {unit}" for unit, spent in _largest(layer["critical"]))
    return f"It adds {figure(cycles)} of a frame's {figure(frame)} cycles ({cycles / frame:.1%}): {parts}."


def _bound(layer: Mapping[str, Any]) -> str:
    unit = layer["bound"]
    busy = layer["unit_cycles"].get(unit, 0)
    return f"Most of its work is {RESOURCES[unit]}: {figure(busy)} cycles of the {unit} unit."


def _difference(layer: Mapping[str, Any]) -> list[str]:
    difference, estimate = layer["difference_cycles"], layer["estimate_cycles"]
    source = "the paper's model" if layer["pq"] else "the busiest unit alone"
    if not difference:
        return [f"That is what {source} says."]
    less = "fewer" if difference < 0 else "more"
    parts = explanation(layer["explanation"])
    alone = f" (by itself, the PQ layers alone: {figure(layer['pq_cycles'])})" if layer["pq"] else ""
    return [f"That is {figure(abs(difference))} {less} than {source} says, {figure(estimate)}{alone}: {parts}."]


def _largest(cycles: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(cycles.items(), key=lambda item: -item[1])
