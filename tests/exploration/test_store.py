"""The file of finished work, whatever happens to the process that writes it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.errors import ModelError
from pqc.exploration.store import HEADER, Store

RECORDS: dict[str, dict[str, Any]] = {
    "a": {"cycles": 7, "area": 1.5},
    "b": {"refused": 'it is "too large", µ\n'},
    "c": {"accuracy": None, "list": [1, 2]},
}


def filled(path: Path) -> bytes:
    with Store(path) as store:
        for key, record in RECORDS.items():
            store.add(key, record)
    return path.read_bytes()


def content(path: Path) -> tuple[dict[str, Any], bool]:
    with Store(path) as store:
        return {key: store.get(key) for key in "abcd" if store.get(key) is not None}, store.dropped


def test_what_was_added_is_there_again(tmp_path: Path) -> None:
    filled(tmp_path / "points.jsonl")
    assert content(tmp_path / "points.jsonl") == (RECORDS, False)
    lines = (tmp_path / "points.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == HEADER
    assert len(lines) == 1 + len(RECORDS)


def test_opening_and_reading_change_nothing(tmp_path: Path) -> None:
    before = filled(tmp_path / "points.jsonl")
    content(tmp_path / "points.jsonl")
    assert (tmp_path / "points.jsonl").read_bytes() == before


@given(st.data())
def test_a_file_cut_anywhere_has_all_whole_records(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.mktemp("store") / "points.jsonl"
    whole = filled(path)
    size = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:size])
    kept = max(0, whole[:size].count(b"\n") - 1)
    expected = dict(list(RECORDS.items())[:kept])
    torn = size > 0 and whole[size - 1] != ord("\n")
    assert content(path) == (expected, torn)
    assert content(path) == (expected, False)
    with Store(path) as store:
        store.add("d", {"later": 1})
    assert content(path) == ({**expected, "d": {"later": 1}}, False)


def test_a_last_line_without_its_content_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "points.jsonl"
    whole = filled(path)
    path.write_bytes(whole + b"\0" * 20 + b"\n")
    assert content(path) == (RECORDS, True)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("line", [b"{]\n", b"[1]\n", b'{"cycles":1}\n', b'{"key":1}\n', b"\xff\n", b"\n"])
def test_a_damaged_line_in_between_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "points.jsonl"
    lines = filled(path).splitlines(keepends=True)
    damaged = b"".join([*lines[:2], line, *lines[2:]])
    path.write_bytes(damaged)
    with pytest.raises(ModelError, match=r"points\.jsonl: line 3 is damaged; delete the line"):
        Store(path)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("text", ["hello\n", "hello", '{"exploration": 2}\n', "\n", '{"key":"a"}\n{"key'])
def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "points.jsonl"
    path.write_text(text)
    with pytest.raises(ModelError, match="not a file of this version of pqc explore; use another folder"):
        Store(path)
    assert path.read_text() == text


def test_only_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "points.jsonl"
    code = f"from pathlib import Path; from pqc.exploration.store import Store; Store(Path({str(path)!r}))"
    with Store(path):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "another process is at work on this folder" in done.stderr
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False).returncode == 0


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be opened: No such file or directory"):
        Store(tmp_path / "nowhere" / "points.jsonl")


def test_numbers_that_json_does_not_have_are_refused(tmp_path: Path) -> None:
    with Store(tmp_path / "points.jsonl") as store, pytest.raises(ValueError, match="not JSON compliant"):
        store.add("a", {"error": float("inf")})
