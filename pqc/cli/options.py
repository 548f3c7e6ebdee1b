"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

DEFAULT_TARGET = "pqa"
"""The target that is compiled for where none is named."""

Command = TypeVar("Command", bound=Callable[..., Any])


class FilePath(click.ParamType[Path]):
    """A path. Whether there is such a file is not a question of the command line: whoever opens it says so."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path that was typed."""
        del param, ctx
        return Path(value)


class Numbers(click.ParamType[tuple[float, ...]]):
    """Real numbers with commas between them: ``0.485,0.456,0.406``."""

    name = "a,b,c"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """The numbers that were typed."""
        try:
            return tuple(float(number) for number in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} are not numbers with commas between them", param, ctx)


def number_option(flag: str, allowed: click.IntRange, default: int, text: str) -> Callable[[Command], Command]:
    """An option with a whole number."""
    return click.option(flag, metavar="N", type=allowed, default=default, show_default=True, help=text)


def json_option(command: Command) -> Command:
    """Add the option ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


def markdown_option(command: Command) -> Command:
    """Add the option ``--markdown``."""
    return click.option("--markdown", is_flag=True, help="Print Markdown instead of text.")(command)


def program_argument(command: Command) -> Command:
    """Add the argument that names a program file."""
    return click.argument("program_path", metavar="PROGRAM", type=FilePath())(command)


def target_options(command: Command) -> Command:
    """Add the options that choose and change a target."""
    command = click.option(
        "--set",
        "overrides",
        metavar="KEY=VALUE",
        multiple=True,
        help="Change one key of the target, as in encode.subspace_lanes=32; may be given several times.",
    )(command)
    return click.option(
        "--target",
        "target_name",
        metavar="NAME|FILE",
        help=f"An installed target (see `pqc targets`) or a TOML file.  [default: {DEFAULT_TARGET}]",
    )(command)
