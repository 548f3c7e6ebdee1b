"""`pqc targets`: the accelerators that pqc knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import click

from pqc.cli.options import json_option
from pqc.cli.output import show, show_json, text_table

if TYPE_CHECKING:
    from pqc.planning.target import Target


@click.command("targets")
@click.option("--show", "shown", metavar="NAME|FILE", help="Print every key of one target, as a TOML file.")
@json_option
def command(shown: str | None, as_json: bool) -> None:
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
    header = ("name", "encode lanes", "lookup lanes", "conventional", "buffers KiB", "DRAM GB/s", "fingerprint")
    return show(text_table(header, [_row(target) for target in targets]))


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


def to_toml(target: Target) -> str:
    """The target as the text of a TOML file."""
    import json

    top: list[str] = []
    sections: list[str] = []
    for key, value in target.as_dict().items():
        if isinstance(value, dict):
            keys = cast("dict[str, Any]", value)
            sections += ["", f"[{key}]", *(f"{name} = {json.dumps(inner)}" for name, inner in keys.items())]
        else:
            top.append(f"{key} = {json.dumps(value)}")
    return "\n".join([*top, *sections])
