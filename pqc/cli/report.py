"""`pqc report`: cycles, units, layers and memory of a program file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.options import json_option, program_argument
from pqc.cli.output import STANDARD, check_place, text_table, write
from pqc.errors import ModelError, ProgramError

if TYPE_CHECKING:
    from pqc.isa.program import Program
    from pqc.isa.stages import StagedProgram
    from pqc.report.html.recording import Recording

PAGE = ".html"
"""How the name of a report ends that is a page for a browser."""


@click.command("report")
@program_argument
@click.option(
    "-o",
    "output",
    metavar="FILE",
    default=STANDARD,
    help="Write the report to a file; .html makes it a page for a browser.  [default: -]",
)
@click.option("--trace", metavar="FILE.json", help="Write a timeline, to be seen in Perfetto or Chrome, as well.")
@json_option
def command(program_path: Path, output: str, trace: str | None, as_json: bool) -> None:
    """Say where the cycles of a program go, and which memory it takes.

    Nothing is executed: the figures are those of the timing model. The lower bound is what the busiest unit takes;
    the critical path says what a frame actually waits for. Of several stages each program has its report; nodes on the
    host are named, and their time is not known.
    """
    for path in (output, trace):
        check_place(path)
    if is_page(output) and as_json:
        raise click.UsageError(f"--json and a page, {output}, exclude each other")
    from pqc.isa.stages import load_stages
    from pqc.report.report import build_report
    from pqc.report.trace import build_trace, trace_bytes

    staged = load_stages(program_path)
    if not staged.is_program:
        _report_stages(staged, program_path, output, trace, as_json=as_json)
        return
    program = staged.programs[staged.names[0]]
    _check(program, str(program_path))
    if trace is not None:
        write(trace, trace_bytes(build_trace(program)))
    if is_page(output):
        write(output, page_bytes(program))
    else:
        write(output, report_bytes(build_report(program), as_json=as_json))


def _report_stages(staged: StagedProgram, path: Path, output: str, trace: str | None, *, as_json: bool) -> None:
    from pqc.cli.staged_report import staged_page_bytes, staged_report_bytes

    if trace is not None:
        raise ModelError(
            f"{path}: --trace is for one program, and these are several stages: take them apart with "
            f"`pqc stages {path} -o FOLDER`"
        )
    for name, program in staged.programs.items():
        _check(program, f"{path}: stage {name}")
    write(output, staged_page_bytes(staged) if is_page(output) else staged_report_bytes(staged, as_json=as_json))


def is_page(path: str | None) -> bool:
    """Whether a report of this name is a page for a browser; if so, what makes it has to be there.

    Raises:
        ModelError: a library is not installed.
    """
    if path is None or not path.endswith(PAGE):
        return False
    missing = [name for name in ("bokeh", "networkx") if find_spec(name) is None]
    if missing:
        raise ModelError(f"{path}: a page needs {missing[0]}, which is not installed: pip install 'pqc[report]'")
    return True


def recording_for(path: str | None) -> Recording | None:
    """What a page needs to see of a compilation, None for a report that is no page.

    Raises:
        ModelError: a library is not installed.
    """
    if not is_page(path):
        return None
    from pqc.report.html.recording import Recording

    return Recording()


def page_bytes(program: Program, recording: Recording | None = None) -> bytes:
    """The page on a program, with what was seen of its compilation if that is at hand."""
    from pqc.report.html.document import Document
    from pqc.report.html.recording import Recording

    return Document(program, recording or Recording()).to_bytes()


def _check(program: Program, origin: str) -> None:
    """Refuse a program that the machine would refuse: its figures would mean nothing."""
    from pqc.interpreter.hazards import check_program
    from pqc.planning.target import target_from_dict

    try:
        check_program(program, target_from_dict(program.target))
    except ProgramError as error:
        raise ProgramError(f"{origin}: {error}") from error


def report_bytes(report: Mapping[str, Any], *, as_json: bool) -> bytes:
    """A report as the contents of a file."""
    text = json.dumps(report, indent=2) if as_json else "\n".join(report_lines(report))
    return f"{text}\n".encode()


def report_lines(report: Mapping[str, Any]) -> Iterator[str]:
    """A report as text."""
    from pqc.report.text import summary, tables

    for name, text in summary(report):
        yield f"{name:12}  {text}"
    for table in tables(report):
        yield ""
        yield table.title
        yield text_table(table.header, table.rows)
