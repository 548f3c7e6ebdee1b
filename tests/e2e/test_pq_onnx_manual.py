"""What docs/pq-onnx.md shows is executed as it stands there."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from support.command_line import pqc

from pqc.isa.program import load_program
from pqc.training.torch_library import torch

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", (ROOT / "docs" / "pq-onnx.md").read_text(), re.DOTALL | re.MULTILINE)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_the_commands() -> None:
    shutil.copy(ROOT / "examples" / "digits" / "digits.onnx", "model.onnx")
    np.savez("images.npz", images=np.random.default_rng(0).integers(0, 17, (40, 1, 8, 8)).astype(np.float32))
    (commands,) = (text for language, text in BLOCKS if not language)
    for line in commands.splitlines():
        name, *words = shlex.split(line)
        assert (name, pqc(*words).code) == ("pqc", 0), line
    first, second = load_program(Path("model.bin")), load_program(Path("again.bin"))
    assert (first.instructions, first.constants) == (second.instructions, second.constants)


def test_the_layers_in_torch() -> None:
    torch.manual_seed(0)
    (script,) = (text for language, text in BLOCKS if language == "python")
    exec(compile(script, "docs/pq-onnx.md", "exec"), {})
    assert pqc("compile", "model.pq.onnx", "-o", "model.bin").code == 0
