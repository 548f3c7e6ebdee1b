"""The options `--from` and `--to`: a compilation that goes on from a dump, or stops behind a phase."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.options import Command
from pqc.cli.output import say
from pqc.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def phase_options(command: Command) -> Command:
    """Add the options ``--from`` and ``--to``."""
    command = _phase("--to", "Stop behind this phase.")(command)
    return _phase("--from", "Go on behind this phase; MODEL is a folder of dumps, or one.")(command)


def _phase(flag: str, text: str) -> Callable[[Command], Command]:
    """An option with a phase, which is looked up when the passes are known: their libraries are heavy."""
    name = f"{flag.removeprefix('--')}_phase"
    return click.option(flag, name, metavar="PHASE", help=f"{text} A pass, import, float, quantized or accelerator.")


def is_resumed(options: Mapping[str, Any]) -> bool:
    """Whether the model is a dump, or a folder of dumps."""
    return options["model"].suffix == ".mlir" or options.get("from_phase") is not None


def last_phase(options: Mapping[str, Any]) -> str | None:
    """The phase that ``--to`` names, None for the whole way.

    Raises:
        ModelError: there is no such phase.
    """
    from pqc.passes.phases import phase_named

    return None if options["to_phase"] is None else phase_named(options["to_phase"], "--to")


def beginning(model: Path, name: str | None) -> tuple[Path, str | None]:
    """The dump to go on from, and the phase that ``--from`` says it was written at.

    Raises:
        ModelError: there is no such phase, or no dump.
    """
    from pqc.passes.phases import dump_at, phase_named

    if name is None:
        return model, None
    wanted = phase_named(name, "--from")
    if not model.is_dir():
        if model.suffix != ".mlir":
            raise ModelError(f"{model}: --from goes on from a dump (.mlir) or from a folder of dumps, as of --dump-ir")
        return model, wanted
    path, found = dump_at(model, wanted)
    if found != wanted:
        say(f"{wanted} has no dump, as a pass that changes nothing: going on from {path}")
    return path, found
