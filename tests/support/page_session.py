"""Executes the steps of a page: a list of blocks on standard input, what each printed on standard output, as JSON.

A process of its own, because a page may register passes, dialects and instructions.
"""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import types
from pathlib import Path
from typing import Any


def write(step: dict[str, Any]) -> str:
    """Write a block with a title to its file."""
    Path(step["title"]).write_text(step["text"], encoding="utf-8")
    return ""


def shell(page: str, step: dict[str, Any]) -> str:
    """Execute commands; the first one that fails ends the page."""
    command = ["bash", "-euo", "pipefail", "-c", step["text"]]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f"{page}:{step['line']}: exit code {done.returncode}\n{step['text']}\n{done.stdout}")
    return done.stdout


def python(page: str, step: dict[str, Any], names: dict[str, Any]) -> str:
    """Execute Python; the lines of a traceback are those of the page."""
    code = compile("\n" * step["line"] + step["text"], page, "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, names)
    return printed.getvalue()


def main() -> None:
    """Execute all steps of the page named on the command line."""
    page = sys.argv[1]
    sys.path.insert(0, "")
    session = types.ModuleType("page")
    sys.modules[session.__name__] = session
    printed: list[str] = []
    for step in json.load(sys.stdin):
        if step["title"]:
            printed.append(write(step))
        elif step["language"] == "sh":
            printed.append(shell(page, step))
        else:
            printed.append(python(page, step, vars(session)))
    json.dump(printed, sys.stdout)


if __name__ == "__main__":
    main()
