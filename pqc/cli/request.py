"""What is to be compiled, as the command line says: the options and the request of `pqc compile` and `pqc verify`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.options import (
    DEFAULT_TARGET,
    LAYER_OPTIONS,
    Command,
    FilePath,
    check_preprocessing,
    fold_option,
    number_option,
    pq_options,
    preprocessing_options,
    target_options,
    tune_option,
)
from pqc.cli.output import say
from pqc.cli.phases import beginning, is_resumed
from pqc.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pqc.api import CompileRequest
    from pqc.planning.schedule import Schedule

PQ_OPTIONS = (*LAYER_OPTIONS, "fold", "tune", "seed", "images", "size_budget", "error_budget", "narrow")
"""The options that say how layers are quantized."""

DECIDED = (*PQ_OPTIONS, "pq_config", "calibration", "mean", "std")
"""The options that mean nothing when compilation goes on from a dump."""

SHOWN = ("dump_ir", "print_ir_after", "time_passes")
"""The options that say what is to be seen of the compilation."""


def request_options(command: Command) -> Command:
    """Add the options that say what is to be compiled, and what of it is to be seen."""
    budget = click.FloatRange(0, min_open=True)
    options: list[Callable[[Command], Command]] = [
        _file("--calibrate", "calibration", "FILE", "An .npz file or a folder of images."),
        _whole("--images", click.IntRange(1), "Use the first N images.  [default: 1024, 128 of 224x224]"),
        preprocessing_options,
        target_options,
        pq_options,
        _file("--pq-config", "pq_config", "FILE", "Choices for single layers, as --save-pq-config writes them."),
        click.option("--size-budget", metavar="KIB", type=budget, help="Narrow tables until they fit."),
        click.option(
            "--error-budget",
            metavar="X",
            type=budget,
            help="Narrow tables until the outputs' normalized error has grown by X.",
        ),
        click.option(
            "--narrow",
            multiple=True,
            type=click.Choice(["tables", "prototypes", "activations"]),
            default=("tables",),
            show_default=True,
            help="What a budget narrows; may be given more than once.",
        ),
        fold_option,
        tune_option,
        number_option("--seed", click.IntRange(0), 0, "Seed of everything random."),
        _whole("--batch", click.IntRange(1, 256), "Frames that share a load of tables.  [default: 1]"),
        _file("--schedule", "schedule", "FILE", "Tiles and residency, as --save-schedule."),
        _file("--cache", "cache", "DIR", "Keep what is fitted here, and look here before fitting."),
        _file("--dump-ir", "dump_ir", "DIR", "Write the IR after every pass that changed it."),
        click.option(
            "--print-ir-after", metavar="PASS|all", multiple=True, help="Print the IR after a pass, on stderr."
        ),
        click.option("--time-passes", is_flag=True, help="Say how long each pass took, on stderr."),
    ]
    # What is added last is listed first.
    for option in reversed(options):
        command = option(command)
    return command


def _file(flag: str, name: str, metavar: str, text: str) -> Callable[[Command], Command]:
    """An option with a path."""
    return click.option(flag, name, metavar=metavar, type=FilePath(), help=text)


def _whole(flag: str, allowed: click.IntRange, text: str) -> Callable[[Command], Command]:
    """An option with a whole number, None by default."""
    return click.option(flag, metavar="N", type=allowed, help=text)


def check_request(context: click.Context, options: Mapping[str, Any]) -> None:
    """Check before long work what can be checked without looking at the model.

    Raises:
        ModelError: ``--dump-ir`` names a file.
        UsageError: options that go together do not.
    """
    check_preprocessing(context, options)
    if options["dump_ir"] is not None and options["dump_ir"].is_file():
        raise ModelError(f"--dump-ir {options['dump_ir']}: this is a file, a folder is wanted")


def check_allow_host(context: click.Context, options: Mapping[str, Any]) -> None:
    """Refuse ``--allow-host`` with what is about one network, whose nodes are all compiled.

    Raises:
        UsageError: so it is.
    """
    if not options["allow_host"]:
        return
    if is_resumed(options):
        raise click.UsageError("--allow-host goes with an ONNX model; a dump holds what was compiled of one", context)
    if options.get("to_phase") is not None:
        raise click.UsageError("--to and --allow-host exclude each other: each stage has an IR of its own", context)


def compile_request(options: Mapping[str, Any], context: click.Context) -> CompileRequest:
    """What is to be compiled, with the talk that belongs to it.

    Raises:
        ModelError: a file or a value is at fault.
        UsageError: the options do not go together.
    """
    schedule = _schedule(options["schedule"])
    request = _resumed(options, context) if is_resumed(options) else _request(options)
    return replace(request, batch=options["batch"], schedule=schedule, cache=options["cache"])


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

    model, phase = beginning(options["model"], options.get("from_phase"))
    for parameter in context.command.params:
        name = parameter.name or ""
        if name in DECIDED and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{parameter.opts[0]} was decided when {options['model']} was written", context)
    if options["overrides"] and options["target_name"] is None:
        raise click.UsageError(f"--set changes a target: with {options['model']}, --target has to name it", context)
    target = None if options["target_name"] is None else load_target(options["target_name"], options["overrides"])
    return CompileRequest(model, target, phase=phase, **{name: options[name] for name in SHOWN})
