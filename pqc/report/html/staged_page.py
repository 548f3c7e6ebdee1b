"""The page on a program of several stages: what is on the host, and the page of each program inside of it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from jinja2 import Environment, StrictUndefined

from pqc.isa.stages import StagedProgram
from pqc.report.html.document import Document
from pqc.report.html.recording import Recording
from pqc.report.staged import build_staged_report, host_table, stage_table, staged_summary


def staged_page(staged: StagedProgram, recordings: Mapping[str, Recording]) -> bytes:
    """The whole page; ``recordings`` are what was seen of compilations, by stage. Equal stages give equal bytes."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(
        (files("pqc.report.html") / "page" / "stages.html.jinja").read_text(encoding="utf-8")
    )
    pages = {
        name: Document(program, recordings.get(name, Recording())).to_bytes().decode()
        for name, program in staged.programs.items()
    }
    return template.render(
        summary=list(staged_summary(build_staged_report(staged))),
        tables=[stage_table(staged), host_table(staged)],
        pages=pages,
    ).encode()
