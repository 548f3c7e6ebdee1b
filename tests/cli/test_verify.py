"""`pqc verify` and `pqc compile --verify-each`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.command_line import pqc, small_network
from xdsl.dialects.builtin import FloatAttr, f64
from xdsl.ir import Operation
from xdsl.pattern_rewriter import PatternRewriter

from pqc.dialects.location import fuse_locations
from pqc.dialects.onnx import ReluOp
from pqc.passes import fuse_epilogue

OPTIONS = ("m.onnx", "--calibrate", "c.npz", "--prototypes", "8", "--images", "20")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model `m.onnx` and images `c.npz`."""
    (tmp_path / "m.onnx").write_bytes(small_network().SerializeToString())
    np.savez(tmp_path / "c.npz", images=np.random.default_rng(0).standard_normal((24, 3, 8, 8)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def wrong_bounds(_: object, op: Operation, rewriter: PatternRewriter) -> None:
    """A relu that begins at one half."""
    producer = fuse_epilogue.fusable_producer(op.operands[0]) if isinstance(op, ReluOp) else None
    if producer is not None:
        fused = producer.clone()
        fused.properties["low"] = FloatAttr(0.5, f64)
        fused.location = fuse_locations(producer, op)
        rewriter.replace(op, fused)


def test_says_what_was_checked() -> None:
    result = pqc("verify", *OPTIONS, "--records", "r.jsonl")
    assert result.code == 0, result.talk
    header, *lines = result.text.splitlines()
    assert header.split()[0] == "check"
    assert lines[0].startswith("import")
    assert lines[-1].startswith("machine")
    assert result.talk.splitlines()[-1] == f"{len(lines)} of {len(lines)} checks hold"
    records = [json.loads(line) for line in Path("r.jsonl").read_text().splitlines()]
    assert [record["failure"] for record in records] == [None] * len(lines)
    assert {"import", "pass quantize", "pass insert-tokens", "machine"} <= {record["check"] for record in records}


def test_json_has_the_records() -> None:
    result = pqc("verify", *OPTIONS, "--frames", "2", "--json")
    assert result.code == 0, result.talk
    assert all(record["failure"] is None for record in json.loads(result.text))


def test_nodes_are_checked_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = json.loads(pqc("verify", *OPTIONS, "--json").text)
    both = json.loads(pqc("verify", *OPTIONS, "--mode", "both", "--json").text)
    by_itself = [check for check in both if check["rule"].startswith("each node by itself ")]
    assert len(both) == len(checks) + len(by_itself)
    monkeypatch.setattr(fuse_epilogue.FuseBounds, "match_and_rewrite", wrong_bounds)
    result = pqc("verify", *OPTIONS, "--mode", "isolated", "--json")
    assert result.code == 3
    assert "pass fuse-epilogue: 2 nodes are wrong by themselves: node 'relu1', " in result.talk
    nodes = json.loads(result.text)[-1]["failure"]["nodes"]
    assert [node["node"] for node in nodes] == ["relu1", "relu2"]


def test_other_frames_may_be_given() -> None:
    np.savez("i.npz", images=np.random.default_rng(1).standard_normal((3, 3, 8, 8)))
    assert pqc("verify", *OPTIONS, "--input", "i.npz").code == 0
    refused = pqc("verify", *OPTIONS, "--input", "i.npz", "--fold", "calibrated")
    assert refused.code == 2
    assert "holds for the calibration frames alone" in refused.talk


def test_a_dump_is_verified_on_its_own_frames() -> None:
    assert pqc("compile", *OPTIONS, "--dump-ir", "ir", "-o", "p.bin").code == 0
    assert pqc("verify", "ir/06-choose-bitwidths.mlir").code == 0
    refused = pqc("verify", "ir/06-choose-bitwidths.mlir", "--input", "c.npz")
    assert refused.code == 2
    assert "a dump is verified on the frames that it has" in refused.talk
    lowered = pqc("verify", "ir/14-insert-tokens.mlir")
    assert lowered.code == 1
    assert "this IR is lowered already" in lowered.talk


def test_compile_verifies_on_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pqc("compile", *OPTIONS, "--verify-each", "-o", "p.bin").code == 0
    assert Path("p.bin").is_file()
    monkeypatch.setattr(fuse_epilogue.FuseBounds, "match_and_rewrite", wrong_bounds)
    refused = pqc("compile", *OPTIONS, "--verify-each", "-o", "q.bin")
    assert refused.code == 3
    assert "pass fuse-epilogue: node 'relu1'" in refused.talk
    assert not Path("q.bin").exists()


def test_a_fault_is_told_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuse_epilogue.FuseBounds, "match_and_rewrite", wrong_bounds)
    result = pqc("verify", *OPTIONS, "--keep", "kept", "--records", "r.jsonl")
    assert result.code == 3
    assert "FuseBounds at node 'relu1'" in result.talk
    assert "see kept/before.mlir and after.mlir" in result.talk
    assert Path("kept/before.mlir").is_file()
    last = json.loads(Path("r.jsonl").read_text().splitlines()[-1])
    assert last["check"] == "pass fuse-epilogue"
    assert last["failure"]["node"] == "relu1"
