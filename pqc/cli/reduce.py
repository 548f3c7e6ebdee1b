"""`pqc reduce`: a small module for which something fails as it does for a large one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pqc.cli.options import FilePath
from pqc.cli.output import check_place, say

if TYPE_CHECKING:
    from pathlib import Path

    from pqc.reduction.failures import Symptom


@click.command("reduce")
@click.argument("module", metavar="FILE.mlir", type=FilePath())
@click.option("-o", "output", metavar="FILE.mlir", required=True, help="What is left; its constants lie beside it.")
@click.option("--pass", "passes", metavar="PASS[,PASS...]", help="Passes that fail, with options as in `pqc opt -p`.")
@click.option("--command", "command_line", metavar="'CMD {}'", help="A shell command that fails; {} is the file.")
@click.pass_context
def command(context: click.Context, module: Path, output: str, passes: str | None, command_line: str | None) -> None:
    """Reduce a module for which something fails to a small one.

    What fails is either one of --pass, whose error stays the same but for names and numbers, or --command, whose exit
    code stays the same. Outputs and operations are cut out of the module, from the back, from the front and between,
    then the attributes that do not matter; what is left is always valid. `before.mlir` in the folder of a reproducer
    is such a module.
    """
    if (passes is None) == (command_line is None):
        raise click.UsageError("either --pass or --command says what fails", context)
    if command_line is not None and "{}" not in command_line:
        raise click.UsageError("--command needs {}, which stands for the file", context)
    if not output.endswith(".mlir"):
        raise click.UsageError(f"-o {output}: a text of the IR is written, whose name ends in .mlir", context)
    check_place(output)
    _reduce(module, output, _symptom(passes, command_line))


def _symptom(passes: str | None, command_line: str | None) -> Symptom:
    """What is looked for.

    Raises:
        ModelError: there is no such pass, or not with these options.
    """
    from pqc.passes.named import passes_named
    from pqc.reduction.failures import FailingCommand, FailingPasses

    return FailingPasses(passes_named(passes)) if passes is not None else FailingCommand(command_line or "")


def _reduce(path: Path, output: str, symptom: Symptom) -> None:
    from pathlib import Path

    from pqc.errors import ModelError
    from pqc.passes.text import load_module, save_module
    from pqc.reduction.reduce import Reducer

    module = load_module(path)
    try:
        reduced = Reducer(symptom, say).reduce(module)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error
    save_module(reduced.module, Path(output), f"reduced from {path.name}: {reduced.symptom}")
    say(f"{output}: {reduced.after} of {reduced.before} operations are left")
