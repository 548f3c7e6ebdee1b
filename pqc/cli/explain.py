"""`pqc explain`: one node's way through the compiler."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.memory import rare_collections
from pqc.cli.options import FilePath, json_option
from pqc.cli.output import show, show_json
from pqc.cli.progress import pass_progress
from pqc.cli.request import check_request, compile_request, request_options

if TYPE_CHECKING:
    from pqc.explanation import NodeExplanation

FIGURES = ("runs_on", "cycles", "paper_model_cycles", "bound", "unit_cycles", "dram_bytes", "instructions")
"""What is told of the report's figures."""


@click.command("explain")
@click.argument("model", metavar="MODEL", type=FilePath())
@click.option("--node", metavar="NAME", required=True, help="The ONNX node.")
@request_options
@json_option
@click.pass_context
def command(context: click.Context, node: str, as_json: bool, **options: Any) -> None:
    """Follow one ONNX node through the compiler.

    Takes what `pqc compile` takes, and shows the node's operations in the imported network, what every pass changed of
    them, its instructions, its buffers and its cycles. Nothing is written.
    """
    check_request(context, options)
    from pqc.explanation import explain_node

    with rare_collections(), pass_progress():
        found = explain_node(compile_request(options, context), node)
    if as_json:
        show_json(found.as_json())
    else:
        show("\n".join(_text(found)))


def _text(found: NodeExplanation) -> Iterator[str]:
    first, *others = found.steps
    yield from (f"node {found.node!r} as it was imported", *_indented(first.text))
    for step in others:
        yield from ("", f"pass {step.name}", *_indented(step.diff))
    yield from ("", f"{len(found.instructions)} instructions", *_indented(found.instructions))
    if found.regions:
        yield from ("", "buffers")
        yield from (f"  {one['memory']} [{one['start']}, {one['stop']})" for one in found.regions)
    if found.report is not None:
        yield from ("", "figures of a frame", *(f"  {name}: {found.report[name]}" for name in FIGURES))


def _indented(lines: list[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)
