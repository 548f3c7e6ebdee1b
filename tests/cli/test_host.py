"""`--allow-host` on the command line: what is said, executed, reported and taken apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.command_line import Result, pqc
from support.hosted import NOTHING, hosted, images, with_norm, with_softmax
from support.onnx_models import node

QUICK = ("--target", "tiny", "--tune", "0", "--images", "32")
NOTE = "  on the host, stage 1-host: norm (LRN): the operator is not supported\n"


def ok(*words: str | Path) -> Result:
    result = pqc(*words)
    assert result.code == 0, result.talk
    return result


def as_json(*words: str | Path) -> Any:
    return json.loads(ok(*words, "--json").text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`m.onnx`, compiled to `m.bin` in three stages, with what was chosen, a report, and images with labels."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "m.onnx").write_bytes(with_norm().SerializeToString())
    np.savez(folder / "x.npz", images=images(), labels=np.arange(40) % 5)
    words = ("--save-schedule", folder / "schedule.toml", "--save-pq-config", folder / "pq.toml")
    words = (*words, "--report", folder / "m.json", "-o", folder / "m.bin")
    talk = ok("compile", folder / "m.onnx", "--allow-host", "--calibrate", folder / "x.npz", *QUICK, *words).talk
    (folder / "talk.txt").write_text(talk)
    return folder


@pytest.fixture(autouse=True)
def workshop(made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(made)
    return made


def test_what_is_on_the_host_is_said_before_and_after(made: Path) -> None:
    lines = (made / "talk.txt").read_text()
    assert "\nNOTE: 1 node runs on the host, not on the accelerator: norm (LRN)\n" in lines
    assert lines.endswith(NOTE)
    assert "m.bin: " in lines
    assert ", 3 stages, " in lines


def test_run_says_where_each_stage_runs() -> None:
    text = ok("run", "m.bin", "--input", "x.npz", "--labels", "--against", "m.onnx", "-o", "y.npz").text
    assert text.startswith(
        "stage 0-accelerator: runs on: accelerator, 2 nodes\n"
        "stage 1-host: runs on: host, 1 node: norm (LRN)\n"
        "stage 2-accelerator: runs on: accelerator, 6 nodes\n"
        "40 images\n"
    )
    figures = as_json("run", "m.bin", "--input", "x.npz", "--against", "m.onnx", "--expect", "y.npz")
    assert [stage["runs_on"] for stage in figures["stages"]] == ["accelerator", "host", "accelerator"]
    assert figures["stages"][1]["nodes"][0]["operator"] == "LRN"
    assert figures["expect"]["equal"]
    assert figures["against"]["outputs"]["y"]["snr_db"] > 5
    assert set(np.load("y.npz")) == {"y", "y__raw"}


def test_without_input_the_programs_test_themselves() -> None:
    text = ok("run", "m.bin", "--target", "tiny").text
    assert text.count("self-test passed: 2 frames, every bit as the reference computed it") == 2
    assert text.endswith("what is on the host has no self-test: it is executed with --input\n")
    assert set(as_json("run", "m.bin")["self_tests"]) == {"0-accelerator", "2-accelerator"}


def test_cycles_are_those_of_the_accelerator() -> None:
    report = as_json("report", "m.bin")
    parts = [stage["report"] for stage in report["stages"]]
    assert parts[1] is None
    assert report["cycles"]["of"] == "accelerator"
    assert report["cycles"]["latency"] == parts[0]["cycles"]["latency"] + parts[2]["cycles"]["latency"]
    assert report["host_nodes"] == [{"name": "norm", "operator": "LRN", "reason": "the operator is not supported"}]
    assert report == json.loads(Path("m.json").read_text()) == as_json("run", "m.bin", "--timing")["timing"]
    text = ok("report", "m.bin").text
    assert "of the accelerator's stages alone: neither the host nor what passes to and from it is counted" in text
    assert "\n1-host  norm  LRN       the operator is not supported\n" in text
    assert ok("run", "m.bin", "--timing").text.endswith(text)


def test_the_page_shows_the_host(tmp_path: Path) -> None:
    page = tmp_path / "r.html"
    ok("report", "m.bin", "-o", page)
    text = page.read_text()
    assert "<td>norm</td><td>LRN</td><td>the operator is not supported</td>" in text
    assert text.count("<iframe ") == 2
    assert text.lower().count('srcdoc="&lt;!doctype html&gt;') == 2


def test_info_lists_the_stages() -> None:
    found = as_json("info", "m.bin")
    assert found["stages"] == as_json("stages", "m.bin")["stages"]
    assert found["frames_on_host"] == 1
    assert ok("info", "m.bin").text == ok("stages", "m.bin").text
    assert "\nstages        3, 1 of the nodes on the host\n" in ok("info", "m.bin").text


def test_stages_taken_apart_are_ordinary_files(tmp_path: Path) -> None:
    ok("stages", "m.bin", "-o", tmp_path / "parts")
    files = sorted(path.name for path in (tmp_path / "parts").iterdir())
    assert files == ["0-accelerator.bin", "1-host.onnx", "2-accelerator.bin"]
    for name in (files[0], files[2]):
        ok("run", tmp_path / "parts" / name)
        ok("disasm", tmp_path / "parts" / name, "-o", tmp_path / "text.pqasm")
    graph = onnx.load_model_from_string((tmp_path / "parts" / files[1]).read_bytes()).graph
    assert [one.name for one in graph.node] == ["norm"]
    ok("stages", tmp_path / "parts" / files[0], "-o", tmp_path / "again")
    again = (tmp_path / "again" / "0-accelerator.bin").read_bytes()
    assert again == (tmp_path / "parts" / files[0]).read_bytes()


def test_what_was_chosen_can_be_given_back(tmp_path: Path) -> None:
    words = ("--schedule", "schedule.toml", "--pq-config", "pq.toml", "-o", tmp_path / "again.bin")
    ok("compile", "m.onnx", "--allow-host", "--calibrate", "x.npz", *QUICK, *words)
    first, again = (as_json("report", path)["cycles"] for path in ("m.bin", tmp_path / "again.bin"))
    assert first == again


def test_a_model_without_anything_for_the_host_gives_the_ordinary_bytes(tmp_path: Path) -> None:
    path = tmp_path / "plain.onnx"
    path.write_bytes(hosted(node("Identity", ["h"], ["y"]), middle=NOTHING).SerializeToString())
    for name, words in (("a.bin", ()), ("b.bin", ("--allow-host",))):
        talk = ok("compile", path, *words, "--calibrate", "x.npz", *QUICK, "-o", tmp_path / name).talk
        assert "host" not in talk
    assert (tmp_path / "a.bin").read_bytes() == (tmp_path / "b.bin").read_bytes()


def test_check_says_what_the_host_would_do_and_does() -> None:
    refused = pqc("check", "m.onnx", "--target", "tiny")
    assert refused.code == 1
    assert "\nwith --allow-host the host executes 1 node: norm (LRN)\n" in refused.text
    text = ok("check", "m.onnx", "--target", "tiny", "--allow-host").text
    assert "\ncompiles for target tiny, with 1 node on the host\n" in text
    assert "\nhost (1): norm\n" in text
    assert text.endswith(
        "NOTE: 1 node on the host, not on the accelerator:\n    norm (LRN): the operator is not supported\n"
    )
    found = as_json("check", "m.onnx", "--target", "tiny", "--allow-host")
    assert found["compiles"]
    assert found["host_allowed"]
    assert [one["name"] for one in found["host_nodes"]] == ["norm"]


def test_check_finds_what_does_not_fit_in_each_stage() -> None:
    words = ("--prototypes", "256", "--set", "buffers.codebook=0.0625", "--include", "stem")
    result = pqc("check", "m.onnx", "--allow-host", *words, "--json")
    assert result.code == 1
    assert [one["node"] for one in json.loads(result.text)["problems"]] == ["stem", "body"]


def test_verify_checks_each_stage() -> None:
    words = ("--input", "x.npz", "--frames", "2", "--calibrate", "x.npz")
    records = as_json("verify", "m.onnx", "--allow-host", *words, *QUICK)
    assert all(record["failure"] is None for record in records)
    assert {record["check"].partition(" ")[0] for record in records} == {"0-accelerator", "2-accelerator"}


def test_classes_of_the_host_are_compared_as_classes(tmp_path: Path) -> None:
    proto = with_softmax()
    proto.graph.node[-1].CopyFrom(node("ArgMax", ["h"], ["y"], name="best", axis=1, keepdims=0))
    proto.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    model, program = tmp_path / "c.onnx", tmp_path / "c.bin"
    model.write_bytes(proto.SerializeToString())
    ok("compile", model, "--allow-host", "--calibrate", "x.npz", "--exclude", "body", *QUICK, "-o", program)
    found = as_json("run", program, "--input", "x.npz", "--labels", "--against", model)
    assert found["against"]["outputs"]["y"]["agreement"] >= 0.95
    assert abs(found["top1"] - found["against"]["top1"]) <= 0.05
    assert len(as_json("run", program, "--input", "x.npz")["classes"]) == 40


def test_preprocessing_is_that_of_the_whole(tmp_path: Path) -> None:
    program, pixels = tmp_path / "p.bin", tmp_path / "pixels.npz"
    raw = np.random.default_rng(0).integers(0, 256, (16, 3, 8, 8)).astype(np.uint8)
    np.savez(pixels, images=raw)
    scaled = ("--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25")
    ok("compile", "m.onnx", "--allow-host", "--calibrate", pixels, *scaled, *QUICK, "-o", program)
    assert as_json("info", program)["provenance"]["preprocessing"] == {"mean": [0.5] * 3, "std": [0.25] * 3}
    ok("run", program, "--input", pixels, "-o", tmp_path / "y.npz")
    import pqc as package

    stages = package.load_stages(program)
    found = stages.run(raw)["y"]
    assert (found == np.load(tmp_path / "y.npz")["y"]).all()
    real = (raw.astype(np.float32) / np.float32(255) - np.float32(0.5)) / np.float32(0.25)
    assert (stages.run({"x": real}, preprocess=False)["y"] == found).all()
