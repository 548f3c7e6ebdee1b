"""`pqc disasm`: from a program file to assembly text."""

from __future__ import annotations

from pathlib import Path

import click

from pqc.cli.options import program_argument
from pqc.cli.output import STANDARD, write


@click.command("disasm")
@program_argument
@click.option("-o", "output", metavar="FILE", default=STANDARD, help="Where to write the text.  [default: -]")
@click.option("--no-constants", is_flag=True, help="Leave the bytes of the constants out; pqc asm refuses such a text.")
def command(program_path: Path, output: str, no_constants: bool) -> None:
    """Turn a program file into assembly text.

    The text says everything that is in the file: `pqc disasm p.bin | pqc asm - -o q.bin` gives the same bytes.
    """
    from pqc.isa.disassembler import disassemble
    from pqc.isa.program import load_program

    write(output, disassemble(load_program(program_path), constants=not no_constants).encode())
