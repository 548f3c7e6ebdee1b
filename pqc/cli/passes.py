"""`pqc passes`: the passes of the compiler, in their order."""

from __future__ import annotations

import dataclasses
import inspect
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.options import json_option, markdown_option
from pqc.cli.output import markdown_prose, markdown_table, show, show_json, text_table
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
    if markdown:
        return show(_page(PASSES, described))
    return show(text_table(("pass", "what it does"), _rows(described)))


def _rows(described: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(entry["name"], entry["doc"].partition("\n")[0]) for entry in described]


def _page(kinds: Sequence[type[ModulePass]], described: Sequence[dict[str, Any]]) -> str:
    """The page docs/passes.md: the list, then each pass with the example that its module gives."""
    parts = [
        "# Passes",
        "Generated from the code (`pqc passes --markdown`); do not edit.",
        "`pqc compile` applies them in this order. `pqc opt --passes` applies those that are named, with options as in "
        "`select-pq{prototypes=16 length=9}`.",
        markdown_table(("pass", "what it does"), _rows(described)),
    ]
    for kind, entry in zip(kinds, described, strict=True):
        parts += [f"## {entry['name']}", markdown_prose(_module_doc(kind))]
        if entry["options"]:
            parts.append(markdown_table(("option", "type", "default"), _option_rows(entry)))
    return "\n\n".join(parts)


def _describe(kind: type[ModulePass]) -> dict[str, Any]:
    """Name, documentation and options of a pass."""
    options = [
        {
            "name": field.name.replace("_", "-"),
            "type": str(field.type),
            "required": field.default is dataclasses.MISSING,
            "default": _default(field),
        }
        for field in dataclasses.fields(kind)
    ]
    return {"name": kind.name, "doc": inspect.getdoc(kind) or "", "options": options}


def _default(field: dataclasses.Field[Any]) -> Any:
    """The default value of an option; None where it must be given."""
    return None if field.default is dataclasses.MISSING else field.default


def _module_doc(kind: type[ModulePass]) -> str:
    """What the module of a pass says of it, with the indentation of its examples."""
    return (sys.modules[kind.__module__].__doc__ or "").strip()


def _option_rows(entry: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [
        (option["name"], option["type"], "required" if option["required"] else str(option["default"]))
        for option in entry["options"]
    ]


def _explain(entry: dict[str, Any]) -> str:
    rows = _option_rows(entry)
    table = text_table(("option", "type", "default"), rows) if rows else "no options"
    return f"{entry['name']}\n\n{entry['doc']}\n\n{table}"
