"""The digits network as a PQ model in ONNX: exported, executed by onnxruntime, and compiled again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from support.command_line import pqc
from support.runtimes import run_onnx

from pqc.api import Program
from pqc.frontend import import_model
from pqc.interpreter.reference import run_reference
from pqc.isa.program import load_program

pytestmark = pytest.mark.e2e

MODEL = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"
CASES = {
    "shifts alone": ("--target", "pqa-shift"),
    "multipliers": (),
    "channels, few bits": ("--grouping", "channel", "--length", "8", "--prototype-bits", "5", "--table-bits", "6"),
    "l1": ("--metric", "l1", "--length", "3", "--activation-bits", "7"),
}


@pytest.mark.parametrize("options", CASES.values(), ids=CASES.keys())
def test_what_is_exported_compiles_to_the_same_program(options: tuple[str, ...], tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 17, (60, 1, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "c.npz", images=images)
    words = ("compile", MODEL, "--calibrate", tmp_path / "c.npz", "--images", "48", "--dump-ir", tmp_path / "ir")
    assert pqc(*words, *options, "-o", tmp_path / "first.bin").code == 0
    (dump,) = (tmp_path / "ir").glob("*-fit-prototypes.mlir")
    exported = tmp_path / "digits.pq.onnx"
    assert pqc("export", dump, "-o", exported).code == 0

    target = options if "--target" in options else ()
    again = pqc("compile", exported, *target, "-o", tmp_path / "again.bin")
    assert (again.code, "synthetic" in again.talk) == (0, False)
    first, second = (load_program(tmp_path / name) for name in ("first.bin", "again.bin"))
    assert first.instructions == second.instructions
    assert first.constants == second.constants
    assert second.provenance["calibration"] == "none"
    assert pqc("run", tmp_path / "again.bin").code == 0

    (found,) = run_onnx(onnx.load_model_from_string(exported.read_bytes()), {"input": images})
    (expected,) = run_reference(import_model(exported).module, [images])
    np.testing.assert_array_equal(found, expected)
    if target:
        # all scales are powers of two, those of weights included
        machine = Program(second).run({"input": images})["logits"]
        np.testing.assert_array_equal(found, machine)


def test_calibration_and_options_that_say_nothing(tmp_path: Path) -> None:
    np.savez(tmp_path / "c.npz", images=np.zeros((4, 1, 8, 8), np.float32))
    words = ("compile", MODEL, "--dump-ir", tmp_path / "ir", "-o", tmp_path / "p.bin")
    assert "fitted on synthetic data" in pqc(*words).talk
    (dump,) = (tmp_path / "ir").glob("*-fit-prototypes.mlir")
    exported = tmp_path / "digits.pq.onnx"
    assert pqc("export", dump, "-o", exported).code == 0
    given = pqc("compile", exported, "--calibrate", tmp_path / "c.npz", "-o", tmp_path / "p.bin")
    assert given.code == 0
    assert "the model gives all its grids and tables: the calibration frames are not used" in given.talk
    refused = pqc("compile", exported, "--length", "3", "-o", tmp_path / "p.bin")
    assert refused.code == 1
    assert "error: length = 3 was asked for, and the layers of the model are product-quantized already" in refused.talk
    # a further layer needs frames, and takes the options
    further = pqc("compile", exported, "--include", "classifier", "--length", "3", "-o", tmp_path / "p.bin")
    assert further.code == 0
    assert "fitted on synthetic data" in further.talk
    layers = {layer["node"]: layer for layer in load_program(tmp_path / "p.bin").provenance["layers"]}
    assert (layers["classifier"]["length"], layers["block1.conv1"]["length"]) == (3, 9)


def test_other_phases_are_refused(tmp_path: Path) -> None:
    assert pqc("compile", MODEL, "--dump-ir", tmp_path / "ir", "-o", tmp_path / "p.bin").code == 0
    for dump, written in (("00-import", "before any pass"), ("*-quantize", "after quantize")):
        (path,) = (tmp_path / "ir").glob(f"{dump}.mlir")
        refused = pqc("export", path, "-o", tmp_path / "m.onnx")
        assert refused.code == 1
        assert refused.talk.startswith(
            f"error: {path}: this IR was written {written}; it can be exported after fit-pro"
        )
        assert not (tmp_path / "m.onnx").exists()
