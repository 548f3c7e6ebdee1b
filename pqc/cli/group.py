"""The command group: sub-commands are imported on use, so that `pqc --help` costs nothing."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click


@dataclass
class Settings:
    """What holds for every command; filled while the command line is read."""

    debug: bool = False


def _remember_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Settings).debug = True


def debug_option() -> click.Option:
    """The option ``--debug``, which every command takes: errors come with a traceback."""
    return click.Option(
        ["--debug"],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_remember_debug,
        help="Show the traceback of an error.",
    )


class LazyGroup(click.Group):
    """A group whose sub-command NAME is the object ``command`` of the module ``PACKAGE.NAME``."""

    def __init__(self, *, package: str, summaries: Mapping[str, str], **settings: Any) -> None:
        """Make the group.

        Args:
            package: where the modules of the sub-commands are.
            summaries: one line for each sub-command, in the order in which they are listed.
            settings: what `click.Group` takes.
        """
        super().__init__(**settings)
        self.package = package
        self.summaries = dict(summaries)
        self.params.append(debug_option())

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the sub-commands; nothing is imported."""
        del ctx
        return list(self.summaries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one sub-command; None if there is none of that name."""
        del ctx
        if cmd_name not in self.summaries:
            return None
        command: click.Command = importlib.import_module(f"{self.package}.{cmd_name}").command
        if not any(parameter.name == "debug" for parameter in command.params):
            command.params.append(debug_option())
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the sub-commands from their summaries; nothing is imported."""
        del ctx
        rows: Sequence[tuple[str, str]] = list(self.summaries.items())
        with formatter.section("Commands"):
            formatter.write_dl(rows)
