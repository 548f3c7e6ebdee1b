"""Program files: written whole or not at all, and what cannot be read is named."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from support.example_program import example_program

from pqc.errors import ModelError
from pqc.isa.fields import EncodingError
from pqc.isa.program import load_program, save_program, write_whole


def test_a_file_survives(tmp_path: Path) -> None:
    path = tmp_path / "r.bin"
    path.write_text("old")
    save_program(example_program(), path)
    assert path.read_bytes() == example_program().to_bytes()
    assert load_program(path) == example_program()
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.bin: no such file$"):
        load_program(tmp_path / "absent.bin")


def test_a_folder_is_no_program(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: Is a directory"):
        load_program(tmp_path)


def test_nothing_is_written_where_nothing_can_be(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be written: No such file or directory"):
        save_program(example_program(), tmp_path / "absent" / "r.bin")
    with pytest.raises(ModelError, match="cannot be written: Is a directory"):
        save_program(example_program(), tmp_path)
    with pytest.raises(EncodingError):
        save_program(replace(example_program(), nodes=()), tmp_path / "r.bin")
    assert not list(tmp_path.iterdir())


def test_a_link_keeps_pointing_and_a_device_stays_a_device(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_whole(tmp_path / "link", b"data")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"data"
    write_whole(Path(os.devnull), b"data")
    assert Path(os.devnull).is_char_device()
