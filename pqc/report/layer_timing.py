"""The cycles of each ONNX node: what it adds to an execution, how long units work for it, and what they wait for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from pqc.interpreter.critical_path import CriticalPath
from pqc.interpreter.queues import UNITS
from pqc.interpreter.steady_state import SteadyState
from pqc.interpreter.work import Work
from pqc.isa.fields import Unit

HIDDEN = "off the critical path"
"""Why a layer adds less than its estimate: the unit works for it while everything waits for something else."""
ABOVE = "above the estimate"
"""Why a layer adds more than its estimate although nothing is waited for: there is more work than was estimated."""

Shares: TypeAlias = Mapping[tuple[Unit, str], Fraction]
"""Cycles of an execution that go for a unit, by what the unit has waited for before."""


@dataclass(frozen=True)
class NodeWork:
    """The instructions of one ONNX node in one execution, whenever they are executed."""

    busy: Mapping[Unit, int]
    dram_bytes: int
    instructions: int

    @property
    def bound(self) -> Unit:
        """The unit that works longest for the node; of several the one that comes last."""
        return max(UNITS, key=lambda unit: (self.busy[unit], unit))


def node_work(work: Sequence[Work], nodes: Sequence[str]) -> dict[str, NodeWork]:
    """The work of each node, in the order of their first instructions; ``nodes`` names each instruction's node."""
    groups: dict[str, list[Work]] = {}
    for node, one in zip(nodes, work, strict=True):
        groups.setdefault(node, []).append(one)
    return {
        node: NodeWork(
            {unit: sum(one.busy for one in group if one.unit == unit) for unit in UNITS},
            sum(one.dram_bytes for one in group),
            len(group),
        )
        for node, group in groups.items()
    }


def node_shares(path: CriticalPath, nodes: Sequence[str]) -> dict[str, Shares]:
    """What each node adds to an execution: its part of the critical path. All parts add up to the path."""
    found: dict[str, Counter[tuple[Unit, str]]] = {node: Counter() for node in nodes}
    for stretch in path.stretches:
        index = stretch.entry % len(nodes)
        found[nodes[index]][UNITS[path.timing.work[index].unit], stretch.cause] += stretch.cycles
    return {
        node: {key: Fraction(cycles, path.executions) for key, cycles in shares.items()}
        for node, shares in found.items()
    }


def total_shares(shares: Mapping[str, Shares]) -> Shares:
    """The shares of all nodes together."""
    found: dict[tuple[Unit, str], Fraction] = {}
    for one in shares.values():
        for key, cycles in one.items():
            found[key] = found.get(key, Fraction(0)) + cycles
    return found


def by_unit(shares: Shares) -> dict[Unit, Fraction]:
    """Shares by unit alone, those without cycles left out."""
    return {unit: total for unit in UNITS if (total := sum((c for (u, _), c in shares.items() if u is unit), _ZERO))}


_ZERO = Fraction(0)


def node_stalls(steady: SteadyState, nodes: Sequence[str]) -> dict[str, dict[Unit, dict[str, Fraction]]]:
    """For each node, how long each unit waits with the node's instructions, by cause, in one execution."""
    entries: dict[str, list[int]] = {node: [] for node in nodes}
    for entry in steady.entries:
        entries[nodes[entry % len(nodes)]].append(entry)
    return {
        node: {unit: _mean(causes, steady) for unit, causes in steady.timing.stalls_of(found).items() if causes}
        for node, found in entries.items()
    }


def unit_stalls(steady: SteadyState) -> dict[Unit, dict[str, Fraction]]:
    """How long each unit waits in one execution, by cause."""
    return {unit: _mean(causes, steady) for unit, causes in steady.timing.stalls_of(steady.entries).items()}


def _mean(causes: Mapping[str, int], steady: SteadyState) -> dict[str, Fraction]:
    return {cause: Fraction(cycles, steady.executions) for cause, cycles in causes.items()}


def explain(shares: Shares, estimate: Fraction, units: Collection[Unit]) -> dict[tuple[str, str], Fraction]:
    """Why a node adds not just ``estimate`` cycles, which ``units`` work for it: by unit and cause, largest first.

    Cycles on other units are waits of ``units`` for these; what is left is work of ``units`` that the estimate does not
    know, or that is done while all wait for something else. The parts add up to the difference between the shares and
    the estimate.
    """
    others = {(unit.name.lower(), cause): c for (unit, cause), c in shares.items() if unit not in units}
    rest = sum((c for (unit, _), c in shares.items() if unit in units), _ZERO) - estimate
    names = "+".join(unit.name.lower() for unit in UNITS if unit in units)
    parts = {**others, (names, HIDDEN if rest < 0 else ABOVE): rest}
    return {key: c for key, c in sorted(parts.items(), key=lambda part: (-abs(part[1]), part[0])) if c}
