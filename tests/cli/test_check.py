"""What `pqc check` prints: five problems at once, one of them behind another; its exit code; the same as JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.command_line import pqc, small_network
from support.onnx_models import model, node

from pqc.numerics.arrays import AnyArray

GOLDEN = Path(__file__).parent / "golden_check"


def five_problems() -> onnx.ModelProto:
    """A network as an exporter left it: in training form, with operators that are not there, and a wrong padding.

    The convolution `behind` is only reached through `up`, which is refused, and the codebooks of `body` are large.
    """
    rng = np.random.default_rng(0)
    channels = ("scale", "bias", "mean", "variance")

    def weights(*shape: int) -> AnyArray:
        return rng.standard_normal(shape).astype(np.float32)

    constants = {name: np.ones(8, np.float32) for name in channels}
    constants |= {"w1": weights(8, 3, 3, 3), "w2": weights(8, 8, 3, 3), "w3": weights(8, 8, 2, 2)}
    constants |= {"w4": weights(8, 8, 3, 3), "w5": weights(10, 8)}
    nodes = [
        node("Conv", ["x", "w1"], ["a"], name="stem", pads=[1, 1, 1, 1]),
        node("BatchNormalization", ["a", *channels], ["b", "m", "v"], name="norm", training_mode=1),
        node("LogSoftmax", ["b"], ["c"], name="act"),
        node("Conv", ["c", "w2"], ["d"], name="body", pads=[1, 1, 1, 1]),
        node("LogSoftmax", ["d"], ["e"], name="act2"),
        node("ConvTranspose", ["e", "w3"], ["f"], name="up", strides=[2, 2]),
        node("Conv", ["f", "w4"], ["g"], name="behind", pads=[3, 0, 0, 0]),
        node("GlobalAveragePool", ["g"], ["h"], name="pool"),
        node("Flatten", ["h"], ["i"], name="flat"),
        node("Gemm", ["i", "w5"], ["y"], name="fc", transB=1),
    ]
    return model(nodes, constants, {"x": ("N", 3, 16, 16)}, opset=15)


@pytest.fixture(autouse=True)
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "five.onnx").write_bytes(five_problems().SerializeToString())
    (tmp_path / "m.onnx").write_bytes(small_network().SerializeToString())
    monkeypatch.chdir(tmp_path)
    return tmp_path


FIVE = ("check", "five.onnx", "--prototypes", "256", "--set", "buffers.codebook=0.0625")


@pytest.mark.parametrize(
    ("name", "words", "code"), [("five", FIVE, 1), ("compiles", ("check", "m.onnx"), 0)], ids=("five", "compiles")
)
def test_text(name: str, words: tuple[str, ...], code: int) -> None:
    path, result = GOLDEN / f"{name}.txt", pqc(*words)
    assert result.code == code, result.talk
    assert result.talk == ""
    if os.environ.get("PQC_UPDATE_GOLDEN"):
        path.write_text(result.text)
    assert result.text == path.read_text()


def test_the_page_shows_what_is_printed() -> None:
    page = (Path(__file__).parents[2] / "docs" / "checking.md").read_text()
    assert f"```text\n{(GOLDEN / 'five.txt').read_text()}```" in page


def test_json_has_the_same_problems() -> None:
    result = pqc(*FIVE, "--json")
    assert result.code == 1
    found: dict[str, Any] = json.loads(result.text)
    assert not found["compiles"]
    assert found["nodes"] == 10
    nodes = [problem["node"] for problem in found["problems"]]
    assert nodes == ["norm", "act", "act2", "up", "behind", "body"]
    text = pqc(*FIVE).text
    for problem in found["problems"]:
        assert set(problem) == {"node", "operator", "found", "allowed", "remedy"}
        assert all(part in text for part in problem.values())


def test_compile_refuses_the_same_nodes_in_one_message() -> None:
    result = pqc("compile", "five.onnx", "-o", "five.bin")
    assert result.code == 1
    lines = result.talk.splitlines()
    assert lines[1] == "error: five.onnx: 5 nodes are not supported:"
    assert [line.split(":")[0].strip() for line in lines[2:7]] == [
        "norm (BatchNormalization)",
        "act (LogSoftmax)",
        "act2 (LogSoftmax)",
        "up (ConvTranspose)",
        "behind (Conv)",
    ]


def test_a_model_that_compiles_does_so_as_json() -> None:
    result = pqc("check", "m.onnx", "--batch", "2", "--target", "tiny", "--json")
    assert result.code == 0
    found = json.loads(result.text)
    assert found["compiles"]
    assert found["problems"] == found["notes"] == found["unchecked"] == []


def test_what_is_no_model_is_an_error_in_one_sentence() -> None:
    result = pqc("check", "nothing.onnx")
    assert result.code == 1
    assert result.text == ""
    assert result.talk == "error: nothing.onnx: no such file\n"


def test_choices_of_layers_are_taken(workshop: Path) -> None:
    (workshop / "pq.toml").write_text("[[layer]]\nnodes = 'conv2'\nmetric = 'linf'\n")
    result = pqc("check", "m.onnx", "--pq-config", "pq.toml")
    assert result.code == 1
    assert "conv2 (Conv): metric 'linf': the target's encode unit has l2, l1" in result.text
