"""The entry point: help that imports nothing, exit codes, and what happens when pqc itself fails."""

from __future__ import annotations

import importlib
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from support.command_line import classifier, pqc

import pqc as package
from pqc.cli.group import Settings
from pqc.cli.main import SUMMARIES, group, report_fault, run
from pqc.cli.reproducer import write_reproducer
from pqc.errors import InternalError
from pqc.isa.program import save_program

HEAVY = (
    *("distributed", "llvmlite", "matplotlib", "numba", "numpy", "onnx", "onnxruntime", "pydantic", "torch", "tqdm"),
    *("textual", "xdsl", "sklearn"),
)


ROOT = Path(package.__file__).parent.parent


def process(*words: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Execute Python with ``words`` in a process of its own; pqc is found wherever the process starts."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **settings.pop("environment", {})}
    return subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=False, env=environment, **settings
    )


def test_help_lists_every_command_and_exit_code() -> None:
    result = pqc("--help")
    assert result.code == 0
    assert not result.talk
    for name in SUMMARIES:
        assert f"\n  {name} " in result.text
    for code in (0, 1, 2, 3, 4, 70):
        assert f"\n    {code} " in result.text


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_commands_own_help_starts_as_the_list_says(name: str) -> None:
    command = importlib.import_module(f"pqc.cli.{name}").command
    assert isinstance(command, click.Command)
    assert command.name == name
    assert (command.help or "").partition("\n")[0] == SUMMARIES[name]
    assert set(group.list_commands(click.Context(group))) == set(SUMMARIES)


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], *([name, "--help"] for name in SUMMARIES if name != "opt")]
)
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys; from pqc.cli.main import run; from pqc.cli.group import Settings\n"
        "assert run(sys.argv[1:], Settings()) == 0\n"
        f"print('imported:', *sorted(set({HEAVY}) & set(sys.modules)))"
    )
    assert process("-c", code, *words).stdout.endswith("imported:\n")


def test_help_of_the_process_imports_nothing_heavy() -> None:
    done = process("-X", "importtime", "-m", "pqc", "--help")
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "click" in imported
    assert imported.isdisjoint(HEAVY)


def test_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PQC_KERNELS", "numpy")
    assert pqc("--version").text == f"pqc {package.__version__}\nkernels: numpy, by PQC_KERNELS\n"


def test_small_work_does_not_import_numba(tmp_path: Path) -> None:
    save_program(classifier(), tmp_path / "p.bin")
    imports = "import sys, pqc.cli.main; pqc.cli.main.run(['run', 'p.bin'], pqc.cli.main.Settings()); "
    code = imports + "print('numba' in sys.modules)"
    done = process("-c", code, cwd=tmp_path, environment={"PQC_KERNELS": "auto"})
    assert done.stdout.splitlines()[-1] == "False"


def test_another_word_for_the_kernels_is_the_users_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_program(classifier(), tmp_path / "p.bin")
    monkeypatch.setenv("PQC_KERNELS", "torch")
    found = pqc("run", tmp_path / "p.bin")
    assert (found.code, found.talk) == (1, "error: PQC_KERNELS=torch, allowed are auto, numpy, numba\n")


@pytest.mark.parametrize("place", [0, 1, 3])
def test_debug_shows_the_traceback_wherever_it_stands(place: int) -> None:
    words = ["targets", "--show", "nothing"]
    quiet = pqc(*words)
    words.insert(place, "--debug")
    loud = pqc(*words)
    assert (quiet.code, loud.code) == (1, 1)
    assert loud.talk.startswith("Traceback (most recent call last):\n")
    assert loud.talk.endswith(quiet.talk)
    assert quiet.talk.startswith("error: ")
    assert quiet.talk.count("\n") == 1


def test_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("pqc.planning.target.list_targets", interrupt)
    result = pqc("targets")
    assert result.code == 130
    assert result.talk.strip() == "interrupted"


def test_a_fault_is_raised_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object) -> None:
        raise InternalError("a pass lost an operation")

    monkeypatch.setattr("pqc.planning.target.list_targets", fail)
    with pytest.raises(InternalError):
        run(["targets"], Settings())


def test_reproducer_holds_command_versions_traceback_and_ir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    try:
        try:
            raise InternalError("no such tile", ir="builtin.module {}\n")
        except InternalError as cause:
            raise KeyError("tile") from cause
    except KeyError as error:
        folder = write_reproducer(error, ["compile", "my model.onnx"])
    assert folder.parent == tmp_path
    assert (folder / "command.txt").read_text() == f"cd {Path.cwd()}\npqc compile 'my model.onnx'\n"
    assert json.loads((folder / "versions.json").read_text())["pqc"] == package.__version__
    assert "no such tile" in (folder / "traceback.txt").read_text()
    assert (folder / "before.mlir").read_text() == "builtin.module {}\n"


def test_fault_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert report_fault(KeyError("tile"), ["run"], Settings()) == 70
    talk = capsys.readouterr().err
    folder = next(tmp_path.iterdir())
    assert talk == f"error: a fault of pqc itself: KeyError: 'tile'; what reproduces it is in {folder}\n"
    assert sorted(path.name for path in folder.iterdir()) == ["command.txt", "traceback.txt", "versions.json"]


def test_a_fault_of_the_process_exits_with_70(tmp_path: Path) -> None:
    code = (
        "import pqc.planning.target as target; from pqc.cli.main import main\n"
        "target.list_targets = lambda: 1 / 0\n"
        "main(['targets'])"
    )
    done = process("-c", code, environment={"TMPDIR": str(tmp_path)})
    assert done.returncode == 70
    assert done.stderr.startswith("error: a fault of pqc itself: ZeroDivisionError: division by zero; ")
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert len(list(tmp_path.iterdir())) == 1


def test_codes_of_a_process(tmp_path: Path) -> None:
    (tmp_path / "text.bin").write_text("hello")
    for words, code in ((["--help"], 0), (["run", "none.bin"], 1), (["run"], 2), (["run", "text.bin"], 4)):
        assert process("-m", "pqc", *words, cwd=tmp_path).returncode == code


def test_a_reader_that_stops_early_is_no_error(tmp_path: Path) -> None:
    save_program(classifier(), tmp_path / "p.bin")
    line = f"{shlex.quote(sys.executable)} -m pqc disasm p.bin | true; echo done"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["/bin/sh", "-c", line], capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
    )
    assert (done.stdout, done.stderr) == ("done\n", "")
