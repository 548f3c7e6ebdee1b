"""The commands in README work: blocks run one after the other, as a reader would run them. tests/docs has the pages."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.pages import blocks, environment, execute

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like the checkout to a reader: the examples, and a place for what the commands write."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "build").mkdir()
    return tmp_path


@pytest.mark.e2e
@pytest.mark.slow
def test_commands_in_readme_run(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    steps = [block for block in blocks(README) if block.executed]
    assert len(steps) > 10
    execute("README.md", steps, checkout, environment(tmp_path_factory.mktemp("environment") / "bin"))


def test_readme_shows_only_targets_of_the_makefile() -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = "".join(block.text for block in blocks(README) if block.language == "console")
    shown = set(re.findall(r"^make ([a-z]+)", commands, re.MULTILINE))
    assert {"demo", "test"} <= shown <= known


def test_exit_codes_in_readme_are_those_of_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "pqc", "--help"], cwd=ROOT, capture_output=True, text=True, check=True)
    shown = re.findall(r"^\| (\d+) \|", README, re.MULTILINE)
    assert shown == re.findall(r"^ +(\d+) +\S", done.stdout, re.MULTILINE)
