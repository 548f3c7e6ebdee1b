"""What commands write: products to standard output or to a file, talk to standard error."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from pqc.errors import ModelError

STANDARD = "-"
"""The path that means standard input or output."""

Row = Sequence[str]


def say(message: str) -> None:
    """One line of talk, on standard error."""
    click.echo(message, err=True)


def show(text: str) -> None:
    """Text that was asked for, on standard output."""
    click.echo(text.rstrip("\n"))


def show_json(value: Any) -> None:
    """A JSON value, on standard output."""
    click.echo(json.dumps(value, indent=2))


def write(path: str, data: bytes) -> None:
    """Write a product to ``path``, wholly or not at all, or to standard output for ``-``.

    Raises:
        ModelError: the file cannot be written.
    """
    if path == STANDARD:
        click.echo(data, nl=False)
        return
    from pqc.isa.program import write_whole

    write_whole(Path(path), data)


def check_place(path: str | None) -> None:
    """Check before long work that a product can be written to ``path`` afterwards, as far as that can be known.

    Raises:
        ModelError: there is no such folder, or the path is one.
    """
    if path is None or path == STANDARD:
        return
    folder = Path(path).parent
    if not folder.is_dir():
        raise ModelError(f"{path}: cannot be written: there is no folder {folder}")
    if Path(path).is_dir():
        raise ModelError(f"{path}: cannot be written: this is a folder")


def text_table(header: Row, rows: Sequence[Row]) -> str:
    """A table with aligned columns; a column whose cells are all numbers is aligned to the right."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    numeric = [all(_is_number(row[column]) for row in rows) for column in range(len(header))]

    def line(cells: Row) -> str:
        aligned = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(cells, widths, numeric, strict=True)
        )
        return "  ".join(aligned).rstrip()

    return "\n".join(line(cells) for cells in lines)


def markdown_table(header: Row, rows: Sequence[Row]) -> str:
    """A table in Markdown."""
    return "\n".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
        for cells in (header, ["---"] * len(header), *rows)
    )


def markdown_prose(docstring: str) -> str:
    """A docstring as Markdown: of roles such as ``:func:`` the name alone is left."""
    return re.sub(r":[a-z]+:`", "`", docstring).replace("``", "`")


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "").replace("-", "").replace("%", "").strip().isdigit() or not cell
