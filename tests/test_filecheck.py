"""Every test that is written as IR; `support/filecheck.py` says how they are written."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.blobs import FOLDER, TABLES
from support.filecheck import Run, runs

from pqc.dialects.blob import FOLDER as BLOBS
from pqc.dialects.blob import BlobStore

ROOT = Path(__file__).parent / "filecheck"


def collected() -> list[object]:
    """One case for each line `// RUN:`."""
    return [
        pytest.param(run, id=f"{path.relative_to(ROOT).with_suffix('')}-{index}")
        for path in sorted(ROOT.rglob("*.mlir"))
        for index, run in enumerate(runs(path))
    ]


@pytest.mark.parametrize("run", collected())
def test_ir(run: Run) -> None:
    run.check()


@pytest.mark.parametrize("area", TABLES)
def test_constants_are_those_that_are_declared(area: str) -> None:
    written = {path.stem for path in (FOLDER / area / BLOBS).glob("*")}
    assert written == {BlobStore.put(array) for array in TABLES[area].values()}


@pytest.mark.parametrize(
    "line",
    ["pqc opt %s", "filecheck %s", "xdsl-opt %s | filecheck %s", "pqc opt %s | filecheck", "not opt %s | filecheck %s"],
)
def test_lines_that_cannot_be_executed_are_refused(line: str, tmp_path: Path) -> None:
    path = tmp_path / "case.mlir"
    path.write_text(f"// RUN: {line}\n")
    with pytest.raises(ValueError, match=r"pqc|filecheck"):
        runs(path)


def test_a_file_without_commands_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "case.mlir"
    path.write_text("builtin.module {}\n")
    with pytest.raises(ValueError, match="has no line"):
        runs(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("pqc opt %s | filecheck %s", "func.func @other"),
        ("not pqc opt %s | filecheck %s", "exits with 0"),
        ("pqc opt %s -p no-such-pass | filecheck %s", "exits with 1"),
        ("not pqc compile --no-such-option %s 2>&1 | filecheck %s", "exits with 2"),
    ],
)
def test_what_differs_fails(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "case.mlir"
    path.write_text(f"// RUN: {line}\n// CHECK: func.func @other\nfunc.func private @f()\n")
    (run,) = runs(path)
    with pytest.raises(AssertionError, match=message):
        run.check()
