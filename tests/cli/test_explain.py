"""`pqc explain`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.command_line import pqc, small_network

from pqc.isa.program import load_program


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "m.onnx").write_bytes(small_network().SerializeToString())
    monkeypatch.chdir(tmp_path)


def explained(node: str) -> dict[str, Any]:
    result = pqc("explain", "m.onnx", "--tune", "0", "--node", node, "--json")
    assert result.code == 0, result.talk
    return json.loads(result.text)


def test_a_node_from_the_model_to_its_instructions() -> None:
    found = explained("conv2")
    steps = {step["pass"]: step for step in found["steps"]}
    assert next(iter(steps)) == "import"
    assert [line.split(" = ")[1].split()[0] for line in steps["import"]["text"]][-1] == "onnx.conv"
    assert any(line.startswith("+") and "low 0" in line for line in steps["fuse-epilogue"]["diff"])
    assert any("pq.encode" in line for line in steps["quantize"]["diff"])
    assert any("pqa.lookup" in line for line in steps["lower-to-pqa"]["text"])
    assert pqc("compile", "m.onnx", "--tune", "0", "-o", "p.bin").code == 0
    program = load_program(Path("p.bin"))
    numbers = [index for index, node in enumerate(program.nodes) if node == "conv2"]
    assert [int(line.split(":")[0]) for line in found["instructions"]] == numbers
    assert found["report"]["node"] == "conv2"
    assert found["regions"]


def test_a_node_whose_work_another_one_does() -> None:
    found = explained("relu1")
    assert found["instructions"] == []
    assert found["report"] is None
    assert any("low 0" in line for line in found["steps"][1]["text"])


def test_text_for_a_person() -> None:
    result = pqc("explain", "m.onnx", "--tune", "0", "--node", "fc")
    assert result.code == 0, result.talk
    lines = result.text.splitlines()
    assert lines[0] == "node 'fc' as it was imported"
    assert "pass quantize" in lines
    assert "figures of a frame" in lines
    assert "  runs_on: conventional" in lines


def test_a_node_that_there_is_not() -> None:
    result = pqc("explain", "m.onnx", "--node", "conv3")
    assert result.code == 1
    assert "m.onnx: there is no node 'conv3'; near that are 'conv" in result.talk
