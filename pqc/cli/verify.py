"""`pqc verify`: compile, and check behind every pass that the network still computes what it did."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.memory import rare_collections
from pqc.cli.options import FilePath, allow_host_option, json_option, number_option
from pqc.cli.output import check_place, say, show, show_json, text_table, write
from pqc.cli.phases import is_resumed, last_phase, phase_options
from pqc.cli.progress import pass_progress
from pqc.cli.request import check_allow_host, check_request, compile_request, request_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pqc.api import CompileRequest
    from pqc.numerics.arrays import FloatArray
    from pqc.verification.verifier import Record

HEADER = ("check", "what had to hold", "compared", "worst", "at", "seconds")


@click.command("verify")
@click.argument("model", metavar="MODEL", type=FilePath())
@click.option("--input", "input_path", metavar="FILE", type=FilePath(), help="Frames; those of --calibrate by default.")
@number_option("--frames", click.IntRange(1), 4, "How many frames the network is executed on.")
@click.option(
    "--mode",
    type=click.Choice(["accumulated", "isolated", "both"]),
    default="accumulated",
    show_default=True,
    help="What nodes behind a pass work on: each other's results, or those from before the pass.",
)
@click.option("--records", metavar="FILE.jsonl", help="Write what every check found, one JSON object a line.")
@click.option(
    "--keep", metavar="DIR", type=FilePath(), help="Where the IR around a wrong pass goes.  [default: a new one]"
)
@request_options
@phase_options
@allow_host_option
@json_option
@click.pass_context
def command(context: click.Context, as_json: bool, **options: Any) -> None:
    """Check every pass of a compilation, and the program, on a few frames.

    Takes what `pqc compile` takes. The imported network has to give what onnxruntime gives; behind every pass, each
    node what it gave before: up to the order of sums at the float level, each operation by itself up to its rounding
    where real numbers become integers, and bit for bit from there on, down to every instruction of the machine. The
    exit code is 3 where something differs: the pass, the node, the element, both numbers and the operation or rewrite
    that is to blame are named, and the IR before and after is kept. With --allow-host each stage on the
    accelerator is verified by itself, on what the stages before it give.
    """
    check_request(context, options)
    check_allow_host(context, options)
    check_place(options["records"])
    if options["input_path"] is not None and is_resumed(options):
        raise click.UsageError("--input goes with a model; a dump is verified on the frames that it has", context)
    if options["input_path"] is not None and options["fold"] == "calibrated":
        raise click.UsageError("--fold calibrated holds for the calibration frames alone, not for --input", context)
    records: list[Record] = []
    try:
        with rare_collections():
            _verify(options, context, records)
    finally:
        _tell(records, options["records"], as_json=as_json)


def _verify(options: Mapping[str, Any], context: click.Context, records: list[Record]) -> None:
    from pqc.api import VerifyRequest, compile_model, compile_to
    from pqc.staging.compilation import compile_stages
    from pqc.verification.request import Mode

    last = last_phase(options)
    request = compile_request(options, context)
    frames = None if options["input_path"] is None else _frames(request, options["input_path"], options["frames"])
    verify = VerifyRequest(frames, options["frames"], options["keep"], records.append, Mode(options["mode"]))
    request = replace(request, verify=verify)
    with pass_progress():
        if last is not None:
            compile_to(request, last)
        elif options["allow_host"]:
            compile_stages(request)
        else:
            compile_model(request)


def _frames(request: CompileRequest, path: Path, count: int) -> Mapping[str, FloatArray]:
    """The first frames of a file, as the network takes them."""
    from pqc.data import load_dataset
    from pqc.frontend.loader import load_model
    from pqc.frontend.signature import model_inputs

    inputs = {entry.name: tuple(entry.shape[1:]) for entry in model_inputs(load_model(request.model))}
    return load_dataset(path, inputs, count).prepare(request.preprocessing)


def _tell(records: Sequence[Record], path: str | None, *, as_json: bool) -> None:
    """What was found, on standard output and in the file that was asked for."""
    values = [record.as_json() for record in records]
    if path is not None:
        write(path, "".join(json.dumps(value) + "\n" for value in values).encode())
    if as_json:
        show_json(values)
    elif records:
        show(text_table(HEADER, [_row(record) for record in records]))
    if records:
        say(f"{sum(value['failure'] is None for value in values)} of {len(values)} checks hold")


def _row(record: Record) -> tuple[str, ...]:
    found = record.finding
    worst = f"{found.worst:.2e}" if found.worst else "0"
    return (record.check, found.rule, str(found.compared), worst, found.worst_node, f"{record.seconds:.2f}")
