"""Notebooks execute, every cell prints what is stored with it, and the site shows that."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.pages import DOCS, ROOT, agrees

NOTEBOOKS = sorted(DOCS.rglob("*.ipynb"))


def executed(notebook: Path, folder: Path) -> dict[str, Any]:
    """The notebook with what its cells print now; whatever Jupyter keeps goes into ``folder``."""
    kept = {name: str(folder / name) for name in ("JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")}
    done = subprocess.run(
        [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--stdout", str(notebook)],
        cwd=folder,
        env={**os.environ, **kept, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def printed(cell: dict[str, Any]) -> str:
    """What a cell printed; it may do nothing else."""
    assert all((output["output_type"], output["name"]) == ("stream", "stdout") for output in cell["outputs"])
    return "".join("".join(output["text"]) for output in cell["outputs"])


def stored(notebook: dict[str, Any]) -> str:
    """The text of a notebook without what differs from one execution to the next."""
    kept = {name: notebook[name] for name in ("nbformat", "nbformat_minor")}
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    cells = [
        {
            **{name: cell[name] for name in ("cell_type", "id", "source")},
            "metadata": dict[str, Any](),
            **_results(cell),
        }
        for cell in notebook["cells"]
    ]
    return json.dumps({"cells": cells, "metadata": metadata, **kept}, indent=1, ensure_ascii=False) + "\n"


def _results(cell: dict[str, Any]) -> dict[str, Any]:
    """What a code cell has and a text has not."""
    if cell["cell_type"] != "code":
        return {}
    lines = printed(cell).splitlines(keepends=True)
    outputs: list[dict[str, Any]] = [{"name": "stdout", "output_type": "stream", "text": lines}] if lines else []
    return {"execution_count": None, "outputs": outputs}


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.name for path in NOTEBOOKS])
def test_notebook_prints_what_is_stored(path: Path, tmp_path: Path) -> None:
    said, found = json.loads(path.read_text(encoding="utf-8")), executed(path, tmp_path)
    if "PQC_UPDATE_PAGES" in os.environ:
        path.write_text(stored(found), encoding="utf-8")
        return
    for before, after in zip(code_cells(said), code_cells(found), strict=True):
        assert agrees(printed(before), printed(after), varies="numbers"), printed(after)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.name for path in NOTEBOOKS])
def test_notebook_is_stored_with_outputs_and_nothing_else(path: Path) -> None:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert path.read_text(encoding="utf-8") == stored(notebook)
    assert any(printed(cell) for cell in code_cells(notebook))
