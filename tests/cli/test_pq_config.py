"""`pqc compile` with `--pq-config` and `--save-pq-config`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command_line import pqc, small_network

import pqc as public
from pqc.isa.program import Program, load_program

OPTIONS = ("--calibrate", "c.npz", "--prototypes", "8", "--table-bits", "6", "--activation-bits", "7")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model `m.onnx`, images `c.npz`, a program and what was chosen for it."""
    folder = tmp_path_factory.mktemp("configured")
    (folder / "m.onnx").write_bytes(small_network().SerializeToString())
    np.savez(folder / "c.npz", images=np.random.default_rng(0).standard_normal((20, 3, 8, 8)))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        words = ("-o", "p.bin", "--save-pq-config", "pq.toml", "--dump-ir", "ir")
        assert pqc("compile", "m.onnx", *OPTIONS, *words).code == 0
    return folder


@pytest.fixture(autouse=True)
def here(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(compiled)
    return compiled


def compiled_with(text: str, folder: Path, *words: str) -> Program:
    """The program for a configuration."""
    path = folder / "edited.toml"
    path.write_text(text)
    result = pqc("compile", "m.onnx", "--calibrate", "c.npz", "--pq-config", path, "-o", folder / "p.bin", *words)
    assert result.code == 0, result.talk
    return load_program(folder / "p.bin")


def layers(program: Program) -> dict[str, dict[str, Any]]:
    """What the program records of its layers, by node."""
    return {layer["node"]: layer for layer in program.provenance["layers"]}


def test_what_was_chosen_gives_the_same_program(tmp_path: Path) -> None:
    # without the options: the file says it all
    again = compiled_with(Path("pq.toml").read_text(), tmp_path, "--save-pq-config", str(tmp_path / "again.toml"))
    first = load_program("p.bin")
    assert (again.instructions, again.constants, again.self_test) == (
        first.instructions,
        first.constants,
        first.self_test,
    )
    assert (tmp_path / "again.toml").read_bytes() == Path("pq.toml").read_bytes()


def test_the_file_names_every_layer_and_input(here: Path) -> None:
    entries = {entry.pop("nodes"): entry for entry in tomllib.loads((here / "pq.toml").read_text())["layer"]}
    assert entries == {
        "x": {"activation_bits": 7},
        "conv1": {"pq": False, "activation_bits": 7},
        "conv2": {
            "pq": True,
            "prototypes": 8,
            "length": 9,
            "grouping": "window",
            "codebooks": "separate",
            "metric": "l2",
            "prototype_bits": 8,
            "table_bits": 6,
            "activation_bits": 7,
        },
        "pool": {"activation_bits": 7},
        "flatten": {"activation_bits": 7},
        "fc": {"pq": False},
    }


def test_what_was_chosen_is_in_the_dumps_too(tmp_path: Path) -> None:
    for dump in ("ir/07-fit-prototypes.mlir", "ir/08-quantize.mlir"):
        words = ("-o", tmp_path / "p.bin", "--save-pq-config", tmp_path / "pq.toml")
        assert pqc("compile", dump, *words).code == 0
        assert (tmp_path / "pq.toml").read_bytes() == Path("pq.toml").read_bytes()


def test_layers_are_chosen_by_pattern(tmp_path: Path) -> None:
    text = """
        [[layer]]
        nodes = "*"
        pq = true
        prototypes = 4
        [[layer]]
        nodes = "conv*"
        length = 3
        table_bits = 5
        [[layer]]
        nodes = "conv1"
        pq = false
        activation_bits = 4
    """
    found = layers(compiled_with(text, tmp_path, "--exclude", "conv2"))
    assert {name: layer["pq"] for name, layer in found.items()} == {"conv1": False, "conv2": True, "fc": True}
    said = ("prototypes", "length", "table_bits")
    assert [found["conv2"][key] for key in said] == [4, 3, 5]
    assert [found["fc"][key] for key in said] == [4, 6, 8]


def test_the_python_interface_takes_the_file() -> None:
    images = np.load("c.npz")["images"].astype(np.float32)
    again = public.compile("m.onnx", calibration=images, pq_config="pq.toml")
    assert again.contents.constants == load_program("p.bin").constants


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[layer]]\nnodes = 'conv3'\nlength = 3", "nodes = 'conv3' matches no layer; there are conv1, conv2, fc"),
        ("[[layer]]\nnodes = 'conv2'\nbits = 3", "edited.toml: unknown key layer.0.bits"),
        ("[[layer]]\nnodes = 'conv2'\nmetric = 'linf'", "metric 'linf': the target's encode unit has l2, l1"),
    ],
)
def test_choices_that_mean_nothing_are_refused(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "edited.toml").write_text(text)
    words = ("--calibrate", "c.npz", "--pq-config", tmp_path / "edited.toml", "-o", tmp_path / "p.bin")
    result = pqc("compile", "m.onnx", *words)
    assert result.code == 1
    assert message in result.talk
