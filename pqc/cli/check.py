"""`pqc check`: whether a model compiles, and all that stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.memory import rare_collections
from pqc.cli.options import (
    DEFAULT_TARGET,
    LAYER_OPTIONS,
    FilePath,
    allow_host_option,
    json_option,
    number_option,
    pq_options,
    target_options,
)
from pqc.cli.output import show, show_json, text_table
from pqc.cli.progress import pass_progress
from pqc.errors import ModelError

if TYPE_CHECKING:
    from pqc.checking import ModelCheck
    from pqc.problems import NodeProblem

UNITS = {
    "product-quantized": "product-quantized",
    "conventional": "conventional unit",
    "vector": "vector unit",
    "moves": "only moved",
}
"""What the summary calls where nodes run."""


@click.command("check")
@click.argument("model", metavar="MODEL", type=FilePath())
@target_options
@pq_options
@click.option("--pq-config", metavar="FILE", type=FilePath(), help="Choices for single layers, as of --save-pq-config.")
@number_option("--batch", click.IntRange(1, 256), 1, "Frames that share a load of tables.")
@allow_host_option
@json_option
@click.pass_context
def command(
    context: click.Context,
    model: Path,
    target_name: str | None,
    overrides: tuple[str, ...],
    pq_config: Path | None,
    batch: int,
    allow_host: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Say whether a model compiles, and everything that stands in the way.

    Imports and compiles MODEL as `pqc compile` does with the same options, on a few made up frames, and writes
    nothing. Each problem names the node, what it has, what is allowed and how to change the model. The exit code is 1
    if there are any. Nodes behind refused ones are checked, too, on the shapes that ONNX knows. With --allow-host,
    nodes that cannot be compiled are on the host, which is said, and no problems.
    """
    from pqc.checking import check_model
    from pqc.passes.options import PqOptions
    from pqc.planning.layer_choices import load_choices
    from pqc.planning.target import load_target
    from pqc.request import CompileRequest

    layers = () if pq_config is None else load_choices(pq_config)
    quantization = PqOptions(**{name: options[name] for name in LAYER_OPTIONS}, layers=layers, batch=batch)
    target = load_target(target_name or DEFAULT_TARGET, overrides)
    with rare_collections(), pass_progress():
        found = check_model(CompileRequest(model, target, quantization), allow_host=allow_host)
    if as_json:
        show_json(found.as_json())
    else:
        show("\n".join(_text(found)))
    if not found.compiles:
        context.exit(ModelError.exit_code)


def _text(found: ModelCheck) -> Iterator[str]:
    yield from _summary(found)
    if found.problems:
        count = "1 problem" if len(found.problems) == 1 else f"{len(found.problems)} problems"
        yield f"does not compile for target {found.target}: {count}"
    else:
        hosted = f", with {_nodes(len(found.host))} on the host" if found.host else ""
        yield f"compiles for target {found.target}{hosted}"
    for group in _groups(found.problems):
        yield ""
        yield from _group_text(group)
    if found.host:
        yield ""
        yield from _host_text(found)
    if found.unchecked or found.notes:
        yield ""
    if found.unchecked:
        yield f"not looked at, because no shape is known of what they read: {', '.join(found.unchecked)}"
    yield from found.notes


def _host_text(found: ModelCheck) -> Iterator[str]:
    """What is on the host, or would be."""
    if found.host_allowed:
        yield f"NOTE: {_nodes(len(found.host))} on the host, not on the accelerator:"
        yield from (f"    {node}: {node.reason}" for node in found.host)
    else:
        yield f"with --allow-host the host executes {_nodes(len(found.host))}: {', '.join(map(str, found.host))}"


def _nodes(count: int) -> str:
    return "1 node" if count == 1 else f"{count} nodes"


def _summary(found: ModelCheck) -> Iterator[str]:
    if found.operators:
        counts = ", ".join(f"{operator} {count}" for operator, count in found.operators.items())
        yield f"{sum(found.operators.values())} nodes: {counts}"
        yield f"{found.parameters:,} parameters"
    for runs_on, title in UNITS.items():
        nodes = [unit.node for unit in found.units if unit.runs_on == runs_on]
        if nodes:
            yield f"{title} ({len(nodes)}): {', '.join(nodes)}"
    if found.host_allowed and found.host:
        yield f"host ({len(found.host)}): {', '.join(node.name for node in found.host)}"
    layers = [unit for unit in found.units if unit.prototypes]
    if layers:
        rows = [(unit.node, f"{unit.weights:,}", str(unit.prototypes), str(unit.length)) for unit in layers]
        yield ""
        yield text_table(("product-quantized", "weights", "prototypes", "length"), rows)
    if found.operators:
        yield ""


def _groups(problems: tuple[NodeProblem, ...]) -> list[list[NodeProblem]]:
    """Problems that are mended in the same way stand together."""
    groups: dict[tuple[str, str, str], list[NodeProblem]] = {}
    for problem in problems:
        groups.setdefault((problem.operator, problem.allowed, problem.remedy), []).append(problem)
    return list(groups.values())


def _group_text(group: list[NodeProblem]) -> Iterator[str]:
    by_found: dict[str, list[str]] = {}
    for problem in group:
        by_found.setdefault(problem.found, []).append(problem.where)
    for found, nodes in by_found.items():
        places = ", ".join(node for node in nodes if node)
        yield f"{places}: {found}" if places else found
    if group[0].allowed:
        yield f"    allowed: {group[0].allowed}"
    if group[0].remedy:
        yield f"    remedy:  {group[0].remedy}"
