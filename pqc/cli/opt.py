"""`pqc opt`: passes over a text of the intermediate representation, as in `xdsl-opt`."""

from __future__ import annotations

import click


@click.command(
    "opt",
    # Everything but --debug is for the tool underneath, --help included.
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """Apply passes to a text of the intermediate representation.

    `pqc opt FILE.mlir -p PASS,PASS{option=value}`; `pqc opt --help` lists the options and `pqc passes` the passes. The
    constants are read from the folder `blobs` beside the file, and with `-o FILE` written to the one beside that file.
    `pqc compile` goes on behind the last pass of the pipeline that was applied; with --print-debuginfo the text keeps
    the names of the nodes.
    """
    from pqc.cli.opt_tool import run_opt

    run_opt(arguments)
