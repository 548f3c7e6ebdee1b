"""Numbered files of the IR, one for each pass that changed something, each with the command that reproduces it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from pqc.passes.phases import IMPORT, dump_name
from pqc.passes.pipeline import Step
from pqc.passes.text import save_module

IMPORTED = dump_name(IMPORT)
"""The file that holds the IR before the first pass."""


@dataclass
class Dumps:
    """A folder of dumps; ``version`` and ``model`` stand in their headers, ``previous`` is the file before the next."""

    folder: Path
    version: str
    model: str
    previous: str = IMPORTED

    def imported(self, module: ModuleOp) -> None:
        """Write the IR before the first pass."""
        save_module(module, self.folder / IMPORTED, f"pqc {self.version}: {self.model} as it was imported")

    def forget(self, passes: Sequence[ModulePass]) -> None:
        """Remove what an earlier compilation wrote behind passes that are to be applied now.

        Whatever it was that they changed then, a dump that stays would be taken for one of this compilation.
        """
        for step in passes:
            (self.folder / dump_name(step.name)).unlink(missing_ok=True)

    def after(self, step: Step, module: ModuleOp) -> None:
        """Write the IR after ``step`` if it changed anything."""
        if not step.changed:
            return
        name = dump_name(step.name)
        command = f"pqc opt {self.previous} -p '{step.description}' --print-debuginfo"
        header = f"pqc {self.version}: {self.model} after pass {step.name}\n{command}\npqc compile {name} -o PROGRAM"
        save_module(module, self.folder / name, header)
        self.previous = name
