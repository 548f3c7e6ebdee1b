"""`pqc compile --allow-host`: a program of several stages, and what describes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pqc.cli.compile import write_choices
from pqc.cli.output import say, write
from pqc.cli.progress import pass_progress
from pqc.cli.report import is_page, page_bytes, report_bytes
from pqc.cli.staged_report import staged_page_bytes, staged_report_bytes
from pqc.report.staged import host_lines
from pqc.staging.compilation import StagedResult, compile_stages
from pqc.staging.schedules import merged

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xdsl.dialects.builtin import ModuleOp

    from pqc.api import CompileRequest
    from pqc.report.html.recording import Recording


def compile_and_write_stages(request: CompileRequest, options: Mapping[str, Any]) -> None:
    """Compile, leave to the host what cannot be compiled, and write the file with what describes it."""
    report = options["report_path"]
    recordings: dict[str, Recording] | None = {} if is_page(report) else None
    with pass_progress():
        result = compile_stages(request, None if recordings is None else _recorder(recordings))
    data = result.staged.to_bytes()
    write(options["output"], data)
    if report is not None:
        write(report, _report_bytes(result, recordings, as_json=not report.endswith(".txt")))
    compiled = list(result.results.values())
    layers = tuple(choice for one in compiled for choice in one.layers)
    write_choices(options, merged(one.schedule for one in compiled), layers)
    instructions = sum(len(one.program.instructions) for one in compiled)
    stages = "" if result.staged.is_program else f", {len(result.staged.stages)} stages"
    say(f"{options['output']}: {len(data):,} bytes{stages}, {instructions:,} instructions")
    for line in host_lines(result.staged):
        say(line)


def _recorder(recordings: dict[str, Recording]) -> Callable[[str], Callable[[str, ModuleOp], None]]:
    """What makes a recording for each stage."""
    from pqc.report.html.recording import Recording

    return lambda name: recordings.setdefault(name, Recording()).watch


def _report_bytes(result: StagedResult, recordings: Mapping[str, Recording] | None, *, as_json: bool) -> bytes:
    staged = result.staged
    if not staged.is_program:
        if recordings is not None:
            return staged_page_bytes(staged, recordings)
        return staged_report_bytes(staged, as_json=as_json)
    (name, compiled), *_ = result.results.items()
    if recordings is not None:
        return page_bytes(compiled.program, recordings[name])
    return report_bytes(compiled.report, as_json=as_json)
