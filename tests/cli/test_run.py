"""`pqc run`, `info`, `disasm` and `asm` on a small program."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command_line import Result, classifier, pqc, with_self_test, write_inputs
from support.onnx_models import model, node
from support.tokens import tokens_of, without

from pqc.cli.targets import to_toml
from pqc.interpreter import machine
from pqc.interpreter.machine import Machine
from pqc.isa.program import Program, load_program, save_program
from pqc.numerics.element import dequantize
from pqc.planning.target import target_from_dict


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """A classifier, `p.bin` in the current folder, with six images in `x.npz`."""
    monkeypatch.chdir(tmp_path)
    made = classifier()
    save_program(made, "p.bin")
    write_inputs(Path("x.npz"), made, labels=np.array([0, 1, 2, 3, 4, 0]))
    return made


def ok(result: Result) -> Result:
    assert result.code == 0, result.talk
    assert result.talk == ""
    return result


def as_json(*words: str) -> Any:
    return json.loads(ok(pqc(*words, "--json")).text)


def images() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.load("x.npz")["images"]


def expected(program: Program) -> np.ndarray[Any, np.dtype[Any]]:
    return Machine(program).run({"x": images()})["y"]


def test_self_test(program: Program) -> None:
    assert program.self_test is not None
    assert ok(pqc("run", "p.bin")).text == "self-test passed: 2 frames, every bit as the reference computed it\n"
    figures = as_json("run", "p.bin")
    assert figures == {"self_test": {"passed": True, "frames": 2, "digest": program.self_test.digest}}


def test_outputs_as_a_file(program: Program) -> None:
    ok(pqc("run", "p.bin", "--input", "x.npz", "-o", "y.npz"))
    file = np.load("y.npz")
    raw = expected(program)
    assert (file["y__raw"] == raw).all()
    assert file["y__raw"].dtype == np.uint8
    assert (file["y"] == dequantize(raw, program.outputs[0].scale)).all()
    assert ok(pqc("run", "p.bin", "--input", "x.npz", "--expect", "y.npz")).text.endswith("as y.npz expects\n")


def test_outputs_on_standard_output(program: Program) -> None:
    result = ok(pqc("run", "p.bin", "--input", "x.npz", "-o", "-"))
    assert (np.load(io.BytesIO(result.output))["y__raw"] == expected(program)).all()


def test_real_outputs_suffice_as_expectation(program: Program) -> None:
    np.savez("y.npz", y=dequantize(expected(program), program.outputs[0].scale))
    assert as_json("run", "p.bin", "--input", "x.npz", "--expect", "y.npz")["expect"]["equal"]


def test_labels(program: Program) -> None:
    right = expected(program).reshape(6, -1).argmax(axis=1) == np.load("x.npz")["labels"]
    share = np.count_nonzero(right) / 6
    assert as_json("run", "p.bin", "--input", "x.npz", "--labels") == {"images": 6, "top1": share}
    assert ok(pqc("run", "p.bin", "--input", "x.npz", "--labels")).text == f"6 images\ntop-1 {share:.2%}\n"


def test_without_anything_to_compare_the_classes_are_shown(program: Program) -> None:
    classes = expected(program).reshape(6, -1).argmax(axis=1).tolist()
    assert as_json("run", "p.bin", "--input", "x.npz") == {"images": 6, "classes": classes}
    assert "classes by 'y': " in ok(pqc("run", "p.bin", "--input", "x.npz")).text


def test_first_images_only(program: Program) -> None:
    assert program.inputs
    assert as_json("run", "p.bin", "--input", "x.npz", "--images", "4")["images"] == 4


def test_recorded_preprocessing_is_applied(program: Program) -> None:
    mean, std = [0.5, 0.25, 0.0], [0.5, 0.5, 1.0]
    changed = replace(
        program,
        provenance={"preprocessing": {"mean": mean, "std": std}},
        inputs=(replace(program.inputs[0], scale=1 / 64),),
    )
    save_program(with_self_test(changed), "q.bin")
    ok(pqc("run", "q.bin", "--input", "x.npz", "-o", "y.npz"))
    real = (images() / np.float32(255) - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    raw = np.clip(np.floor(real * 64 + 0.5), 0, 255).astype(np.uint8)
    assert (np.load("y.npz")["y__raw"] == Machine(changed).run({"x": raw})["y"]).all()


def test_random_orders(program: Program) -> None:
    assert program.instructions
    for words in (["run", "p.bin"], ["run", "p.bin", "--input", "x.npz"]):
        figures = as_json(*words, "--random-order", "3")["random_orders"]
        assert figures == {"orders": 3, "executions": 3, "equal": True}


def test_a_random_order_that_a_missing_token_allows(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    """The static check would refuse the program before; here it looks away."""

    def unchecked(*_: object) -> list[int]:
        return list(range(len(program.instructions)))

    for token in tokens_of(program):
        save_program(without(program, token), Path("broken.bin"))
        monkeypatch.setattr(machine, "check_program", unchecked)
        found = pqc("run", "broken.bin", "--random-order", "20")
        assert found.code == 3
        assert re.search(r"in random order \d+: .* in program order: a dependency between instr", found.talk)


def test_timing_is_the_report(program: Program) -> None:
    assert program.target
    figures = as_json("run", "p.bin", "--timing")["timing"]
    report = as_json("report", "p.bin")
    assert figures == {name: report[name] for name in report if name not in ("target", "numerics")}
    text = ok(pqc("run", "p.bin", "--timing")).text
    assert text.endswith(ok(pqc("report", "p.bin")).text)
    assert text.startswith("self-test passed")


def test_trace_of_a_run_is_that_of_the_report(program: Program) -> None:
    assert program.instructions
    ok(pqc("run", "p.bin", "--trace", "a.json"))
    ok(pqc("report", "p.bin", "--trace", "b.json"))
    assert Path("a.json").read_bytes() == Path("b.json").read_bytes()


def test_target_by_file(program: Program) -> None:
    Path("t.toml").write_text(to_toml(target_from_dict(program.target)))
    ok(pqc("run", "p.bin", "--target", "t.toml"))


def float_model(constant: float) -> None:
    """A model with the names and shapes of the classifier: five times the mean of the image, plus constants."""
    weights = np.full((5, 3, 1, 1), 1 / 3, np.float32)
    bias = np.arange(5, dtype=np.float32) * np.float32(constant)
    inputs = {"x": ("N", 3, 1, 1)}
    made = model([node("Conv", ["x", "w", "b"])], {"w": weights, "b": bias}, inputs, opset=13)
    Path("m.onnx").write_bytes(made.SerializeToString())


def test_against_a_float_model(program: Program) -> None:
    float_model(1.0)
    figures = as_json("run", "p.bin", "--input", "x.npz", "--labels", "--against", "m.onnx")
    found = dequantize(expected(program), program.outputs[0].scale)
    reference = images().astype(np.float32).mean(axis=1, keepdims=True) + np.arange(5).reshape(5, 1, 1)
    ratio = 10 * np.log10(np.square(reference).sum() / np.square(reference - found).sum())
    against = figures["against"]
    assert against["outputs"]["y"]["snr_db"] == pytest.approx(ratio, abs=0.01)
    assert against["outputs"]["y"]["agreement"] == np.mean(found.reshape(6, -1).argmax(axis=1) == 4)
    assert against["top1"] == np.mean(np.load("x.npz")["labels"] == 4)
    text = ok(pqc("run", "p.bin", "--input", "x.npz", "--against", "m.onnx")).text
    assert f"signal to noise {ratio:.1f} dB" in text


def test_info(program: Program) -> None:
    figures = as_json("info", "p.bin")
    assert figures["fingerprint"] == program.fingerprint()
    assert figures["instructions"]["total"] == len(program.instructions)
    assert figures["instructions"]["by_kind"]["encode"] == 2
    assert [entry["runs_on"] for entry in figures["nodes"]] == ["encode+lookup", "encode+lookup"]
    text = ok(pqc("info", "p.bin")).text
    assert "2 nodes run on encode+lookup: layer0, layer1" in text
    assert figures["batch"] == 1
    assert figures["credits"] == [{"source": "store", "destination": "load", "count": 1}]
    assert "\nexecution     1 frame; tokens at the start: 1 from store to load\n" in text


def test_disassembly_and_back(program: Program) -> None:
    text = ok(pqc("disasm", "p.bin"))
    again = ok(pqc("asm", "-", "-o", "q.bin", stdin=text.output))
    assert again.output == b""
    assert Path("q.bin").read_bytes() == Path("p.bin").read_bytes()
    ok(pqc("disasm", "p.bin", "-o", "p.pqasm"))
    assert Path("p.pqasm").read_bytes() == text.output
    assert ok(pqc("asm", "p.pqasm", "-o", "-")).output == program.to_bytes()
    assert load_program("q.bin") == program


def test_disassembly_without_constants(program: Program) -> None:
    assert program.constants
    short = ok(pqc("disasm", "p.bin", "--no-constants"))
    assert ".data" not in short.text
    assert pqc("asm", "-", "-o", "q.bin", stdin=short.output).code == 1
    assert not Path("q.bin").exists()
