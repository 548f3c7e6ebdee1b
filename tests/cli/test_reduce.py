"""`pqc reduce`, on its own and with what a fault leaves behind."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from support.command_line import pqc, small_network
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from pqc.cli.group import Settings
from pqc.cli.main import report_fault, run
from pqc.dialects.onnx import GlobalAveragePoolOp
from pqc.passes.fuse_epilogue import FuseEpiloguePass
from pqc.passes.text import load_module

WORDS = ("m.onnx", "--calibrate", "c.npz", "--prototypes", "8", "--tune", "0")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, images, and the dumps `ir`."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.onnx").write_bytes(small_network().SerializeToString())
    np.savez(tmp_path / "c.npz", images=np.random.default_rng(0).standard_normal((24, 3, 8, 8)))
    assert pqc("compile", *WORDS, "--dump-ir", "ir", "-o", "p.bin").code == 0
    return tmp_path


@pytest.fixture
def fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pass that does not survive a pooling."""

    def fail(_: FuseEpiloguePass, __: Context, module: ModuleOp) -> None:
        for op in module.walk():
            if isinstance(op, GlobalAveragePoolOp):
                raise ZeroDivisionError("a window of 64")

    monkeypatch.setattr(FuseEpiloguePass, "apply", fail)


@pytest.mark.usefixtures("fault")
def test_a_failing_pass() -> None:
    result = pqc("reduce", "ir/00-import.mlir", "--pass", "fold-batch-norm,fuse-epilogue", "-o", "small.mlir")
    assert result.code == 0, result.talk
    first, *_, last = result.talk.splitlines()
    assert first == "ZeroDivisionError: a window of …: 7 operations"
    assert last == "small.mlir: 1 of 7 operations are left"
    small = Path("small.mlir")
    assert small.read_text().startswith("// reduced from 00-import.mlir: ZeroDivisionError: a window of …\n")
    assert [op.name for op in load_module(small).walk()][-2:] == ["onnx.global_average_pool", "func.return"]


def test_a_failing_command() -> None:
    result = pqc("reduce", "ir/08-quantize.mlir", "--command", "! grep -q pq.encode {}", "-o", "small.mlir")
    assert result.code == 0, result.talk
    assert result.talk.startswith("exit code 1: ")
    names = [op.name for op in load_module(Path("small.mlir")).walk()]
    assert [name for name in names if "encode" in name] == ["pq.encode"]
    assert len(names) <= 6


@pytest.mark.usefixtures("fault")
def test_a_reproducer_says_how_it_is_reduced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    words = ["compile", *WORDS, "-o", "q.bin"]
    with pytest.raises(ZeroDivisionError) as caught:
        run(words, Settings())
    assert report_fault(caught.value, words, Settings()) == 70
    (folder,) = tmp_path.glob("pqc-fault-*")
    line = (folder / "reduce.txt").read_text().splitlines()[1]
    monkeypatch.chdir(folder)
    result = pqc(*shlex.split(line)[1:])
    assert result.code == 0, result.talk
    assert result.talk.splitlines()[-1] == "small.mlir: 1 of 7 operations are left"
