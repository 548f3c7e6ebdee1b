"""`pqc compile` with `--batch`, `--schedule` and `--save-schedule`, and dumps that are compiled for other targets."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from support.command_line import pqc, small_network

from pqc.isa.fields import Instruction
from pqc.isa.instructions import Load, Requantize
from pqc.isa.program import load_program

OPTIONS = ("--calibrate", "c.npz", "--prototypes", "8", "--images", "20")
QUANTIZED = "ir/08-quantize.mlir"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model `m.onnx`, images `c.npz`, and what one compilation wrote."""
    folder = tmp_path_factory.mktemp("scheduled")
    (folder / "m.onnx").write_bytes(small_network().SerializeToString())
    np.savez(folder / "c.npz", images=np.random.default_rng(0).standard_normal((24, 3, 8, 8)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert (
            pqc("compile", "m.onnx", *OPTIONS, "-o", "p.bin", "--dump-ir", "ir", "--save-schedule", "s.toml").code == 0
        )
        assert pqc("run", "p.bin", "--input", "c.npz", "-o", "y.npz").code == 0
    return folder


@pytest.fixture(autouse=True)
def here(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(compiled)
    return compiled


def compiled_to(path: Path, model: str | Path, *words: str | Path) -> bytes:
    """The bytes of a program that is compiled with these words, and that gives the outputs of the first one."""
    result = pqc("compile", model, "-o", path, *words)
    assert result.code == 0, result.talk
    compared = pqc("run", path, "--input", "c.npz", "--expect", "y.npz")
    assert compared.code == 0, compared.talk
    return path.read_bytes()


def schedule() -> dict[str, Any]:
    return tomllib.loads(Path("s.toml").read_text())


def count(path: Path, kind: type[Instruction], node: str) -> int:
    program = load_program(path)
    return sum(
        isinstance(instruction, kind) and where == node
        for instruction, where in zip(program.instructions, program.nodes, strict=True)
    )


def test_a_saved_schedule_gives_the_same_program(here: Path, tmp_path: Path) -> None:
    assert sorted(schedule()["layers"]) == ["conv1", "conv2", "fc"]
    words = ("--schedule", "s.toml", "--save-schedule", tmp_path / "again.toml")
    assert compiled_to(tmp_path / "p.bin", "m.onnx", *OPTIONS, *words) == (here / "p.bin").read_bytes()
    assert (tmp_path / "again.toml").read_text() == Path("s.toml").read_text()


def test_an_edited_schedule_is_what_is_compiled(tmp_path: Path) -> None:
    edited = schedule()
    edited["layers"]["conv2"] |= {"outputs": 2, "rows": 4, "tiles": 1}
    (tmp_path / "s.toml").write_text(tomli_w.dumps(edited))
    compiled_to(tmp_path / "p.bin", "m.onnx", *OPTIONS, "--schedule", tmp_path / "s.toml")
    assert count(tmp_path / "p.bin", Requantize, "conv2") == 3 * 2


def test_what_a_schedule_leaves_out_is_chosen(here: Path, tmp_path: Path) -> None:
    partial = schedule()
    del partial["layers"]["conv1"], partial["on_chip"]
    (tmp_path / "s.toml").write_text(tomli_w.dumps(partial))
    found = compiled_to(tmp_path / "p.bin", "m.onnx", *OPTIONS, "--schedule", tmp_path / "s.toml")
    assert found == (here / "p.bin").read_bytes()


def test_nothing_stays_on_chip_if_the_schedule_says_so(here: Path, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text("on_chip = []\n")
    words = ("--schedule", tmp_path / "s.toml", "--save-schedule", tmp_path / "full.toml")
    compiled_to(tmp_path / "p.bin", "m.onnx", *OPTIONS, *words)
    assert tomllib.loads((tmp_path / "full.toml").read_text())["on_chip"] == []
    assert count(tmp_path / "p.bin", Load, "pool") > count(here / "p.bin", Load, "pool") == 0


def test_a_schedule_is_saved_where_compilation_goes_on(tmp_path: Path) -> None:
    for dump in (QUANTIZED, "ir/10-lower-to-pqa.mlir"):
        compiled_to(tmp_path / "p.bin", dump, "--save-schedule", tmp_path / "s.toml")
        assert (tmp_path / "s.toml").read_text() == Path("s.toml").read_text()


def test_frames_of_a_batch_share_the_loads_of_tables(tmp_path: Path) -> None:
    compiled_to(tmp_path / "two.bin", "m.onnx", *OPTIONS, "--batch", "2")
    assert load_program(tmp_path / "two.bin").batch == 2
    report = [json.loads(pqc("report", path, "--json").text) for path in ("p.bin", tmp_path / "two.bin")]
    assert [entry["frames"] for entry in report] == [1, 2]
    assert report[1]["cycles"]["pq"] < report[0]["cycles"]["pq"]
    assert pqc("run", tmp_path / "two.bin").text.startswith("self-test passed")


def test_a_quantized_dump_takes_a_batch_and_a_schedule(tmp_path: Path) -> None:
    edited = {"layers": {"conv2": schedule()["layers"]["conv2"] | {"rows": 2}}}
    (tmp_path / "s.toml").write_text(tomli_w.dumps(edited))
    words = ("--batch", "3", "--schedule", tmp_path / "s.toml")
    whole = compiled_to(tmp_path / "whole.bin", "m.onnx", *OPTIONS, *words)
    assert compiled_to(tmp_path / "resumed.bin", QUANTIZED, *words) == whole


@pytest.mark.parametrize("words", [("--target", "tiny"), ("--target", "pqa", "--set", "lookup.output_lanes=8")])
def test_a_quantized_dump_is_compiled_for_other_targets(words: tuple[str, ...], tmp_path: Path) -> None:
    whole = compiled_to(tmp_path / "whole.bin", "m.onnx", *OPTIONS, *words)
    assert compiled_to(tmp_path / "resumed.bin", QUANTIZED, *words) == whole
    assert load_program(tmp_path / "whole.bin").target != load_program("p.bin").target
