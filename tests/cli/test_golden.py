"""Every message for bad input, word by word, with its exit code.

A file of `golden/` holds blocks: a command line, the exit code, what stands on standard error. The commands run in the
folder that `workshop` fills. Set PQC_UPDATE_GOLDEN=1 to write down what is printed now, and read the difference.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from support.command_line import classifier, pqc, small_network, write_inputs
from support.hosted import with_norm, with_softmax
from support.onnx_models import model, node

from pqc.frontend import import_model
from pqc.isa.program import Program, save_program
from pqc.passes.text import save_module

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class Block:
    """One command line and what it says."""

    words: str
    code: int
    talk: str

    def text(self) -> str:
        """As it stands in a file."""
        return f"$ pqc {self.words}\nexit {self.code}\n{self.talk}"


def blocks(path: Path) -> list[Block]:
    found: list[Block] = []
    for part in path.read_text().removeprefix("$ pqc ").split("\n$ pqc "):
        words, code, *talk = part.rstrip("\n").split("\n")
        found.append(Block(words, int(code.removeprefix("exit ")), "".join(f"{line}\n" for line in talk)))
    return found


def executed(block: Block, folder: Path) -> Block:
    result = pqc(*shlex.split(block.words))
    if result.code:
        assert result.output == b"" or result.code == 3
    return Block(block.words, result.code, result.talk.replace(f"{folder}/", ""))


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.txt")), ids=lambda path: path.stem)
def test_messages(path: Path, workshop: Path) -> None:
    before = sorted(workshop.iterdir())
    expected = blocks(path)
    found = [executed(block, workshop) for block in expected]
    if os.environ.get("PQC_UPDATE_GOLDEN"):
        path.write_text("\n".join(block.text() for block in found))
        return
    for old, new in zip(expected, found, strict=True):
        assert new.text() == old.text()
    assert sorted(workshop.iterdir()) == before, "a command that was refused left something behind"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workshop")
    program = classifier()
    save_program(program, folder / "p.bin")
    write_programs(folder, program)
    write_data(folder, program)
    write_texts(folder)
    write_models(folder)
    write_ir(folder)
    return folder


@pytest.fixture
def workshop(filled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(filled)
    return filled


def write_programs(folder: Path, program: Program) -> None:
    """Program files that are wrong in one way each."""
    test = program.self_test
    assert test is not None
    save_program(replace(program, self_test=None), folder / "untested.bin")
    save_program(replace(program, self_test=replace(test, digest="0" * 64)), folder / "failing.bin")
    save_program(replace(program, instructions=program.instructions[1:], nodes=program.nodes[1:]), folder / "unfed.bin")
    content = program.to_bytes()
    (folder / "short.bin").write_bytes(content[:-1])
    (folder / "text.bin").write_text("not a program\n")
    (folder / "empty.bin").write_bytes(b"")
    pieces = {
        "target": b'"clock_mhz"',
        "instructions": program.instructions[3].encode(),
        "constants": program.constants,
        "tensors": b'"inputs"',
        "debug": b'"layer0"',
        "selftest": test.digest.encode(),
    }
    places = {name: content.index(piece) for name, piece in pieces.items()}
    # The provenance of this program is empty: the only one of its sections that is just these two bytes.
    places["provenance"] = content.index(b"\0{}\0") + 1
    for name, place in {"header": 9, **places}.items():
        damaged = bytearray(content)
        damaged[place] ^= 1
        (folder / f"flipped-{name}.bin").write_bytes(damaged)


def write_data(folder: Path, program: Program) -> None:
    """Inputs and expected outputs, right and wrong."""
    write_inputs(folder / "x.npz", program)
    write_inputs(folder / "labels.npz", program, labels=np.array([0, 1, 2, 3, 4, 0]))
    write_inputs(folder / "many-labels.npz", program, labels=np.array([0, 1, 2, 3, 4, 5]))
    images = np.zeros((6, 3, 1, 1), np.float32)
    np.savez(folder / "wide.npz", images=np.zeros((6, 3, 2, 1)))
    np.savez(folder / "other.npz", pictures=images)
    images[4, 2] = np.nan
    np.savez(folder / "nan.npz", images=images)
    np.savez(folder / "zeros.npz", y__raw=np.zeros((6, 5, 1, 1), np.uint8))
    np.savez(folder / "few.npz", y=np.zeros((2, 5, 1, 1), np.float32))
    (folder / "images").mkdir()


def write_models(folder: Path) -> None:
    """ONNX models, and calibration data that is wrong for them."""
    made = small_network()
    content = made.SerializeToString()
    (folder / "m.onnx").write_bytes(content)
    (folder / "short.onnx").write_bytes(content[: len(content) // 2])
    (folder / "text.onnx").write_text("not a model\n")
    made.graph.node[1].op_type = "LogSoftmax"
    made.graph.node[3].op_type = "LRN"
    (folder / "unsupported.onnx").write_bytes(made.SerializeToString())
    write_hosted(folder)
    images = np.zeros((4, 3, 8, 8), np.float32)
    np.savez(folder / "c.npz", images=images)
    np.savez(folder / "c-labels.npz", images=images, labels=np.arange(4) + 2)
    np.savez(folder / "c-wide.npz", images=images[..., :7])
    np.savez(folder / "c-last.npz", images=images.transpose(0, 2, 3, 1))
    np.savez(folder / "c-empty.npz", images=images[:0])
    np.savez(folder / "c-objects.npz", allow_pickle=True, images=np.array([None]))
    images[1, 2, 3, 4] = np.inf
    np.savez(folder / "c-inf.npz", images=images)


def write_hosted(folder: Path) -> None:
    """Models with something for the host, or with something that it cannot help with, and a program in stages."""
    (folder / "hosted.onnx").write_bytes(with_norm().SerializeToString())
    made = with_softmax()
    (folder / "end.onnx").write_bytes(made.SerializeToString())
    made.graph.node[-1].op_type = "RandomNormalLike"
    (folder / "noise.onnx").write_bytes(made.SerializeToString())
    nodes = [node("Relu"), node("LogSoftmax", ["y"], ["z"], name="prob")]
    (folder / "alone.onnx").write_bytes(model(nodes, outputs=["z"]).SerializeToString())
    words = ("--allow-host", "--target", "tiny", "--tune", "0", "--images", "8")
    compiled = pqc("compile", folder / "hosted.onnx", *words, "-o", folder / "h.bin")
    assert compiled.code == 0, compiled.talk
    content = (folder / "h.bin").read_bytes()
    (folder / "h-short.bin").write_bytes(content[:-1])
    (folder / "h-old.bin").write_bytes(content[:8] + b"\x09" + content[9:])


def write_ir(folder: Path) -> None:
    """The model at the float level with its constants, texts that do not verify, and all dumps of a compilation."""
    module = import_model(folder / "m.onnx").module
    save_module(module, folder / "m.mlir", "the model")
    text = (folder / "m.mlir").read_text()
    (folder / "invalid.mlir").write_text(text.replace("tensor<?x6x8x8xf32>", "tensor<?x6x8x9xf32>", 1))
    lines = text.splitlines()
    first, last = (next(n for n, line in enumerate(lines) if word in line) for word in ("onnx.relu", "onnx.gemm"))
    lines[first], lines[last] = lines[last], lines[first]
    (folder / "disordered.mlir").write_text("\n".join(lines))
    digest = next(iter((folder / "blobs").glob("*.npy")))
    (folder / "damaged" / "blobs").mkdir(parents=True)
    (folder / "damaged" / "m.mlir").write_text(text)
    (folder / "damaged" / "blobs" / f"{'0' * 16}.npy").write_bytes(digest.read_bytes())
    dumped = pqc("compile", folder / "m.onnx", "-o", folder / "m.bin", "--dump-ir", folder / "ir")
    assert dumped.code == 0, dumped.talk


def write_schedules(folder: Path) -> None:
    """Schedules for `m.onnx` that are wrong in one way each."""
    nest = {"outputs": 1, "inputs": 1, "rows": 1, "columns": 1, "tiles": 1}
    texts = {
        "syntax": "[layers\n",
        "missing": tomli_w.dumps({"layers": {"conv2": {"outputs": 6}}}),
        "key": tomli_w.dumps({"layers": {"conv2": {**nest, "depth": 1}}}),
        "type": tomli_w.dumps({"layers": {"conv2": {**nest, "rows": 1.5}}}),
        "zero": tomli_w.dumps({"layers": {"conv2": {**nest, "rows": 0}}}),
        "layer": tomli_w.dumps({"layers": {"conv9": nest}}),
        "outputs": tomli_w.dumps({"layers": {"conv2": {**nest, "outputs": 7}}}),
        "inputs": tomli_w.dumps({"layers": {"conv1": {**nest, "inputs": 4}}}),
        "columns": tomli_w.dumps({"layers": {"conv2": {**nest, "columns": 9}}}),
        "codes": tomli_w.dumps({"layers": {"conv1": {**nest, "keep_codes": True}}}),
        "tiles": tomli_w.dumps({"layers": {"conv2": {**nest, "rows": 8, "columns": 8, "outputs": 6, "tiles": 99}}}),
        "tensor": tomli_w.dumps({"on_chip": ["conv9"]}),
        "chip": tomli_w.dumps({"on_chip": ["pool"]}),
    }
    for name, text in texts.items():
        (folder / f"schedule-{name}.toml").write_text(text)
    (folder / "schedule-binary.toml").write_bytes(b"\xff\xfe\x00")


def write_texts(folder: Path) -> None:
    """Texts that are no targets, no schedules and no assembly."""
    (folder / "unknown-key.toml").write_text('name = "t"\ninherits = "pqa"\n[encode]\nsubspace_lane = 4\n')
    (folder / "no-target.toml").write_text("hello\n")
    (folder / "space.toml").write_text("pq.prototypes = [4, 8]\n")
    (folder / "space-key.toml").write_text("pq.prototype = [4, 8]\n")
    (folder / "space-value.toml").write_text("pq.prototypes = [4, 1]\n")
    (folder / "space-where.toml").write_text("where = ['lenght == 3']\n")
    write_schedules(folder)
    (folder / "wrong.pqasm").write_text('.isa 3\n.dram 0x10\n\n.node "a"\nfil destination=0\n')
    (folder / "binary.pqasm").write_bytes(b"\xff\xfe\x00")
    (folder / "wrong.mlir").write_text("builtin.module {\n  %0 = onnx.nothing\n}\n")
