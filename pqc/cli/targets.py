"""`pqc targets`: the accelerators that pqc knows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import click

from pqc.cli.options import json_option, markdown_option
from pqc.cli.output import markdown_prose, markdown_table, show, show_json, text_table

if TYPE_CHECKING:
    from pqc.planning.target import Target


_HEADER = ("name", "encode lanes", "lookup lanes", "conventional", "buffers KiB", "DRAM GB/s", "fingerprint")


@click.command("targets")
@click.option("--show", "shown", metavar="NAME|FILE", help="Print every key of one target, as a TOML file.")
@markdown_option
@json_option
def command(shown: str | None, markdown: bool, as_json: bool) -> None:
    """List the installed targets, or show one.

    What --show prints is a target file: save it, change it, and give its path to `pqc compile --target`.
    """
    from pqc.planning.target import list_targets, load_target

    if shown is not None:
        target = load_target(shown)
        return show_json(_describe(target)) if as_json else show(to_toml(target))
    targets = [load_target(name) for name in list_targets()]
    if as_json:
        return show_json([_describe(target) for target in targets])
    return show(_page(targets) if markdown else text_table(_HEADER, [_row(target) for target in targets]))


def _describe(target: Target) -> dict[str, Any]:
    return {**target.as_dict(), "fingerprint": target.fingerprint()}


def _row(target: Target) -> tuple[str, ...]:
    encode, lookup, conventional, buffers = target.encode, target.lookup, target.conventional, target.buffers
    sizes = (buffers.activation, buffers.codebook, buffers.table, buffers.accumulator)
    return (
        target.name,
        f"{encode.subspace_lanes}x{encode.prototype_lanes}x{encode.length_lanes}",
        f"{lookup.subspace_lanes}x{lookup.output_lanes}",
        f"{conventional.input_lanes}x{conventional.output_lanes}" if conventional.present else "none",
        "/".join(f"{size:g}" for size in sizes),
        f"{target.dram.bandwidth_gb_s:g}",
        target.fingerprint()[:12],
    )


def _page(targets: Sequence[Target]) -> str:
    """The page docs/targets.md: the installed targets, then every key."""
    from pqc.planning.target import described_sections, load_target

    parts = [
        "# Targets",
        "Generated from the code (`pqc targets --markdown`); do not edit.",
        "A target is a TOML file. `--target` takes the name of an installed one or the path of a file, `--set` changes "
        "a key. [Add a target](adding/target.md) shows how to write one.",
        "## Installed targets",
        "Lanes of the encode unit are subspaces x prototypes x length, of the lookup unit subspaces x outputs, of the "
        "conventional unit inputs x outputs. Buffers are those of activations, codebooks, tables and accumulators.",
        markdown_table(_HEADER, [_row(target) for target in targets]),
        "## Keys",
        '`inherits = "NAME"`, the name of an installed target or the path of a file, stands for all keys of that '
        "target but its name. Without it every key must be there. Unknown keys are refused.",
    ]
    example = load_target("pqa").as_dict()
    for section in described_sections():
        values = example[section.name] if section.name else example
        rows = [(key, allowed, json.dumps(values[key])) for key, allowed in section.allowed.items()]
        parts += [f"### {section.name or 'Top level'}", markdown_prose(section.doc)]
        parts.append(markdown_table(("key", "allowed", "of `pqa`"), rows))
    return "\n\n".join(parts)


def to_toml(target: Target) -> str:
    """The target as the text of a TOML file."""
    top: list[str] = []
    sections: list[str] = []
    for key, value in target.as_dict().items():
        if isinstance(value, dict):
            keys = cast("dict[str, Any]", value)
            sections += ["", f"[{key}]", *(f"{name} = {json.dumps(inner)}" for name, inner in keys.items())]
        else:
            top.append(f"{key} = {json.dumps(value)}")
    return "\n".join([*top, *sections])
