"""What an installation holds: every package, the targets, and no top-level package but pqc."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pqc

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_is_listed() -> None:
    found = {
        str(Path(folder).relative_to(ROOT)).replace(os.sep, ".")
        for folder, _, files in os.walk(ROOT / "pqc", followlinks=True)
        if any(name.endswith(".py") for name in files)
    }
    assert sorted(found) == PROJECT["tool"]["setuptools"]["packages"]


def test_every_package_has_an_init_file() -> None:
    for package in PROJECT["tool"]["setuptools"]["packages"]:
        assert (ROOT / package.replace(".", "/") / "__init__.py").exists(), package


def test_dialects_and_passes_are_links_to_the_top_level() -> None:
    for name in ("dialects", "passes"):
        link = ROOT / "pqc" / name
        assert link.is_symlink()
        assert link.readlink() == Path("..", name)


def test_version_is_the_project_version() -> None:
    assert pqc.__version__ == PROJECT["project"]["version"]


def test_public_names_exist() -> None:
    for name in pqc.__all__:
        assert getattr(pqc, name) is not None


def test_unknown_names_are_refused() -> None:
    assert not hasattr(pqc, "no_such_name")


def test_importing_pqc_imports_no_heavy_library() -> None:
    code = "import pqc, sys; print(*sorted({name.split('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"numpy", "onnx", "onnxruntime", "sklearn", "torch", "xdsl"} & set(done.stdout.split())


def test_every_package_is_pinned() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *(name for extra in extras.values() for name in extra)]
    names = {name.split(">=")[0].split("==")[0].split("[")[0] for name in wanted}
    assert names <= pinned


def test_example_network_is_small() -> None:
    assert (ROOT / "examples" / "digits" / "digits.onnx").stat().st_size < 300_000
