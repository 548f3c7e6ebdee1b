"""The demonstration succeeds, and the program is as accurate as is promised."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.e2e
@pytest.mark.slow
def test_demo(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / "digits" / "demo.py"), "--folder", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    accuracy = [float(share) for share in re.findall(r"^  \S.* (\d+\.\d+)%", done.stdout, re.MULTILINE)]
    exact, reference, machine = accuracy
    assert machine == reference
    assert machine >= 95
    assert machine >= exact - 2
    assert "encode, lookup" in done.stdout
    assert len(list((tmp_path / "ir").glob("*.mlir"))) >= 5
