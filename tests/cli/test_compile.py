"""`pqc compile`, and the program it makes in the hands of the other commands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command_line import pqc, small_network

from pqc.isa.program import load_program

COMPILE = ("compile", "m.onnx", "--calibrate", "c.npz", "--prototypes", "8", "--images", "20")
TALK = "target pqa, fingerprint b77a1353b5af\n"
SYNTHETIC = "no --calibrate: the prototypes are fitted on synthetic data, so accuracy means nothing (128 frames)\n"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model `m.onnx`, images `c.npz`, and what one compilation wrote."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "m.onnx").write_bytes(small_network().SerializeToString())
    rng = np.random.default_rng(0)
    np.savez(folder / "c.npz", images=rng.standard_normal((24, 3, 8, 8)), labels=rng.integers(0, 5, 24))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = pqc(*COMPILE, "-o", "p.bin", "--dump-ir", "ir", "--report", "r.json")
    size, count = (folder / "p.bin").stat().st_size, len(load_program(folder / "p.bin").instructions)
    assert result.code == 0
    assert result.talk == f"{TALK}p.bin: {size:,} bytes, {count:,} instructions\n"
    assert result.output == b""
    return folder


@pytest.fixture
def here(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(compiled)
    return compiled


def text(*words: str) -> str:
    result = pqc(*words)
    assert (result.code, result.talk) == (0, ""), result.talk
    return result.text


def as_json(*words: str) -> Any:
    return json.loads(text(*words, "--json"))


@pytest.mark.usefixtures("here")
def test_the_program_runs_on_its_own() -> None:
    assert text("run", "p.bin").startswith("self-test passed")
    assert as_json("run", "p.bin", "--target", "pqa", "--random-order", "2")["random_orders"]["equal"]


@pytest.mark.usefixtures("here")
def test_against_the_float_model() -> None:
    figures = as_json("run", "p.bin", "--input", "c.npz", "--labels", "--against", "m.onnx")
    assert figures["images"] == 24
    assert figures["against"]["outputs"]["y"]["snr_db"] > 5
    assert figures["against"]["outputs"]["y"]["agreement"] > 0.5


@pytest.mark.usefixtures("here")
def test_info_says_what_runs_where() -> None:
    nodes = {node["node"]: node["runs_on"] for node in as_json("info", "p.bin")["nodes"]}
    assert nodes == {"conv1": "conventional", "conv2": "encode+lookup", "pool": "vector", "fc": "conventional"}


def test_report(here: Path) -> None:
    report = json.loads((here / "r.json").read_text())
    layers = {layer["node"]: layer for layer in report["layers"]}
    assert [name for name, layer in layers.items() if layer["pq"]] == ["conv2"]
    assert (layers["conv2"]["prototypes"], layers["conv2"]["length"], layers["conv2"]["subspaces"]) == (8, 9, 4)
    assert report["cycles"]["latency"] == as_json("run", "p.bin", "--timing")["timing"]["cycles"]["latency"]
    assert report["numerics"][0]["node"] == "conv2"


def test_every_dump_is_read_back_and_compiled_on(here: Path) -> None:
    dumps = sorted((here / "ir").glob("*.mlir"))
    assert [dump.name[:2] for dump in dumps] == sorted({dump.name[:2] for dump in dumps})
    assert len(dumps) > 5
    for dump in dumps:
        again = text("opt", str(dump), "--print-debuginfo")
        assert again.strip() in dump.read_text()
    for dump in dumps[len(dumps) // 2 :]:
        assert pqc("compile", dump, "-o", "again.bin").code == 0
        assert (here / "again.bin").read_bytes() == (here / "p.bin").read_bytes()


def test_a_dump_says_how_to_get_to_the_next_one(here: Path) -> None:
    first, second = sorted((here / "ir").glob("*.mlir"))[:2]
    passes = second.stem.partition("-")[2]
    assert text("opt", str(first), "-p", passes, "-o", "ir/next.mlir") == ""
    assert (here / "ir" / "next.mlir").exists()
    (here / "ir" / "next.mlir").unlink()


def test_what_opt_writes_stands_for_itself_and_is_compiled_on(here: Path, tmp_path: Path) -> None:
    dump = next((here / "ir").glob("06-*.mlir"))
    chosen = next((here / "ir").glob("07-*.mlir")).read_text().partition("-p '")[2].partition("'")[0]
    written = tmp_path / "out.mlir"
    words = ("opt", dump, "-p", f"{chosen},quantize", "-o", written, "--print-debuginfo")
    assert pqc(*words).code == 0
    assert 'pqc.phase = "quantize"' in written.read_text()
    assert pqc("compile", written, "-o", tmp_path / "p.bin").code == 0
    assert (tmp_path / "p.bin").read_bytes() == (here / "p.bin").read_bytes()
    mentioned = set(re.findall(r'"([0-9a-f]{16})"', written.read_text()))
    assert {path.stem for path in (tmp_path / "blobs").iterdir()} == mentioned


def test_opt_notes_only_passes_of_the_pipeline_and_writes_only_beside_a_file(here: Path, tmp_path: Path) -> None:
    for name in ("00-import", "05-calibrate-ranges"):
        before = (here / "ir" / f"{name}.mlir").read_text()
        after = text("opt", f"ir/{name}.mlir", "-p", "cse,dce", "--print-debuginfo")
        assert re.findall(r"pqc\.phase = \S+", after) == re.findall(r"pqc\.phase = \S+", before)
    folder = tmp_path / "alone"
    folder.mkdir()
    (folder / "empty.mlir").write_text("builtin.module {\n}\n")
    assert pqc("opt", folder / "empty.mlir", "-o", folder / "same.mlir").code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["empty.mlir", "same.mlir"]


def test_program_on_standard_output(here: Path) -> None:
    result = pqc(*COMPILE, "-o", "-")
    assert result.code == 0
    assert result.output == (here / "p.bin").read_bytes()


@pytest.mark.usefixtures("here")
def test_talk_of_passes_is_on_standard_error() -> None:
    result = pqc(*COMPILE, "-o", "-", "--print-ir-after", "quantize", "--time-passes")
    assert result.code == 0
    assert "// after quantize" in result.talk
    assert "// after fit-prototypes" not in result.talk
    assert " s  fit-prototypes\n" in result.talk


def test_without_calibration_it_says_so(here: Path) -> None:
    result = pqc("compile", "m.onnx", "-o", "synthetic.bin")
    assert result.talk.startswith(TALK + SYNTHETIC)
    assert text("run", "synthetic.bin").startswith("self-test passed")
    assert load_program(here / "synthetic.bin").provenance["calibration"] == "synthetic"


def test_given_preprocessing_is_recorded_and_applied(here: Path) -> None:
    images = np.random.default_rng(1).integers(0, 256, (16, 3, 8, 8)).astype(np.uint8)
    np.savez(here / "raw.npz", images=images)
    numbers = ("--mean", "0.5,0.4,0.3", "--std", "0.2,0.2,0.3")
    assert pqc("compile", "m.onnx", "--calibrate", "raw.npz", *numbers, "-o", "pre.bin").code == 0
    recorded = load_program(here / "pre.bin").provenance["preprocessing"]
    assert recorded == {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.2, 0.3]}
    figures = as_json("run", "pre.bin", "--input", "raw.npz", "--against", "m.onnx")
    assert figures["against"]["outputs"]["y"]["snr_db"] > 5


@pytest.mark.usefixtures("here")
def test_excluded_nodes_stay_conventional() -> None:
    assert pqc(*COMPILE, "-o", "plain.bin", "--exclude", "conv*").code == 0
    nodes = {node["node"]: node["runs_on"] for node in as_json("info", "plain.bin")["nodes"]}
    assert nodes["conv2"] == "conventional"


def test_a_report_for_a_browser(here: Path) -> None:
    assert pqc(*COMPILE, "-o", "page.bin", "--report", "r.html").code == 0
    page = (here / "r.html").read_text()
    for name in ("import", "fit-prototypes", "insert-tokens"):
        assert f"<span>{name}</span>" in page
    assert 'id="network-picture"' in page
