"""`pqc passes`: the passes of the compiler, in their order."""

from __future__ import annotations

import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.options import json_option, markdown_option
from pqc.cli.output import markdown_table, show, show_json, text_table
from pqc.errors import ModelError

if TYPE_CHECKING:
    from xdsl.passes import ModulePass


@click.command("passes")
@click.argument("name", required=False)
@markdown_option
@json_option
def command(name: str | None, markdown: bool, as_json: bool) -> None:
    """List the passes of the compiler, in their order, or explain one.

    A pass with its options, as in `select-pq{prototypes=16 length=9}`, is what `pqc opt --passes` takes.
    """
    from pqc.passes.pipeline import PASSES

    described = [_describe(kind) for kind in PASSES]
    if name is not None:
        described = [entry for entry in described if entry["name"] == name]
        if not described:
            raise ModelError(f"there is no pass {name!r}; the passes are {', '.join(kind.name for kind in PASSES)}")
        if not as_json:
            return show(_explain(described[0]))
    if as_json:
        return show_json(described)
    table = markdown_table if markdown else text_table
    rows = [(entry["name"], entry["doc"].partition("\n")[0]) for entry in described]
    return show(table(("pass", "what it does"), rows))


def _describe(kind: type[ModulePass]) -> dict[str, Any]:
    """Name, documentation and options of a pass."""
    options = [
        {"name": field.name.replace("_", "-"), "type": str(field.type), "default": _default(field)}
        for field in dataclasses.fields(kind)
    ]
    return {"name": kind.name, "doc": inspect.getdoc(kind) or "", "options": options}


def _default(field: dataclasses.Field[Any]) -> Any:
    """The default value of an option; None where it must be given."""
    return None if field.default is dataclasses.MISSING else field.default


def _explain(entry: dict[str, Any]) -> str:
    rows = [
        (option["name"], option["type"], "required" if option["default"] is None else str(option["default"]))
        for option in entry["options"]
    ]
    table = text_table(("option", "type", "default"), rows) if rows else "no options"
    return f"{entry['name']}\n\n{entry['doc']}\n\n{table}"
