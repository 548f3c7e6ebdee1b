"""`pqc compile`: from an ONNX model to a program file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.memory import rare_collections
from pqc.cli.options import (
    DEFAULT_TARGET,
    LAYER_OPTIONS,
    FilePath,
    check_preprocessing,
    fold_option,
    number_option,
    pq_options,
    preprocessing_options,
    target_options,
    tune_option,
)
from pqc.cli.output import check_place, say, write
from pqc.cli.progress import pass_progress
from pqc.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pqc.api import CompileRequest
    from pqc.planning.schedule import Schedule

PQ_OPTIONS = (*LAYER_OPTIONS, "fold", "tune", "seed", "images", "table_budget", "error_budget")
"""The options that say how layers are quantized."""

DECIDED = (*PQ_OPTIONS, "pq_config", "calibration", "mean", "std")
"""The options that mean nothing when compilation goes on from a dump."""

SHOWN = ("dump_ir", "print_ir_after", "time_passes")
"""The options that say what is to be seen of the compilation."""


@click.command("compile")
@click.argument("model", metavar="MODEL", type=FilePath())
@click.option("-o", "output", metavar="PROGRAM", required=True, help="The program file; - is standard output.")
@click.option("--calibrate", "calibration", metavar="FILE", type=FilePath(), help="An .npz file or a folder of images.")
@click.option(
    "--images", metavar="N", type=click.IntRange(1), help="Use the first N images.  [default: 1024, 128 of 224x224]"
)
@preprocessing_options
@target_options
@pq_options
@click.option(
    "--pq-config", metavar="FILE", type=FilePath(), help="Choices for single layers, as --save-pq-config writes them."
)
@click.option("--save-pq-config", metavar="FILE", help="Write what was chosen for every layer, to be edited.")
@click.option(
    "--table-budget", metavar="KIB", type=click.FloatRange(0, min_open=True), help="Narrow tables until they fit."
)
@click.option(
    "--error-budget",
    metavar="X",
    type=click.FloatRange(0, min_open=True),
    help="Narrow tables until the outputs' normalized error has grown by X.",
)
@fold_option
@tune_option
@number_option("--seed", click.IntRange(0), 0, "Seed of everything random.")
@click.option(
    "--batch", metavar="N", type=click.IntRange(1, 256), help="Frames that share a load of tables.  [default: 1]"
)
@click.option(
    "--schedule", "schedule", metavar="FILE", type=FilePath(), help="Tiles and residency, as --save-schedule."
)
@click.option(
    "--save-schedule", metavar="FILE", help="Write the tiles and the residency that were chosen, to be edited."
)
@click.option("--cache", metavar="DIR", type=FilePath(), help="Keep what is fitted here, and look here before fitting.")
@click.option("--dump-ir", metavar="DIR", type=FilePath(), help="Write the IR after every pass that changed it.")
@click.option("--print-ir-after", metavar="PASS|all", multiple=True, help="Print the IR after a pass, on stderr.")
@click.option("--time-passes", is_flag=True, help="Say how long each pass took, on stderr.")
@click.option("--report", "report_path", metavar="FILE.json|.txt", help="Write the report, as of `pqc report`.")
@click.pass_context
def command(context: click.Context, **options: Any) -> None:
    """Compile an ONNX model to a program file.

    Nothing but the program file is needed to run it: `pqc run PROGRAM`. Without --calibrate the prototypes are fitted
    on synthetic data: the program runs, but its accuracy means nothing. A model that gives all its grids and tables, as
    `pqc export` writes it, needs none. MODEL may also be a file that --dump-ir wrote:
    compilation goes on from there, for the target and with the data that it started with.
    """
    check_preprocessing(context, options)
    for path in (options["output"], options["report_path"], options["save_schedule"], options["save_pq_config"]):
        check_place(path)
    if options["dump_ir"] is not None and options["dump_ir"].is_file():
        raise ModelError(f"--dump-ir {options['dump_ir']}: this is a file, a folder is wanted")
    with rare_collections():
        _compile(options, context)


def _compile(options: Mapping[str, Any], context: click.Context) -> None:
    """Compile as the options say, and write what they ask for."""
    from pqc.api import compile_model
    from pqc.cli.report import report_bytes
    from pqc.planning.layer_choices import choices_to_toml

    schedule = _schedule(options["schedule"])
    request = _resumed(options, context) if options["model"].suffix == ".mlir" else _request(options)
    request = replace(request, batch=options["batch"], schedule=schedule, cache=options["cache"])
    with pass_progress():
        result = compile_model(request)
    data = result.program.to_bytes()
    write(options["output"], data)
    if options["report_path"] is not None:
        as_json = not options["report_path"].endswith(".txt")
        write(options["report_path"], report_bytes(result.report, as_json=as_json))
    if options["save_schedule"] is not None:
        write(options["save_schedule"], result.schedule.to_toml().encode())
    if options["save_pq_config"] is not None:
        write(options["save_pq_config"], choices_to_toml(result.layers).encode())
    say(f"{options['output']}: {len(data):,} bytes, {len(result.program.instructions):,} instructions")


def _schedule(path: Path | None) -> Schedule | None:
    """The schedule in a file."""
    from pqc.planning.schedule import schedule_from_toml
    from pqc.text_file import read_text

    return None if path is None else schedule_from_toml(read_text(path, "a schedule"), str(path))


def _request(options: Mapping[str, Any]) -> CompileRequest:
    """What is to be compiled, with the talk that belongs to it."""
    from pqc.api import CompileRequest
    from pqc.cli.calibration import chosen_preprocessing, load_calibration
    from pqc.passes.options import PqOptions
    from pqc.planning.layer_choices import load_choices
    from pqc.planning.target import load_target

    model, path = options["model"], options["pq_config"]
    layers = () if path is None else load_choices(path)
    quantization = PqOptions(**{name: options[name] for name in PQ_OPTIONS}, layers=layers)
    target = load_target(options["target_name"] or DEFAULT_TARGET, options["overrides"])
    preprocessing = chosen_preprocessing(model, options["mean"], options["std"])
    calibration = None
    if options["calibration"] is not None:
        calibration = load_calibration(model, options["calibration"], quantization, preprocessing)
    say(f"target {target.name}, fingerprint {target.fingerprint()[:12]}")
    return CompileRequest(
        model=model,
        target=target,
        pq=quantization,
        calibration=calibration,
        preprocessing=preprocessing,
        tell=say,
        **{name: options[name] for name in SHOWN},
    )


def _resumed(options: Mapping[str, Any], context: click.Context) -> CompileRequest:
    """A compilation that goes on from a dump; what was decided before the dump cannot be decided again."""
    from click.core import ParameterSource

    from pqc.api import CompileRequest
    from pqc.planning.target import load_target

    for parameter in context.command.params:
        name = parameter.name or ""
        if name in DECIDED and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} was decided when {options['model']} was written", context)
    if options["overrides"] and options["target_name"] is None:
        raise click.UsageError(f"--set changes a target: with {options['model']}, --target has to name it", context)
    target = None if options["target_name"] is None else load_target(options["target_name"], options["overrides"])
    return CompileRequest(model=options["model"], target=target, **{name: options[name] for name in SHOWN})
