"""The pages of the reference that are generated say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command_line import pqc

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"isa.md": "isa", "operations.md": "ops", "passes.md": "passes", "targets.md": "targets"}


@pytest.mark.parametrize(("page", "command"), PAGES.items())
def test_the_committed_page_is_up_to_date(page: str, command: str) -> None:
    printed = pqc(command, "--markdown").text
    assert (DOCS / page).read_text(encoding="utf-8") == printed, f"run: pqc {command} --markdown > docs/{page}"
