"""`pqc diff`: what differs between two programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from pqc.cli.options import FilePath, json_option
from pqc.cli.output import show, show_json, text_table


@click.command("diff")
@click.argument("before_path", metavar="BEFORE", type=FilePath())
@click.argument("after_path", metavar="AFTER", type=FilePath())
@click.option("--instructions", is_flag=True, help="Show the instructions that differ, as a unified diff.")
@json_option
def command(before_path: Path, after_path: Path, instructions: bool, as_json: bool) -> None:
    """Say what differs between two programs.

    Compared are the target, cycles, memory, layers and instructions of two program files. Nothing is executed: the
    figures are those of `pqc report`.
    """
    from pqc.isa.program import load_program
    from pqc.report.program_diff import instruction_diff, program_diff

    before, after = load_program(before_path), load_program(after_path)
    found = program_diff(before, after)
    lines = instruction_diff(before, after, (str(before_path), str(after_path))) if instructions else []
    if as_json:
        show_json(found | ({"diff": lines} if instructions else {}))
    else:
        show("\n".join([*_text(found), *(["", *lines] if lines else [])]))


def _text(found: Mapping[str, Any]) -> Iterator[str]:
    """The differences as tables."""
    counts = found["instructions"]
    yield f"instructions: {counts['same']} stay, {counts['removed']} are removed, {counts['added']} are added"
    for title in ("target", "figures"):
        if found[title]:
            yield from ("", text_table((title, "before", "after", "ratio"), [_row(change) for change in found[title]]))
    if found["layers"]:
        rows = [(layer["node"], *_row(change)) for layer in found["layers"] for change in layer["changes"]]
        yield from ("", text_table(("layer", "figure", "before", "after", "ratio"), rows))


def _row(change: Mapping[str, Any]) -> tuple[str, str, str, str]:
    before, after = change["before"], change["after"]
    ratio = f"{after / before:.3f}" if _is_number(before) and _is_number(after) and before else ""
    return change["name"], _cell(before), _cell(after), ratio


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
