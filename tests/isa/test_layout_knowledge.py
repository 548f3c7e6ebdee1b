"""The word layout is known in one place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ISA = Path(__file__).parents[2] / "pqc" / "isa"
KNOWS_THE_LAYOUT = "fields.py"


@pytest.mark.parametrize(
    "path", sorted(path for path in ISA.glob("*.py") if path.name != KNOWS_THE_LAYOUT), ids=lambda path: path.name
)
def test_no_other_module_moves_bits_of_a_word(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert not re.search(r"int\.from_bytes|\.to_bytes\([^)]|<<= |>>= |\.low\b.*<<|<<.*\.low\b", source)
