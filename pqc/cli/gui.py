"""`pqc gui`: apply passes to a text of the intermediate representation, and watch it change."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

from pqc.cli.options import FilePath
from pqc.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = ("textual", "pyclip")
"""What xDSL's pass browser is made of."""


@click.command("gui")
@click.argument("module", metavar="FILE.mlir", type=FilePath())
@click.option("-p", "--passes", metavar="PASS[,PASS...]", help="Passes to begin with, as in `pqc opt -p`.")
def command(module: Path, passes: str | None) -> None:
    """Apply passes to a text of the intermediate representation, and watch it change.

    This is the pass browser of xDSL with our dialects and passes: the text on the left, which can be edited, what the
    chosen passes make of it on the right, all passes above. It needs the extra `gui`.
    """
    missing = [name for name in PACKAGES if find_spec(name) is None]
    if missing:
        raise ModelError(f"pqc gui needs {' and '.join(missing)}, not installed here: pip install 'pqc[gui]'")
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise ModelError("pqc gui needs a terminal; pqc opt applies passes without one")
    from pqc.cli.pass_browser import PassBrowser

    PassBrowser(module, passes).run()
