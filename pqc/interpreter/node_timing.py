"""The timing of each ONNX node: how far it moves the end of the program, and how long its instructions work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pqc.interpreter.queues import UNITS
from pqc.interpreter.timing import InstructionTiming, Timing
from pqc.isa.fields import Unit


@dataclass(frozen=True)
class NodeTiming:
    """The instructions of one ONNX node.

    ``cycles`` is by how much the node moves the end of the program: the figures of all nodes, taken in the order of
    their first instructions, add up to the program's cycles. ``start`` and ``end`` span the node's own instructions.
    """

    node: str
    start: int
    end: int
    cycles: int
    busy: Mapping[Unit, int]
    dram_bytes: int
    instructions: int

    @property
    def bound(self) -> Unit:
        """The unit that works longest for the node."""
        return max(UNITS, key=lambda unit: self.busy[unit])


def busy_cycles(instructions: Sequence[InstructionTiming]) -> dict[Unit, int]:
    """Cycles that each unit works on ``instructions``."""
    found = dict.fromkeys(UNITS, 0)
    for instruction in instructions:
        found[instruction.unit] += instruction.busy
    return found


def by_node(timing: Timing, nodes: Sequence[str]) -> tuple[NodeTiming, ...]:
    """The timing of each node, in the order of their first instructions; ``nodes`` names each instruction's node."""
    groups: dict[str, list[InstructionTiming]] = {}
    for node, instruction in zip(nodes, timing.instructions, strict=True):
        groups.setdefault(node, []).append(instruction)
    result: list[NodeTiming] = []
    done = 0
    for node, group in groups.items():
        end = max(instruction.end for instruction in group)
        result.append(
            NodeTiming(
                node,
                min(instruction.start for instruction in group),
                end,
                max(0, end - done),
                busy_cycles(group),
                sum(instruction.dram_bytes for instruction in group),
                len(group),
            )
        )
        done = max(done, end)
    return tuple(result)
