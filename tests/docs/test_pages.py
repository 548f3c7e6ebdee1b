"""Every command and all code on the pages of the site work, and print what the pages say (`support.pages` says how)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support.pages import DOCS, ROOT, agrees, blocks, check, environment, pages

SHELL, PYTHON, OUTPUT = "```sh\necho 1\n```", "```python\nprint(2)\n```", "```text\n3\n```"
STEPS = {page: [block for block in blocks(page.read_text(encoding="utf-8")) if block.executed] for page in pages()}
EXECUTED = [page for page, steps in STEPS.items() if steps]
LANGUAGES = {"sh", "python", "console", "text", "toml", "mlir", "xml", "json", ""}


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return environment(tmp_path_factory.mktemp("environment") / "bin")


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, variables: dict[str, str]) -> Path:
    """What a reader has behind the start page: the images, the compiled network, its dumps."""
    folder = tmp_path_factory.mktemp("start")
    (folder / "examples").symlink_to(ROOT / "examples")
    for command in (
        "python examples/digits/data.py build",
        "pqc compile examples/digits/digits.onnx --calibrate build/calibration.npz --images 256 --tune 20"
        " --dump-ir build/ir -o build/digits.bin",
    ):
        subprocess.run(command.split(), cwd=folder, env=variables, check=True, capture_output=True)
    return folder


@pytest.fixture
def checkout(tmp_path: Path, start: Path) -> Path:
    """A copy of the start for one page."""
    return Path(shutil.copytree(start, tmp_path / "checkout", symlinks=True))


@pytest.mark.e2e
@pytest.mark.slow
@pytest.mark.parametrize("page", EXECUTED, ids=[str(page.relative_to(DOCS)) for page in EXECUTED])
def test_page(page: Path, checkout: Path, variables: dict[str, str]) -> None:
    check(page, checkout, variables)


def test_every_block_says_what_it_is() -> None:
    for page in pages():
        for block in blocks(page.read_text(encoding="utf-8")):
            assert block.language in LANGUAGES, f"{page}:{block.line}"
            command = block.text.startswith(("pqc ", "python ", "make "))
            assert not command or block.language in ("sh", "console"), f"{page}:{block.line}"


def test_what_a_block_prints_is_the_block_behind_it() -> None:
    first, second = blocks(f"{SHELL}\n\n{OUTPUT}\n\n{PYTHON}\n\nIn between.\n\n{OUTPUT}\n")[:2]
    assert (first.text, first.printed, first.varies) == ("echo 1\n", "3\n", "")
    assert (second.text, second.printed) == ("print(2)\n", None)
    (varying,) = blocks(f"{SHELL}\n\n<!-- numbers vary -->\n\n{OUTPUT}\n")
    assert varying.varies == "numbers"


def test_what_agrees() -> None:
    assert agrees("a … c\n…\nend\n", "a b c\n1\n2\nend\n")
    assert agrees("a\n…\nend\n", "a\nend\n")
    assert not agrees("a … c\n", "a b d\n")
    assert not agrees("a\n", "a\nb\n")
    assert agrees("1,063 cycles  9.5 us\n", "17 cycles    10 us\n", varies="numbers")
    assert not agrees("1,063 cycles\n", "17 bytes\n", varies="numbers")
    assert not agrees("17 cycles\n", "18 cycles\n")
    assert agrees("n\n1 a\n2 b\n", "n\n3 b\n4 b\n5 a\n", varies="rows")
    assert not agrees("n\n1 a\n2 b\n", "n\n3 c\n", varies="rows")
