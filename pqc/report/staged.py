"""The report on a program of several stages: that of each program, and what is on the host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pqc.isa.stages import StagedProgram
from pqc.report.report import build_report
from pqc.report.text import Table, figure

OF_ACCELERATOR = "those of the accelerator's stages alone: neither the host nor what passes to and from it is counted"
"""What cycles of a program of several stages are."""


def build_staged_report(staged: StagedProgram) -> dict[str, Any]:
    """All figures, as plain JSON values: ``stages`` in their order, with the ``report`` of a program or null."""
    reports = {name: build_report(program) for name, program in staged.programs.items()}
    return {
        "cycles": {
            "of": "accelerator",
            **{
                name: sum(report["cycles"][name] for report in reports.values()) for name in ("latency", "steady_state")
            },
        },
        "host_nodes": [node.as_json() for node in staged.host_nodes],
        "instructions": sum(report["instructions"] for report in reports.values()),
        "stages": [entry | {"report": reports.get(entry["stage"])} for entry in listed_stages(staged)],
    }


def listed_stages(staged: StagedProgram) -> list[dict[str, Any]]:
    """The stages in their order, as plain JSON values: where each runs, what is in it, what enters and leaves."""
    return [
        {
            "stage": name,
            "runs_on": str(stage.kind),
            "nodes": [node.as_json() for node in stage.nodes],
            "inputs": list(stage.inputs),
            "outputs": list(stage.outputs),
        }
        for name, stage in zip(staged.names, staged.stages, strict=True)
    ]


def stage_table(staged: StagedProgram) -> Table:
    """The stages in their order."""
    rows = [
        (
            name,
            str(stage.kind),
            figure(len(program.instructions)) if (program := staged.programs.get(name)) is not None else "",
            ", ".join(stage.inputs),
            ", ".join(stage.outputs),
            ", ".join(map(str, stage.nodes)),
        )
        for name, stage in zip(staged.names, staged.stages, strict=True)
    ]
    return Table("Stages", ("stage", "runs on", "instructions", "reads", "gives", "nodes"), rows)


def host_table(staged: StagedProgram) -> Table:
    """The nodes on the host, and why they are there."""
    rows = [
        (name, node.name, node.operator, node.reason)
        for name, stage in zip(staged.names, staged.stages, strict=True)
        for node in stage.nodes
        if name not in staged.programs
    ]
    return Table("On the host", ("stage", "node", "operator", "because"), rows)


def host_lines(staged: StagedProgram) -> Iterator[str]:
    """A line for each node on the host: its stage, what it is, and why."""
    for row in host_table(staged).rows:
        stage, node, operator, reason = row
        yield f"  on the host, stage {stage}: {node} ({operator}): {reason}"


def staged_summary(report: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What there is to say in one line each: a name and a text."""
    cycles, nodes = report["cycles"], report["host_nodes"]
    yield "stages", ", ".join(stage["stage"] for stage in report["stages"])
    yield "on the host", f"{len(nodes)} {'node' if len(nodes) == 1 else 'nodes'}, see below"
    yield "throughput", f"{figure(cycles['steady_state'])} cycles a frame in the steady state, {OF_ACCELERATOR}"
    yield "latency", f"{figure(cycles['latency'])} cycles from cold, {OF_ACCELERATOR}"
