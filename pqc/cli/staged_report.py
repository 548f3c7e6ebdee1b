"""`pqc report` and `pqc compile --report` for a program of several stages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pqc.cli.output import text_table

if TYPE_CHECKING:
    from pqc.isa.stages import StagedProgram
    from pqc.report.html.recording import Recording


def staged_report_bytes(staged: StagedProgram, *, as_json: bool) -> bytes:
    """The report as the contents of a file."""
    from pqc.report.staged import build_staged_report

    if as_json:
        return f"{json.dumps(build_staged_report(staged), indent=2)}\n".encode()
    return "".join(f"{line}\n" for line in staged_report_lines(staged)).encode()


def staged_report_lines(staged: StagedProgram) -> Iterator[str]:
    """The report as text: the stages, what is on the host, and the report of each program."""
    from pqc.cli.report import report_lines
    from pqc.report.staged import build_staged_report, host_table, stage_table, staged_summary

    report = build_staged_report(staged)
    for name, text in staged_summary(report):
        yield f"{name:12}  {text}"
    for table in (stage_table(staged), host_table(staged)):
        yield from ("", table.title, text_table(table.header, table.rows))
    for stage in report["stages"]:
        if stage["report"] is not None:
            yield from ("", f"Stage {stage['stage']}")
            yield from report_lines(stage["report"])


def staged_page_bytes(staged: StagedProgram, recordings: Mapping[str, Recording] | None = None) -> bytes:
    """The page for a browser, with what was seen of compilations, by stage, if that is at hand."""
    from pqc.report.html.staged_page import staged_page

    return staged_page(staged, recordings or {})
