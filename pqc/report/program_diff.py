"""What differs between two programs: figures, layers, target and instructions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher, unified_diff
from typing import Any, cast

from pqc.isa.program import Program
from pqc.isa.text import format_instruction
from pqc.report.report import build_report

LAYER_FIGURES = (
    *("runs_on", "prototypes", "length", "subspaces", "columns", "outputs", "folded"),
    *("cycles", "pq_cycles", "latency_cycles", "bound", "dram_bytes", "instructions"),
)
"""What is compared of a layer, as the report calls it."""


def program_diff(before: Program, after: Program) -> dict[str, Any]:
    """All that differs, as plain JSON values; each figure with its name, before and after, None where there is none.

    Layers are those of the ONNX nodes of the same name. Instructions are compared in the order of the program, without
    numbers; ``added`` and ``removed`` count the lines of the shortest script between both.
    """
    reports = [build_report(program) for program in (before, after)]
    return {
        "target": list(_changes(*(flat(report["target"]) for report in reports))),
        "figures": list(_changes(*(_figures(report) for report in reports))),
        "layers": list(_layers(*(report["layers"] for report in reports))),
        "instructions": instruction_counts(before, after),
    }


def _figures(report: Mapping[str, Any]) -> dict[str, Any]:
    memory = {f"{name}_peak_bytes": size for name, size in report["memory"]["peak_bytes"].items()}
    return {
        **{f"cycles.{name}": value for name, value in report["cycles"].items()},
        "batch": report["batch"],
        "bottleneck": report["bottleneck"],
        "area_clb": report["area_clb"],
        "dram_bytes_a_frame": report["dram"]["bytes"],
        "constants_bytes": report["memory"]["constants_bytes"],
        **memory,
        "instructions": report["instructions"],
    }


def _layers(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """The layers of which anything differs, in the order of the later program, those that are gone at the end."""
    known, new = ({layer["node"]: layer for layer in layers} for layers in (before, after))
    for node in [*new, *(node for node in known if node not in new)]:
        one, other = known.get(node, {}), new.get(node, {})
        changes = list(_changes(*({name: layer.get(name) for name in LAYER_FIGURES} for layer in (one, other))))
        if changes:
            yield {"node": node, "changes": changes}


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in [*before, *(name for name in after if name not in before)]:
        one, other = before.get(name), after.get(name)
        if one != other:
            yield {"name": name, "before": one, "after": other}


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys with dots between them."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = cast(Mapping[str, Any], value) if isinstance(value, Mapping) else None
        found |= {f"{prefix}{name}": value} if inner is None else flat(inner, f"{prefix}{name}.")
    return found


def instruction_counts(before: Program, after: Program) -> dict[str, int]:
    """How many instructions stay, are added and are removed."""
    lines = [_lines(program) for program in (before, after)]
    same = sum(block.size for block in SequenceMatcher(None, *lines, autojunk=False).get_matching_blocks())
    return {"same": same, "removed": len(lines[0]) - same, "added": len(lines[1]) - same}


def instruction_diff(before: Program, after: Program, names: tuple[str, str]) -> list[str]:
    """A unified diff of the instructions, each with its node."""
    return list(unified_diff(_lines(before), _lines(after), *names, lineterm=""))


def _lines(program: Program) -> list[str]:
    instructions = zip(program.nodes, program.instructions, strict=True)
    return [f"{node}: {format_instruction(instruction)}" for node, instruction in instructions]
