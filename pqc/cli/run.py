"""`pqc run`: execute a program file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pqc.cli.options import FilePath, json_option, program_argument
from pqc.cli.output import STANDARD, check_place, show, show_json
from pqc.errors import ProgramError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pqc.cli.results import Outcome
    from pqc.isa.program import Program

NEEDS_INPUT = ("output", "labels", "against", "expect", "images")


@click.command("run")
@program_argument
@click.option("--input", "input_path", metavar="FILE", type=FilePath(), help="An .npz file or a folder of images.")
@click.option("-o", "output", metavar="FILE", help="Write the outputs to an .npz file; - is standard output.")
@click.option("--labels", is_flag=True, help="Report the top-1 accuracy, by the input's array `labels`.")
@click.option("--against", metavar="MODEL", type=FilePath(), help="Compare with this ONNX model in onnxruntime.")
@click.option("--expect", metavar="FILE", type=FilePath(), help="Require these outputs, as -o writes them.")
@click.option("--images", metavar="N", type=click.IntRange(1), help="Take only the first N frames of the input.")
@click.option("--timing", is_flag=True, help="Report cycles, as `pqc report` does.")
@click.option("--trace", metavar="FILE.json", help="Write a timeline, to be seen in Perfetto or Chrome.")
@click.option("--target", "target_name", metavar="NAME|FILE", help="Require that the program is for this target.")
@click.option("--random-order", metavar="N", type=click.IntRange(1), help="Execute N random legal orders as well.")
@click.option(
    "--export-vectors",
    "vectors",
    metavar="DIR",
    type=FilePath(),
    help="Write stimulus and expected writes as hex files, for an RTL test bench.",
)
@json_option
@click.pass_context
def command(context: click.Context, program_path: Path, target_name: str | None, as_json: bool, **options: Any) -> None:
    """Execute a program file; without --input, its self-test.

    The machine executes the bytes of the file and nothing else. Where nodes are on the host, as `pqc compile
    --allow-host` leaves them there, machine and host take turns, and every stage says where it ran. The exit code is 3
    if the self-test or a comparison fails, 4 if the file is not a valid program.
    """
    if options["input_path"] is None:
        for name in NEEDS_INPUT:
            if options[name]:
                flag = "-o" if name == "output" else f"--{name}"
                raise click.UsageError(f"{flag} needs --input", context)
    for path in (options["output"], options["trace"]):
        check_place(path)
    outcome = _executed(program_path, target_name, options)
    # With `-o -` standard output is the outputs' alone.
    if as_json:
        show_json(outcome.figures)
    elif options["output"] != STANDARD:
        show("\n".join(outcome.lines))
    outcome.refuse()


def _executed(path: Path, target_name: str | None, options: Mapping[str, Any]) -> Outcome:
    from pqc.cli.execution import execute
    from pqc.cli.results import RunOptions
    from pqc.cli.staged_execution import execute_stages
    from pqc.isa.stages import load_stages

    staged = load_stages(path)
    programs = staged.programs
    if target_name is not None:
        for name, program in programs.items():
            _require_target(str(path) if staged.is_program else f"{path}: stage {name}", program, target_name)
    if staged.is_program:
        return execute(programs[staged.names[0]], str(path), RunOptions(**options))
    return execute_stages(staged, str(path), RunOptions(**options))


def _require_target(origin: str, program: Program, name: str) -> None:
    from pqc.planning.target import load_target

    wanted = load_target(name)
    if wanted.fingerprint() != program.fingerprint():
        raise ProgramError(
            f"{origin}: this program is for target {program.target.get('name')!r} ({program.fingerprint()[:12]}), "
            f"not for {wanted.name!r} ({wanted.fingerprint()[:12]}); compile the model again with --target {name}"
        )
