"""What is looked for in smaller modules: that passes, or a command, fail on them as they fail on the whole one."""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Protocol

from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from pqc.dialects.registry import make_context
from pqc.passes.pipeline import run_pipeline
from pqc.passes.text import save_module

CHANGING = re.compile(r"'[^']*'|\"[^\"]*\"|[%@#!][\w.$]+|<.*>|-?\d[\d.e+-]*")
"""What a message says of one module alone: names, values, types and numbers."""


class Symptom(Protocol):
    """How something fails for a module."""

    def of(self, module: ModuleOp) -> str | None:
        """In words, which are the same where it fails in the same way; None where it does not fail."""
        ...


@dataclass
class _Noted:
    """An error of any kind that ends the block is noted, and goes no further: it is what is looked for."""

    error: Exception | None = field(default=None, init=False)

    def __enter__(self) -> _Noted:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(error, Exception):
            return False
        self.error = error
        return True


@dataclass(frozen=True)
class FailingPasses:
    """An error of passes: its kind, and its message but for what names and counts."""

    passes: Sequence[ModulePass]

    def of(self, module: ModuleOp) -> str | None:
        """The error, None if the passes can be applied."""
        with _Noted() as noted:
            run_pipeline(make_context(), module.clone(), self.passes)
        if noted.error is None:
            return None
        # xDSL adds the whole text of the IR behind the first line of what is wrong
        first = next(iter(str(noted.error).strip().splitlines()), "")
        return f"{type(noted.error).__name__}: {CHANGING.sub('…', first)}"


@dataclass(frozen=True)
class FailingCommand:
    """The exit code of a shell command, in which ``{}`` stands for the file with the module."""

    command: str

    def of(self, module: ModuleOp) -> str | None:
        """The exit code, None for success."""
        with tempfile.TemporaryDirectory(prefix="pqc-reduce-") as folder:
            path = Path(folder) / "reduced.mlir"
            save_module(module, path, "a part of the module that is reduced")
            line = self.command.replace("{}", shlex.quote(str(path)))
            code = subprocess.run(line, shell=True, capture_output=True, check=False).returncode
        return f"exit code {code}" if code else None
