"""`pqc report`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command_line import classifier, pqc

from pqc.cli import report
from pqc.isa.program import save_program
from pqc.report.report import build_report


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save_program(classifier(), "p.bin")
    return tmp_path


def test_text_and_json_say_the_same() -> None:
    as_json = pqc("report", "p.bin", "--json")
    report = json.loads(as_json.text)
    assert report == build_report(classifier())
    text = pqc("report", "p.bin").text
    assert f"{report['cycles']['steady_state']:,} cycles a frame in the steady state" in text
    assert f"{report['cycles']['latency']:,} cycles from cold" in text
    for title in ("Critical path of a frame", "Units, cycles a frame", "Layers, cycles a frame", "Memory, bytes"):
        assert f"\n\n{title}\n" in text
    for layer in report["layers"]:
        assert f"\n{layer['node']} " in text


def test_into_files() -> None:
    result = pqc("report", "p.bin", "-o", "r.txt", "--trace", "t.json")
    assert (result.code, result.output, result.talk) == (0, b"", "")
    assert Path("r.txt").read_text() == pqc("report", "p.bin").text
    assert pqc("report", "p.bin", "--json", "-o", "r.json").code == 0
    assert json.loads(Path("r.json").read_text()) == json.loads(pqc("report", "p.bin", "--json").text)
    assert json.loads(Path("t.json").read_text())["traceEvents"]


def test_a_page() -> None:
    assert pqc("report", "p.bin", "-o", "r.html").code == 0
    page = Path("r.html").read_text()
    assert page.startswith("<!doctype html>")
    for layer in build_report(classifier())["layers"]:
        assert f'<article data-node="{layer["node"]}"' in page


def test_a_page_is_no_json() -> None:
    result = pqc("report", "p.bin", "-o", "r.html", "--json")
    assert result.code == 2
    assert "exclude each other" in result.talk
    assert not Path("r.html").exists()


def test_a_page_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> object:
        return None if name == "bokeh" else name

    monkeypatch.setattr(report, "find_spec", found)
    result = pqc("report", "p.bin", "-o", "r.html")
    assert result.code == 1
    assert result.talk == ("error: r.html: a page needs bokeh, which is not installed: pip install 'pqc[report]'\n")
