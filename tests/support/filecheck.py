"""Tests written as IR: the lines `// RUN:` of a file say what to execute, its lines `// CHECK:` what must come out.

    // RUN: pqc opt %s -p dce --split-input-file | filecheck %s
    // RUN: pqc opt %s | pqc opt | filecheck %s --check-prefix=AGAIN
    // RUN: not pqc opt %s -p no-such-pass 2>&1 | filecheck %s --check-prefix=REFUSED

`%s` is the file itself. A pipeline is one or more `pqc` commands, each reading what the one before printed, and a
`filecheck` with at most one `--check-prefix`. `not` says that the command must fail with an exit code that belongs to
bad input, and `2>&1` that its messages are checked too. All commands run in this process, through the command line's
own entry point; the lines also work with lit.

Cases of one file are separated by `// -----` (with `--split-input-file`); to refuse one case after the other in one
command, use `--verify-diagnostics --parsing-diagnostics`: every message is printed where the case's IR would be.

Constants are read from the folder `blobs` beside the file. They are small arrays that `tests/support/blobs.py` declares
by name; execute it to write them and to see the digest of each.
"""

from __future__ import annotations

import contextlib
import io
import shlex
from dataclasses import dataclass
from pathlib import Path

from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import Options
from filecheck.parser import Parser, pattern_for_opts
from support.command_line import pqc

MARK = "// RUN:"

REFUSED = (1, 3, 4)
"""The exit codes of bad input: neither a wrong command line nor a fault of pqc."""


@dataclass(frozen=True)
class Command:
    """One `pqc` of a pipeline: its words, whether it must fail, and whether its messages are checked."""

    words: tuple[str, ...]
    refused: bool
    messages: bool

    @staticmethod
    def of(text: str) -> Command:
        """Read ``[not] pqc words... [2>&1]``."""
        words = shlex.split(text)
        refused, messages = words[0] == "not", words[-1] == "2>&1"
        words = words[int(refused) : len(words) - int(messages)]
        if words[0] != "pqc":
            raise ValueError(f"{text!r} is no command of pqc")
        return Command(tuple(words[1:]), refused, messages)

    def execute(self, stdin: str) -> str:
        """What it prints."""
        result = pqc(*self.words, stdin=stdin.encode())
        as_expected = result.code in REFUSED if self.refused else result.code == 0
        assert as_expected, f"pqc {shlex.join(self.words)} exits with {result.code}\n{result.talk}{result.text}"
        return result.text + result.talk if self.messages else result.text


@dataclass(frozen=True)
class Run:
    """One line `// RUN:`."""

    path: Path
    commands: tuple[Command, ...]
    prefix: str

    @staticmethod
    def of(path: Path, text: str) -> Run:
        """Read the commands behind the mark."""
        *commands, check = (part.strip() for part in text.split(" | "))
        words = shlex.split(check)
        if words[:2] != ["filecheck", "%s"] or not commands:
            raise ValueError(f"{path}: {text!r} does not end in `| filecheck %s`")
        prefix = words[2].removeprefix("--check-prefix=") if words[2:] else "CHECK"
        return Run(
            path, tuple(Command.of(command.replace("%s", shlex.quote(str(path)))) for command in commands), prefix
        )

    def check(self) -> None:
        """Execute the pipeline and compare; AssertionError says what differs."""
        text = ""
        for command in self.commands:
            text = command.execute(text)
        options = Options(match_filename=str(self.path), check_prefixes=[self.prefix])
        with self.path.open() as checks, contextlib.redirect_stderr(io.StringIO()) as talk:
            code = Matcher(options, FInput("<output>", text), Parser(options, checks, *pattern_for_opts(options))).run()
        assert code == 0, f"{talk.getvalue()}\n{text}"


def runs(path: Path) -> list[Run]:
    """Every line `// RUN:` of a file.

    Raises:
        ValueError: a line that cannot be read, or none at all.
    """
    lines = [line.partition(MARK)[2].strip() for line in path.read_text().splitlines() if line.startswith(MARK)]
    if not lines:
        raise ValueError(f"{path} has no line {MARK!r}")
    return [Run.of(path, line) for line in lines]
