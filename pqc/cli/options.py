"""Options and arguments that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def preprocessing_options(command: Command) -> Command:
    """Add the options ``--mean`` and ``--std``, which go together."""
    command = click.option("--std", type=Numbers(), help="See --mean.")(command)
    return click.option(
        "--mean", type=Numbers(), help="Preprocessing: (image / 255 - mean) / std, a number per channel."
    )(command)


def check_preprocessing(context: click.Context, options: Mapping[str, Any]) -> None:
    """Refuse one of ``--mean`` and ``--std`` without the other."""
    if (options["mean"] is None) != (options["std"] is None):
        raise click.UsageError("--mean and --std go together", context)


def tune_option(command: Command) -> Command:
    """Add the option ``--tune``."""
    return click.option(
        "--tune",
        metavar="N",
        type=click.IntRange(0, 100_000),
        help="Steps of gradient descent on the prototypes.  [default: 200, fewer for large layers, 0 for few frames]",
    )(command)


def grouping_option(command: Command) -> Command:
    """Add the option ``--grouping``."""
    return click.option(
        "--grouping",
        type=click.Choice(["window", "channel"]),
        default="window",
        show_default=True,
        help="A subvector's elements: of one window, or channels at one pixel, which is then encoded only once.",
    )(command)


def codebooks_option(command: Command) -> Command:
    """Add the option ``--codebooks``."""
    return click.option(
        "--codebooks",
        type=click.Choice(["separate", "shared"]),
        default="separate",
        show_default=True,
        help="A codebook for every subspace, or one that all subspaces of a layer share.",
    )(command)


def fold_option(command: Command) -> Command:
    """Add the option ``--fold``."""
    return click.option(
        "--fold",
        type=click.Choice(["none", "proven", "calibrated"]),
        default="proven",
        show_default=True,
        help="Fold constant subspaces into the bias: proven ones, or also those with one code on all images.",
    )(command)


def metric_option(command: Command) -> Command:
    """Add the option ``--metric``."""
    return click.option(
        "--metric", type=click.Choice(["l2", "l1", "linf"]), default="l2", show_default=True, help="Distance."
    )(command)


LAYER_OPTIONS = (
    *("prototypes", "length", "grouping", "codebooks", "metric", "prototype_bits", "table_bits", "activation_bits"),
    *("include", "exclude"),
)
"""The parameters that :func:`pq_options` adds: which layers are product-quantized, and how."""


def pq_options(command: Command) -> Command:
    """Add the options that say which layers are product-quantized, and how."""
    bits = click.IntRange(2, 16)
    options: list[Callable[[Command], Command]] = [
        number_option("--prototypes", click.IntRange(2, 4096), 16, "Prototypes per codebook."),
        number_option("--length", click.IntRange(1), 9, "Elements of a subvector."),
        grouping_option,
        codebooks_option,
        metric_option,
        number_option("--prototype-bits", bits, 8, "Bits of a prototype element."),
        number_option("--table-bits", bits, 8, "Bits of a table entry."),
        number_option("--activation-bits", bits, 8, "Bits of an activation."),
        pattern_option("--include", "Nodes to product-quantize too, as in 'fc*'."),
        pattern_option("--exclude", "Nodes to keep conventional, as in 'layer1.*'."),
    ]
    # What is added last is listed first.
    for option in reversed(options):
        command = option(command)
    return command


def pattern_option(flag: str, text: str) -> Callable[[Command], Command]:
    """An option with a pattern over node names, which may be given several times."""
    return click.option(flag, metavar="PATTERN", multiple=True, help=text)


def json_option(command: Command) -> Command:
    """Add the option ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")(command)


def markdown_option(command: Command) -> Command:
    """Add the option ``--markdown``."""
    return click.option("--markdown", is_flag=True, help="Print Markdown instead of text.")(command)


def allow_host_option(command: Command) -> Command:
    """Add the option ``--allow-host``."""
    return click.option(
        "--allow-host", is_flag=True, help="Leave nodes that cannot be compiled to the host, and name them."
    )(command)


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
