"""`--from` and `--to`: a compilation that stops behind a phase, and one that goes on from there."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from support.command_line import pqc, small_network

from pqc.passes.phases import PLACES, phases

WORDS = ("m.onnx", "--calibrate", "c.npz", "--prototypes", "8", "--images", "20")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, images, the dumps `ir` of a compilation and its program `p.bin`."""
    folder = tmp_path_factory.mktemp("phases")
    (folder / "m.onnx").write_bytes(small_network().SerializeToString())
    np.savez(folder / "c.npz", images=np.random.default_rng(0).standard_normal((24, 3, 8, 8)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert pqc("compile", *WORDS, "--dump-ir", "ir", "-o", "p.bin").code == 0
    return folder


@pytest.fixture(autouse=True)
def here(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(compiled)
    return compiled


def body(path: Path) -> str:
    """The text behind the comments of its header."""
    return "\n".join(line for line in path.read_text().splitlines() if not line.startswith("//"))


@pytest.mark.parametrize("phase", phases())
def test_a_compilation_in_two_parts_gives_the_same_bytes(phase: str, tmp_path: Path) -> None:
    stopped = pqc("compile", *WORDS, "--to", phase, "-o", tmp_path / "half.mlir")
    assert stopped.code == 0, stopped.talk
    assert stopped.talk.endswith(f"half.mlir: the IR at the phase {phase}\n")
    assert pqc("compile", tmp_path / "half.mlir", "--from", phase, "-o", tmp_path / "p.bin").code == 0
    assert (tmp_path / "p.bin").read_bytes() == Path("p.bin").read_bytes()


@pytest.mark.parametrize("phase", [*phases(), *PLACES])
def test_going_on_from_a_folder_gives_the_same_bytes(phase: str, tmp_path: Path) -> None:
    result = pqc("compile", "ir", "--from", phase, "-o", tmp_path / "p.bin")
    assert result.code == 0, result.talk
    assert (tmp_path / "p.bin").read_bytes() == Path("p.bin").read_bytes()
    skipped = re.match(
        r"(\S+) has no dump, as a pass that changes nothing: going on from ir/\d\d-\S+\.mlir\n", result.talk
    )
    wanted = PLACES.get(phase, phase)
    assert (skipped is not None) == (not list(Path("ir").glob(f"??-{wanted}.mlir")))
    assert skipped is None or skipped[1] == wanted


def test_a_phase_is_the_text_of_its_dump(tmp_path: Path) -> None:
    for name, dump in (("float", "07-fit-prototypes"), ("accelerator", "14-insert-tokens")):
        assert pqc("compile", *WORDS, "--to", name, "-o", tmp_path / "half.mlir").code == 0
        assert body(tmp_path / "half.mlir") == body(Path("ir") / f"{dump}.mlir")
    mentioned = set(re.findall(r'"([0-9a-f]{16})"', (tmp_path / "half.mlir").read_text()))
    assert mentioned <= {path.stem for path in (tmp_path / "blobs").iterdir()}


def test_from_and_to_go_together(tmp_path: Path) -> None:
    assert pqc("compile", "ir", "--from", "float", "--to", "quantize", "-o", tmp_path / "q.mlir").code == 0
    assert body(tmp_path / "q.mlir") == body(Path("ir/08-quantize.mlir"))


def test_dumps_of_an_earlier_compilation_do_not_stay(tmp_path: Path) -> None:
    folder = tmp_path / "ir"
    assert pqc("compile", *WORDS, "--dump-ir", folder, "-o", tmp_path / "p.bin").code == 0
    (folder / "09-fold-constant-subspaces.mlir").write_text("of another network\n")
    (folder / "notes.mlir").write_text("mine\n")
    assert pqc("compile", folder, "--from", "float", "--dump-ir", folder, "-o", tmp_path / "p.bin").code == 0
    assert {path.name for path in folder.glob("*.mlir")} == {
        "notes.mlir",
        *(path.name for path in Path("ir").glob("*.mlir")),
    }
    words = (folder, "--from", "select-pq", "--dump-ir", folder, "--to", "calibrate-ranges", "-o", tmp_path / "x.mlir")
    assert pqc("compile", *words).code == 0
    assert max(path.name for path in folder.glob("??-*.mlir")) == "05-calibrate-ranges.mlir"


def test_verify_checks_the_passes_between() -> None:
    result = pqc("verify", "ir", "--from", "choose-bitwidths", "--to", "quantized")
    assert result.code == 0, result.talk
    assert [line.split("  ")[0] for line in result.text.splitlines()[1:]] == ["pass fit-prototypes", "pass quantize"]
