"""`pqc report`: cycles, units, layers and memory of a program file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.options import json_option, program_argument
from pqc.cli.output import STANDARD, check_place, text_table, write
from pqc.errors import ProgramError

if TYPE_CHECKING:
    from pqc.isa.program import Program


@click.command("report")
@program_argument
@click.option("-o", "output", metavar="FILE", default=STANDARD, help="Write the report to a file.  [default: -]")
@click.option("--trace", metavar="FILE.json", help="Write a timeline, to be seen in Perfetto or Chrome, as well.")
@json_option
def command(program_path: Path, output: str, trace: str | None, as_json: bool) -> None:
    """Say where the cycles of a program go, and which memory it takes.

    Nothing is executed: the figures are those of the timing model. The lower bound is what the busiest unit takes;
    the critical path says what a frame actually waits for.
    """
    for path in (output, trace):
        check_place(path)
    from pqc.isa.program import load_program
    from pqc.report.report import build_report
    from pqc.report.trace import build_trace, trace_bytes

    program = load_program(program_path)
    _check(program, program_path)
    report = build_report(program)
    if trace is not None:
        write(trace, trace_bytes(build_trace(program)))
    write(output, report_bytes(report, as_json=as_json))


def _check(program: Program, path: Path) -> None:
    """Refuse a program that the machine would refuse: its figures would mean nothing."""
    from pqc.interpreter.hazards import check_program
    from pqc.planning.target import target_from_dict

    try:
        check_program(program, target_from_dict(program.target))
    except ProgramError as error:
        raise ProgramError(f"{path}: {error}") from error


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
