"""What differs between two programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command_line import classifier, pqc
from support.levels import compile_network
from support.network import residual_network

from pqc.isa.program import Program, save_program
from pqc.passes.options import PqOptions
from pqc.report.program_diff import flat, instruction_diff, program_diff


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> list[Program]:
    """The same network with 4 and with 8 prototypes."""
    return [
        compile_network(
            residual_network(), tmp_path_factory.mktemp("diff"), options=PqOptions(prototypes=number, tune=0)
        ).program
        for number in (4, 8)
    ]


def test_a_program_does_not_differ_from_itself() -> None:
    program = classifier()
    count = len(program.instructions)
    found = program_diff(program, program)
    assert found["target"] == found["figures"] == found["layers"] == []
    assert found["instructions"] == {"same": count, "removed": 0, "added": 0}
    assert instruction_diff(program, program, ("a", "b")) == []


def test_only_the_layer_that_changed_differs(programs: list[Program]) -> None:
    found = program_diff(*programs)
    assert [layer["node"] for layer in found["layers"]] == ["conv2"]
    changes = {change["name"]: (change["before"], change["after"]) for change in found["layers"][0]["changes"]}
    assert changes["prototypes"] == (4, 8)
    assert changes["dram_bytes"][0] < changes["dram_bytes"][1]
    assert {change["name"] for change in found["figures"]} >= {"constants_bytes", "dram_bytes_a_frame"}
    assert found["target"] == []
    assert found["instructions"]["removed"] == found["instructions"]["added"] > 0


def test_instructions_are_shown_with_their_node(programs: list[Program]) -> None:
    lines = instruction_diff(programs[0], programs[1], ("a", "b"))
    assert lines[:2] == ["--- a", "+++ b"]
    changed = [line for line in lines[2:] if line[0] in "+-"]
    assert any(line.startswith("+conv2: encode") and "prototypes=8" in line for line in changed)


def test_nested_keys_have_dots_between_them() -> None:
    assert flat({"a": {"b": 1, "c": {"d": 2}}, "e": 3}) == {"a.b": 1, "a.c.d": 2, "e": 3}


def test_the_command_shows_tables_and_json(programs: list[Program], tmp_path: Path) -> None:
    for name, program in zip(("a.bin", "b.bin"), programs, strict=True):
        save_program(program, tmp_path / name)
    words = ("diff", tmp_path / "a.bin", tmp_path / "b.bin")
    text = pqc(*words, "--instructions")
    assert text.code == 0, text.talk
    assert "instructions: " in text.text.splitlines()[0]
    assert any(line.split()[:4] == ["conv2", "prototypes", "4", "8"] for line in text.text.splitlines())
    assert "+conv2: encode" in text.text
    values = json.loads(pqc(*words, "--json").text)
    assert values == json.loads(json.dumps(program_diff(*programs)))
