"""Every way pqc can refuse, with the exit code a shell sees (README, "Exit codes")."""

from __future__ import annotations


class PqcError(Exception):
    """A refusal in one sentence: names the file, node or field, what was found and what is allowed."""

    exit_code = 1


class ModelError(PqcError):
    """The model, its data, the target or the options are at fault."""


class ComparisonError(PqcError):
    """Two results that should agree do not."""

    exit_code = 3


class ProgramError(PqcError):
    """Not a valid program file, a version mismatch, or a program that breaks the machine's rules."""

    exit_code = 4


class InternalError(PqcError):
    """A fault of pqc itself; ``ir`` is the text of the IR before what failed, where there is one."""

    exit_code = 70

    def __init__(self, message: str, ir: str | None = None) -> None:
        super().__init__(message)
        self.ir = ir
