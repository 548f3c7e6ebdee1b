"""`pqc compile`: from an ONNX model to a program file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.memory import rare_collections
from pqc.cli.options import FilePath
from pqc.cli.output import check_place, say, write
from pqc.cli.progress import pass_progress
from pqc.cli.request import check_request, compile_request, request_options

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command("compile")
@click.argument("model", metavar="MODEL", type=FilePath())
@click.option("-o", "output", metavar="PROGRAM", required=True, help="The program file; - is standard output.")
@request_options
@click.option("--save-pq-config", metavar="FILE", help="Write what was chosen for every layer, to be edited.")
@click.option(
    "--save-schedule", metavar="FILE", help="Write the tiles and the residency that were chosen, to be edited."
)
@click.option("--verify-each", is_flag=True, help="Verify every pass, as `pqc verify` does.")
@click.option("--report", "report_path", metavar="FILE.json|.txt|.html", help="Write the report of `pqc report`.")
@click.pass_context
def command(context: click.Context, **options: Any) -> None:
    """Compile an ONNX model to a program file.

    Nothing but the program file is needed to run it: `pqc run PROGRAM`. Without --calibrate the prototypes are fitted
    on synthetic data: the program runs, but its accuracy means nothing. A model that gives all its grids and tables, as
    `pqc export` writes it, needs none. MODEL may also be a file that --dump-ir wrote:
    compilation goes on from there, for the target and with the data that it started with.
    """
    check_request(context, options)
    for path in (options["output"], options["report_path"], options["save_schedule"], options["save_pq_config"]):
        check_place(path)
    with rare_collections():
        _compile(options, context)


def _compile(options: Mapping[str, Any], context: click.Context) -> None:
    """Compile as the options say, and write what they ask for."""
    from pqc.api import VerifyRequest, compile_model
    from pqc.cli.report import is_page, page_bytes, report_bytes
    from pqc.planning.layer_choices import choices_to_toml

    request = compile_request(options, context)
    if options["verify_each"]:
        request = replace(request, verify=VerifyRequest())
    recording = None
    if is_page(options["report_path"]):
        from pqc.report.html.recording import Recording

        recording = Recording()
        request = replace(request, watch=recording.watch)
    with pass_progress():
        result = compile_model(request)
    data = result.program.to_bytes()
    write(options["output"], data)
    if recording is not None:
        write(options["report_path"], page_bytes(result.program, recording))
    elif options["report_path"] is not None:
        as_json = not options["report_path"].endswith(".txt")
        write(options["report_path"], report_bytes(result.report, as_json=as_json))
    if options["save_schedule"] is not None:
        write(options["save_schedule"], result.schedule.to_toml().encode())
    if options["save_pq_config"] is not None:
        write(options["save_pq_config"], choices_to_toml(result.layers).encode())
    say(f"{options['output']}: {len(data):,} bytes, {len(result.program.instructions):,} instructions")
