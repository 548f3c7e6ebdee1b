"""The commands in README and four pages of docs work: blocks run one after the other, as a reader would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/scheduling.md", "docs/training.md", "docs/debugging.md", "docs/verification.md")
README = "\n".join((ROOT / name).read_text() for name in PAGES)
BLOCK = re.compile(r"^```(sh|python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the checkout to a reader: the examples, and a place for what the commands write."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "build").mkdir()
    return tmp_path


@pytest.fixture
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment whose `python` and `pqc` are the ones under test."""
    folder = tmp_path_factory.mktemp("bin")
    for name, arguments in (("python", ""), ("pqc", "-m pqc")):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n')
        script.chmod(0o755)
    paths = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    return {**os.environ, **paths, "PYTHONDONTWRITEBYTECODE": "1"}


def blocks(*languages: str) -> list[tuple[str, str]]:
    """The fenced blocks in these languages, as (language, text), in their order."""
    return [match for match in BLOCK.findall(README) if match[0] in languages]


@pytest.mark.e2e
@pytest.mark.slow
def test_commands_in_readme_run(checkout: Path, environment: dict[str, str]) -> None:
    for language, text in blocks("sh", "python"):
        command = ["bash", "-euo", "pipefail", "-c", text] if language == "sh" else [sys.executable, "-c", text]
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"


def test_readme_shows_only_targets_of_the_makefile() -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    shown = set(re.findall(r"^make ([a-z]+)", "".join(text for _, text in blocks("console")), re.MULTILINE))
    assert {"demo", "test"} <= shown <= known


def test_exit_codes_in_readme_are_those_of_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "pqc", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    shown = re.findall(r"^\| (\d+) \|", README, re.MULTILINE)
    assert shown == re.findall(r"^ +(\d+) +\S", done.stdout, re.MULTILINE)
