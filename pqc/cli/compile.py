"""`pqc compile`: from an ONNX model to a program file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.memory import rare_collections
from pqc.cli.options import FilePath, allow_host_option
from pqc.cli.output import check_place, say, write
from pqc.cli.phases import last_phase, phase_options
from pqc.cli.progress import pass_progress
from pqc.cli.request import check_allow_host, check_request, compile_request, request_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pqc.api import CompileRequest
    from pqc.planning.layer_choices import LayerChoices
    from pqc.planning.schedule import Schedule


OF_PROGRAM = {"report_path": "--report", "save_schedule": "--save-schedule", "save_pq_config": "--save-pq-config"}
"""The parameters and options for files beside a program."""


@click.command("compile")
@click.argument("model", metavar="MODEL", type=FilePath())
@click.option(
    "-o",
    "output",
    metavar="PROGRAM",
    required=True,
    help="The program file; - is standard output. With --to a FILE.mlir, and its constants in `blobs` beside it.",
)
@request_options
@phase_options
@click.option("--save-pq-config", metavar="FILE", help="Write what was chosen for every layer, to be edited.")
@click.option(
    "--save-schedule", metavar="FILE", help="Write the tiles and the residency that were chosen, to be edited."
)
@allow_host_option
@click.option("--verify-each", is_flag=True, help="Verify every pass, as `pqc verify` does.")
@click.option("--report", "report_path", metavar="FILE.json|.txt|.html", help="Write the report of `pqc report`.")
@click.pass_context
def command(context: click.Context, **options: Any) -> None:
    """Compile an ONNX model to a program file.

    Nothing but the program file is needed to run it: `pqc run PROGRAM`. Without --calibrate the prototypes are fitted
    on synthetic data: the program runs, but its accuracy means nothing. A model that gives all its grids and tables, as
    `pqc export` writes it, needs none. With --allow-host, nodes that cannot be compiled are left to the host: PROGRAM
    then holds several stages, and what is on the host is named here and in every report. MODEL may also be a file that
    --dump-ir or --to wrote, or with --from a folder of such files: compilation goes on from there, for the target and
    with the data that it started with.

    A phase is a pass (see `pqc passes`), and means the place behind it; or `import`, in front of all passes; or
    `float`, `quantized` or `accelerator`, the end of what is done at one level of the intermediate representation.
    """
    check_request(context, options)
    check_allow_host(context, options)
    for path in (options["output"], *(options[name] for name in OF_PROGRAM)):
        check_place(path)
    if options["to_phase"] is not None:
        _check_partial(options, context)
    with rare_collections():
        _compile(options, context)


def _check_partial(options: Mapping[str, Any], context: click.Context) -> None:
    """Refuse what needs a whole compilation.

    Raises:
        UsageError: an option goes with a program.
    """
    for name, flag in OF_PROGRAM.items():
        if options[name] is not None:
            raise click.UsageError(f"{flag} describes a program, and --to writes none", context)
    if not options["output"].endswith(".mlir"):
        raise click.UsageError(
            f"-o {options['output']}: --to writes a text of the IR, whose name ends in .mlir", context
        )


def _compile(options: Mapping[str, Any], context: click.Context) -> None:
    """Compile as the options say, and write what they ask for."""
    from pqc.api import VerifyRequest

    last = last_phase(options)
    request = compile_request(options, context)
    if options["verify_each"]:
        request = replace(request, verify=VerifyRequest())
    if last is None:
        _compile_whole(request, options)
    else:
        _compile_to(request, last, options["output"])


def _compile_whole(request: CompileRequest, options: Mapping[str, Any]) -> None:
    """Compile to a program, and write it with what describes it."""
    from pqc.api import compile_model
    from pqc.cli.compiled_stages import compile_and_write_stages
    from pqc.cli.report import page_bytes, recording_for, report_bytes

    if options["allow_host"]:
        compile_and_write_stages(request, options)
        return
    report = options["report_path"]
    recording = recording_for(report)
    if recording is not None:
        request = replace(request, watch=recording.watch)
    with pass_progress():
        result = compile_model(request)
    data = result.program.to_bytes()
    write(options["output"], data)
    if recording is not None:
        write(report, page_bytes(result.program, recording))
    elif report is not None:
        write(report, report_bytes(result.report, as_json=not report.endswith(".txt")))
    write_choices(options, result.schedule, result.layers)
    say(f"{options['output']}: {len(data):,} bytes, {len(result.program.instructions):,} instructions")


def write_choices(options: Mapping[str, Any], schedule: Schedule, layers: LayerChoices) -> None:
    """Write the schedule, and what was chosen for every layer, where that is asked for."""
    from pqc.planning.layer_choices import choices_to_toml

    if options["save_schedule"] is not None:
        write(options["save_schedule"], schedule.to_toml().encode())
    if options["save_pq_config"] is not None:
        write(options["save_pq_config"], choices_to_toml(layers).encode())


def _compile_to(request: CompileRequest, last: str, output: str) -> None:
    """Compile up to a phase, and write the text of the IR and its constants."""
    from pathlib import Path

    from pqc.api import compile_to
    from pqc.passes.text import save_module
    from pqc.version import __version__

    with pass_progress():
        module = compile_to(request, last)
    path = Path(output)
    header = f"pqc {__version__}: {request.model.name} at the phase {last}\npqc compile {path.name} -o PROGRAM"
    save_module(module, path, header)
    say(f"{output}: the IR at the phase {last}")
