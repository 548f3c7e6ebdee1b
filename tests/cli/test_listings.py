"""The listings: text, JSON and Markdown say the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.command_line import pqc

from pqc.cli.output import markdown_table, text_table
from pqc.isa import manual
from pqc.isa.instructions import Instruction
from pqc.planning.target import list_targets, load_target


def text(*words: str) -> str:
    result = pqc(*words)
    assert (result.code, result.talk) == (0, "")
    return result.text


def as_json(*words: str) -> Any:
    return json.loads(text(*words, "--json"))


def test_targets() -> None:
    assert [target["name"] for target in as_json("targets")] == list(list_targets())
    for target in as_json("targets"):
        assert load_target(target["name"]).fingerprint() == target["fingerprint"]
        assert f"\n{target['name']} " in text("targets")


def test_a_shown_target_is_a_target_file(tmp_path: Path) -> None:
    for name in list_targets():
        (tmp_path / "t.toml").write_text(text("targets", "--show", name))
        assert load_target(str(tmp_path / "t.toml")) == load_target(name)
    assert as_json("targets", "--show", "pqa")["fingerprint"] == load_target("pqa").fingerprint()


def test_isa() -> None:
    assert text("isa", "--markdown") == manual.markdown()
    kinds = {kind.mnemonic: kind for kind in Instruction.registry.values()}
    listed = as_json("isa")
    assert {entry["mnemonic"] for entry in listed} == set(kinds)
    for entry in listed:
        assert [field["name"] for field in entry["fields"]][:3] == ["opcode", "wait", "signal"]
        assert len(entry["fields"]) == 3 + len(kinds[entry["mnemonic"]].fields)
        assert f" {entry['mnemonic']} " in text("isa")


def test_ops() -> None:
    listed = as_json("ops")
    assert {"Conv", "Gemm", "Constant"} <= {entry["name"] for entry in listed["onnx"]}
    assert all(entry["demands"] for entry in listed["onnx"])
    assert [dialect["name"] for dialect in listed["dialects"]] == ["blob", "onnx", "pq", "qnn", "pqa"]
    plain, markdown = text("ops"), text("ops", "--markdown")
    for dialect in listed["dialects"]:
        for op in dialect["operations"]:
            assert op["doc"], op["name"]
            assert f"\n{op['name']} " in plain
            assert f"\n| {op['name']} | " in markdown


def test_passes() -> None:
    listed = as_json("passes")
    assert all(entry["doc"] for entry in listed)
    plain, markdown = text("passes"), text("passes", "--markdown")
    for entry in listed:
        assert f"\n{entry['name']} " in plain
        assert f"\n| {entry['name']} | " in markdown
        explained = text("passes", entry["name"])
        assert explained.startswith(f"{entry['name']}\n\n")
        for option in entry["options"]:
            assert f"\n{option['name']} " in explained
        assert as_json("passes", entry["name"]) == [entry]


def test_tables() -> None:
    rows = [("a", "1"), ("long name", "2,000")]
    assert text_table(("name", "n"), rows) == "name           n\na              1\nlong name  2,000"
    assert markdown_table(("name",), [("a|b",), ("c\nd",)]) == "| name |\n| --- |\n| a\\|b |\n| c d |"
