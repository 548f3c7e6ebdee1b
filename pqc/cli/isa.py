"""`pqc isa`: the manual of the instruction set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from pqc.cli.options import json_option, markdown_option
from pqc.cli.output import show, show_json, text_table

if TYPE_CHECKING:
    from pqc.isa.instructions import Instruction


@click.command("isa")
@markdown_option
@json_option
def command(markdown: bool, as_json: bool) -> None:
    """Print the manual of the instruction set.

    Without an option: a list of the instructions. --markdown prints the whole manual, the file docs/isa.md.
    """
    from pqc.isa import manual
    from pqc.isa.instructions import Instruction

    if markdown:
        return show(manual.markdown())
    kinds = sorted(Instruction.registry.values(), key=lambda kind: kind.opcode)
    if as_json:
        return show_json([_describe(kind) for kind in kinds])
    rows = [(f"{kind.opcode:#04x}", kind.mnemonic, kind.unit.name.lower(), _first_line(kind)) for kind in kinds]
    return show(text_table(("opcode", "instruction", "unit", "what it does"), rows))


def _first_line(kind: type[Instruction]) -> str:
    return (kind.__doc__ or "").strip().partition("\n")[0]


def _describe(kind: type[Instruction]) -> dict[str, Any]:
    fields = [
        {"name": name, "low": field.low, "high": field.high, "type": field.bits.spelling, "doc": field.bits.doc}
        for name, field in {**kind.header, **kind.fields}.items()
    ]
    return {
        "opcode": kind.opcode,
        "mnemonic": kind.mnemonic,
        "unit": kind.unit.name.lower(),
        "doc": _first_line(kind),
        "fields": fields,
    }
