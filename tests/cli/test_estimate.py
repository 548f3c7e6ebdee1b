"""`pqc estimate`: text and JSON say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.command_line import pqc, small_network
from support.onnx_models import save


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(small_network(), tmp_path)
    monkeypatch.chdir(tmp_path)


def text(*words: str) -> str:
    result = pqc("estimate", "model.onnx", *words)
    assert (result.code, result.talk) == (0, "")
    return result.text


def as_json(*words: str) -> Any:
    return json.loads(text(*words, "--json"))


def test_text_holds_the_figures() -> None:
    options = ("--prototypes", "8", "--target", "pqa-hbm", "--set", "lookup.output_lanes=4")
    figures, shown = as_json(*options), text(*options)
    (layer,) = figures["layers"]
    row = next(line.split() for line in shown.splitlines() if line.startswith("conv2 "))
    names = ("columns", "encoded", "subspaces", "prototypes", "length", "outputs", "init", "calc", "cycles")
    assert row == ["conv2", *(str(layer[name]) for name in names), layer["bound"], str(layer["dla_cycles"])]
    assert (layer["subspaces"], layer["columns"], layer["outputs"]) == (4, 64, 6)
    assert "target pqa-hbm: encode 16x16x16 lanes, lookup 16x4 lanes, 8,534 bits a cycle\n" in shown
    assert f"{figures['cycles']['paper_model_pq']} where every layer waits" in shown
    assert "conventional: conv1, fc\n" in shown
    for rule, designs in figures["areas"].items():
        rows = [line for line in shown.splitlines() if line.startswith(f"{rule} ")]
        assert len(rows) == len(designs) == 2
        for line, design in zip(rows, designs.values(), strict=True):
            assert f"{design['perf_per_area']:.2f}" in line


def test_grouping() -> None:
    (window,), (channel,) = (as_json("--length", "4", *words)["layers"] for words in ((), ("--grouping", "channel")))
    assert (window["grouping"], channel["grouping"]) == ("window", "channel")
    assert (channel["subspaces"], channel["codebooks"], channel["encoded"]) == (9, 1, 64)
    assert (window["subspaces"], window["codebooks"]) == (9, 9)


def test_nothing_to_quantize() -> None:
    assert text("--exclude", "*").endswith("\nno layer is product-quantized\n")
    assert as_json("--exclude", "*")["layers"] == []


def test_options_are_those_of_the_compiler() -> None:
    helps = [pqc(name, "--help").text for name in ("estimate", "compile")]
    flags = [{word for word in text.split() if word.startswith("--")} for text in helps]
    assert {"--prototypes", "--length", "--grouping", "--table-bits", "--include"} <= flags[0]
    assert flags[0] - flags[1] <= {"--json"}
