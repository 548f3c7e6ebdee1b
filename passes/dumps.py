"""Numbered files of the IR, one for each pass that changed something, each with the command that reproduces it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp

from pqc.passes.pipeline import Step
from pqc.passes.text import save_module

IMPORTED = "00-import.mlir"
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

    def after(self, step: Step, module: ModuleOp) -> None:
        """Write the IR after ``step`` if it changed anything."""
        if not step.changed:
            return
        name = f"{step.number:02d}-{step.name}.mlir"
        command = f"pqc opt {self.previous} -p '{step.description}' --print-debuginfo"
        header = f"pqc {self.version}: {self.model} after pass {step.name}\n{command}\npqc compile {name} -o PROGRAM"
        save_module(module, self.folder / name, header)
        self.previous = name
