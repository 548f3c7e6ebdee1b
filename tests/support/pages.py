"""Pages of the documentation, executed as they stand there.

* A block in `sh` or `python` is executed. The blocks of a page follow each other in one folder, and all its Python is
  one session.
* A block with a title, as in ```` ```toml title="mine.toml" ````, is written to the file of that name.
* A block in `text` right behind an executed one is what that prints, errors and talk of commands included. `…` stands
  for anything on a line, and a line with nothing else for any lines. Behind `<!-- numbers vary -->` numbers are only
  compared by where they stand: times, and what follows from sums that other processors round otherwise. Behind
  `<!-- rows vary -->` there may also be more or fewer lines below the first one, each like one that is shown.
* A block in `console` shows what is not for this computer, and is not executed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_BLOCK = re.compile(
    r"^(?:<!-- (?P<varies>numbers|rows) vary -->\n\n?)?"
    r'```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$',
    re.MULTILINE | re.DOTALL,
)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?")
_ANYTHING = "…"


@dataclass(frozen=True)
class Block:
    """A fenced block: the line that it begins on, its language, title and text, and what it must print if that is said.

    ``varies`` says what may differ: nothing, ``numbers``, or ``rows``.
    """

    line: int
    language: str
    title: str
    text: str
    printed: str | None = None
    varies: str = ""

    @property
    def executed(self) -> bool:
        """Whether it is a step of the page: something to execute, or a file to write."""
        return self.language in ("sh", "python") or bool(self.title)


def blocks(page: str) -> list[Block]:
    """The blocks of a page; what a block prints has become a part of it."""
    found: list[Block] = []
    end = -1
    for match in _BLOCK.finditer(page):
        line = page.count("\n", 0, match.start("text"))
        behind = found and found[-1].executed and not page[end : match.start()].strip()
        if match["language"] == "text" and not match["title"] and behind:
            before = found.pop()
            found.append(
                Block(before.line, before.language, before.title, before.text, match["text"], match["varies"] or "")
            )
        else:
            found.append(Block(line, match["language"], match["title"] or "", match["text"]))
        end = match.end()
    return found


def pages() -> Iterator[Path]:
    """All pages of the site that are text."""
    yield from sorted(DOCS.rglob("*.md"))


def environment(folder: Path) -> dict[str, str]:
    """An environment whose `python` and `pqc` are the ones under test; ``folder`` is made for them."""
    folder.mkdir()
    for name, arguments in (("python", ""), ("pqc", "-m pqc")):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        script.chmod(0o755)
    places = [str(folder), str(Path(sys.executable).parent), os.environ["PATH"]]
    paths = {"PATH": os.pathsep.join(places), "PYTHONPATH": str(ROOT)}
    return {**os.environ, **paths, "PYTHONDONTWRITEBYTECODE": "1"}


def check(page: Path, folder: Path, variables: dict[str, str]) -> None:
    """Execute a page in ``folder``, and compare what its steps print with what it says.

    Where the environment has PQC_UPDATE_PAGES, outputs that differ are written into the page instead, also those that
    may differ, but where something is left out of them.

    Raises:
        AssertionError: a step fails, or prints something else; with its line.
    """
    text = page.read_text(encoding="utf-8")
    steps = [block for block in blocks(text) if block.executed]
    name = str(page.relative_to(ROOT))
    update = "PQC_UPDATE_PAGES" in os.environ
    wrong: list[tuple[Block, str]] = []
    for step, printed in zip(steps, execute(name, steps, folder, variables), strict=True):
        said = step.printed
        exact = update and _ANYTHING not in (said or "")
        if said is not None and not agrees(said, printed, varies="" if exact else step.varies):
            wrong.append((step, printed))
    if not update:
        messages = [f"{name}:{step.line}: the page says\n{step.printed}\nprinted is\n{found}" for step, found in wrong]
        assert not wrong, "\n\n".join(messages)
    for step, printed in reversed(wrong):
        behind = text.split("\n", step.line)[-1]
        changed = behind.replace(f"```text\n{step.printed}```", f"```text\n{printed.rstrip()}\n```", 1)
        text = text.removesuffix(behind) + changed
        page.write_text(text, encoding="utf-8")


def execute(name: str, steps: Sequence[Block], folder: Path, variables: dict[str, str]) -> list[str]:
    """Execute the steps of the page ``name`` in ``folder``; what each one prints.

    Raises:
        AssertionError: a step fails; with its line.
    """
    session = Path(__file__).with_name("page_session.py")
    done = subprocess.run(
        [sys.executable, str(session), name],
        input=json.dumps([asdict(step) for step in steps]),
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def agrees(said: str, printed: str, *, varies: str = "") -> bool:
    """Whether a step printed what the page says; ``varies`` is as in :class:`Block`."""
    lines = [line.rstrip() for line in said.rstrip("\n").split("\n")]
    patterns = ["(?:.*\n)*" if line == _ANYTHING else _line_pattern(line, varies) for line in lines]
    pattern = "".join(patterns)
    if varies == "rows":
        pattern = f"{patterns[0]}(?:{'|'.join(dict.fromkeys(patterns[1:]))})*"
    text = "".join(f"{line.rstrip()}\n" for line in printed.rstrip("\n").split("\n"))
    return re.fullmatch(pattern, text) is not None


def _line_pattern(line: str, varies: str) -> str:
    spelled = _varying if varies else re.escape
    return ".*".join(spelled(part) for part in line.split(_ANYTHING)) + "\n"


def _varying(text: str) -> str:
    """A pattern for ``text`` with any numbers in place of its own; columns may be wider or narrower."""
    between = [re.sub(r"(?:\\ )+", r"\\s+", re.escape(part)) for part in _NUMBER.split(text)]
    return _NUMBER.pattern.join(between)
