"""`pqc asm`: from assembly text to a program file."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pqc.cli.output import STANDARD, write
from pqc.errors import ModelError


@click.command("asm")
@click.argument("source", metavar="FILE|-")
@click.option("-o", "output", metavar="PROGRAM", required=True, help="The file to write; - is standard output.")
def command(source: str, output: str) -> None:
    """Turn assembly text into a program file.

    The text is that of `pqc disasm`; - reads standard input.
    """
    from pqc.isa.assembler import assemble

    program = assemble(_read(source), "standard input" if source == STANDARD else source)
    write(output, program.to_bytes())


def _read(source: str) -> str:
    try:
        data: bytes = sys.stdin.buffer.read() if source == STANDARD else Path(source).read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{source}: no such file") from None
    except OSError as error:
        raise ModelError(f"{source}: cannot be read: {error.strerror}") from None
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ModelError(f"{source}: not assembly text: not UTF-8") from None
