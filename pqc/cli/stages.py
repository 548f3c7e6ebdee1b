"""`pqc stages`: the stages of a program file, and a file for each of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.options import FilePath, json_option, program_argument
from pqc.cli.output import say, show, show_json, text_table, write
from pqc.errors import ModelError

if TYPE_CHECKING:
    from pqc.isa.stages import StagedProgram

ENDINGS = {"accelerator": ".bin", "host": ".onnx"}
"""How the files of stages end: programs, as of `pqc compile`, and ONNX models."""


@click.command("stages")
@program_argument
@click.option("-o", "folder", metavar="FOLDER", type=FilePath(), help="Write a file for each stage.")
@json_option
def command(program_path: Path, folder: Path | None, as_json: bool) -> None:
    """List the stages of a program file, or take it apart.

    `pqc compile --allow-host` leaves to the host what the accelerator cannot execute, and makes a file of several
    stages. With -o, each stage on the accelerator becomes a program file, which all other commands take, and each one
    on the host an ONNX model. A program without anything on the host is one stage.
    """
    from pqc.isa.stages import load_stages

    staged = load_stages(program_path)
    if folder is not None:
        _write(staged, folder)
    facts = {"file": str(program_path), "bytes": program_path.stat().st_size}
    if as_json:
        show_json(facts | staged_contents(staged))
    else:
        show("\n".join(staged_lines(staged, facts)))


def staged_contents(staged: StagedProgram) -> dict[str, Any]:
    """What a file of stages holds, as plain JSON values."""
    from pqc.report.staged import listed_stages

    return {
        "inputs": [{"name": entry.name, "shape": list(entry.shape)} for entry in staged.inputs],
        "outputs": list(staged.outputs),
        "frames_on_host": staged.frames,
        "stages": listed_stages(staged),
        "provenance": staged.provenance,
    }


def staged_lines(staged: StagedProgram, facts: Mapping[str, Any]) -> Iterator[str]:
    """The same as text."""
    from pqc.report.staged import host_table, stage_table

    yield f"file          {facts['file']}, {facts['bytes']:,} bytes"
    for entry in staged.inputs:
        yield f"input         {entry.name}: {'x'.join(map(str, entry.shape))}"
    yield f"outputs       {', '.join(staged.outputs)}"
    yield f"stages        {len(staged.stages)}, {len(staged.host_nodes)} of the nodes on the host"
    for table in (stage_table(staged), *([host_table(staged)] if staged.host_nodes else [])):
        yield from ("", table.title, text_table(table.header, table.rows))


def _write(staged: StagedProgram, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"{folder}: cannot be written: {error.strerror}") from None
    for name, stage in zip(staged.names, staged.stages, strict=True):
        path = folder / f"{name}{ENDINGS[stage.kind]}"
        write(str(path), stage.to_bytes())
        say(f"{path}: {', '.join(map(str, stage.nodes)) or 'all nodes'}")
