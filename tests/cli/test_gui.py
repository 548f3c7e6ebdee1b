"""`pqc gui`, driven without a terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from support.command_line import pqc, small_network
from textual.pilot import Pilot
from xdsl.dialects.builtin import ModuleOp

from pqc.cli.pass_browser import PassBrowser
from pqc.dialects.blob import ConstantOp, constants_scope
from pqc.errors import ModelError
from pqc.frontend import import_model
from pqc.passes.pipeline import pipeline_names
from pqc.passes.text import save_module


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A network as it was imported, with its constants."""
    (tmp_path / "m.onnx").write_bytes(small_network().SerializeToString())
    save_module(import_model(tmp_path / "m.onnx").module, tmp_path / "m.mlir", "the model")
    return tmp_path / "m.mlir"


def drive(app: PassBrowser, use: Callable[[Pilot[None]], Awaitable[None]]) -> None:
    """Open the application, use it, and close it."""

    async def session() -> None:
        async with app.run_test(size=(120, 60)) as pilot:
            await pilot.pause()
            await use(pilot)

    asyncio.run(session())


def test_opens_a_file_and_applies_a_pass(file: Path) -> None:
    app = PassBrowser(file)

    async def use(pilot: Pilot[None]) -> None:
        assert app.input_text_area.text == file.read_text()
        assert isinstance(app.current_module, ModuleOp), app.current_module
        assert app.output_text_area.text.count("onnx.relu") == 2
        shown = [str(child.label) for child in app.passes_tree.root.children]
        assert shown == ["canonicalize", "cse", "dce", *pipeline_names()]
        app.passes_tree.focus()
        app.passes_tree.move_cursor(app.passes_tree.root.children[shown.index("fuse-epilogue")])
        await pilot.press("enter")
        await pilot.pause()
        assert [step.name for step in app.pass_pipeline] == ["fuse-epilogue"]
        assert "onnx.relu" not in app.output_text_area.text
        assert "onnx.conv" in app.output_text_area.text
        assert app.get_query_string() == f"pqc opt {file} -p 'fuse-epilogue'"

    drive(app, use)


def test_a_pass_that_fails_is_told_and_taken_back(file: Path) -> None:
    app = PassBrowser(file, "fuse-epilogue,select-pq{length=3}")

    async def use(pilot: Pilot[None]) -> None:
        assert [step.name for step in app.pass_pipeline] == ["fuse-epilogue", "select-pq"]
        assert "the IR has no module attribute 'pqc.target'" in app.output_text_area.text
        assert not app.passes_tree.root.children
        app.pass_pipeline = app.pass_pipeline[:-1]
        await pilot.pause()
        assert "onnx.conv" in app.output_text_area.text
        assert len(app.passes_tree.root.children) == len(app.all_passes)

    drive(app, use)


def test_condensed_lists_what_would_change_the_module(file: Path) -> None:
    app = PassBrowser(file)

    async def use(pilot: Pilot[None]) -> None:
        app.condense_mode = True
        await pilot.pause()
        assert [str(child.label) for child in app.passes_tree.root.children] == ["fuse-epilogue"]

    drive(app, use)


def test_a_file_from_another_folder_comes_with_its_constants(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    weights = np.random.default_rng(7).standard_normal((2, 3)).astype(np.float32)
    module = ModuleOp([ConstantOp("w", weights)])
    save_module(module, other / "o.mlir", "another module")
    with constants_scope():
        app = PassBrowser(file)

        async def use(pilot: Pilot[None]) -> None:
            app.current_file_path = str(other / "o.mlir")
            app.input_text_area.load_text((other / "o.mlir").read_text())
            await pilot.pause()
            assert isinstance(app.current_module, ModuleOp), app.current_module
            app.current_file_path = str(file)
            app.input_text_area.load_text("func.func @main(")
            await pilot.pause()
            assert isinstance(app.current_module, Exception)

        drive(app, use)


def test_what_cannot_be_opened_is_refused(file: Path) -> None:
    with pytest.raises(ModelError, match=r"absent\.mlir: no such file"):
        PassBrowser(file.with_name("absent.mlir"))
    with pytest.raises(ModelError, match=r"passes fuse: "):
        PassBrowser(file, "fuse")


def test_without_a_terminal_or_the_extra_it_says_so(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = pqc("gui", file)
    assert (result.code, result.talk) == (1, "error: pqc gui needs a terminal; pqc opt applies passes without one\n")

    def absent(name: str) -> object:
        return None if name == "textual" else find_spec(name)

    monkeypatch.setattr("pqc.cli.gui.find_spec", absent)
    result = pqc("gui", file)
    assert result.code == 1
    assert result.talk == "error: pqc gui needs textual, not installed here: pip install 'pqc[gui]'\n"
