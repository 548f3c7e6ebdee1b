"""`pqc ops`: what the compiler accepts and what its own operations are."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import click

from pqc.cli.options import json_option, markdown_option
from pqc.cli.output import Row, markdown_prose, markdown_table, show, show_json, text_table

_HEAD = (
    "# Operations",
    "Generated from the code (`pqc ops --markdown`); do not edit.",
    "A model may have the operators of the first list. The dialects are the levels of the intermediate representation: "
    "`onnx` has real numbers, `pq` and `qnn` have integers, `pqa` has memories and instructions.",
    "Of all operators: what is computed with has 2 to 9 dimensions, the first of them the frames, and at most 65,535 "
    "channels; weights are float32 and finite; pads of a pooling are smaller than its window, and every window of a "
    "convolution sees something of the map; only a node's first output may be read, but for Split. `pqc check` says "
    "what a model has that is not among this.",
)
"""What the page docs/operations.md begins with."""


@click.command("ops")
@markdown_option
@json_option
def command(markdown: bool, as_json: bool) -> None:
    """List the operators that are accepted, and the operations of the dialects.

    The first list names the ONNX operators with what each demands; a model with any other is refused. The others name
    the operations of each dialect.
    """
    from pqc.frontend.operators import supported_operators

    accepted = supported_operators()
    dialects = _dialects()
    if as_json:
        operators = [{"name": name, "demands": demands} for name, demands in accepted]
        return show_json({"onnx": operators, "dialects": dialects})
    parts = [_part("ONNX operators", ("operator", "demands"), accepted, markdown)]
    for dialect in dialects:
        rows = [(op["name"], op["doc"]) for op in dialect["operations"]]
        parts.append(_part(f"Dialect {dialect['name']}", ("operation", "what it does"), rows, markdown))
    return show("\n\n".join([*(_HEAD if markdown else ()), *parts]))


def _dialects() -> list[dict[str, Any]]:
    """Name and operations of each of our dialects, from the float level down."""
    from pqc.dialects.registry import DIALECTS

    return [
        {
            "name": dialect.name,
            "operations": [
                {"name": op.name, "doc": (inspect.getdoc(op) or "").partition("\n")[0]} for op in dialect.operations
            ],
        }
        for dialect in DIALECTS
    ]


def _part(title: str, header: Row, rows: Sequence[Row], markdown: bool) -> str:
    if markdown:
        return f"## {title}\n\n{markdown_prose(markdown_table(header, rows))}"
    return f"{title}\n\n{text_table(header, rows)}"
