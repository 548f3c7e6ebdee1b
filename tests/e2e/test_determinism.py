"""Equal inputs give equal bytes: in one process, in two that hash differently, and in any number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pqc.api import CompileRequest, compile_model
from pqc.exploration.engine import THREADS
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "examples" / "digits" / "digits.onnx"
IMAGES = 160
"""More than are executed together."""


@pytest.fixture(scope="session")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A calibration set of random images."""
    path = tmp_path_factory.mktemp("images") / "images.npz"
    np.savez(path, images=np.random.default_rng(0).integers(0, 17, (IMAGES, 1, 8, 8)).astype(np.uint8))
    return path


def compiled(images: Path, dumps: Path, target: str = "pqa", seed: int = 0) -> bytes:
    """A program's bytes, compiled in this process."""
    frames = np.load(images)["images"].astype(np.float32)
    request = CompileRequest(MODEL, load_target(target), PqOptions(seed=seed), {"input": frames}, dump_ir=dumps)
    return compile_model(request).program.to_bytes()


def compiled_apart(images: Path, dumps: Path, hash_seed: int = 0, threads: int = 1) -> bytes:
    """A program's bytes, compiled by a process of its own."""
    command = ("-m", "pqc", "compile", MODEL, "--calibrate", images, "--dump-ir", dumps, "-o", "-")
    changes = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(hash_seed)}
    changes |= {name: str(threads) for name in THREADS}
    environment = {**os.environ, **changes}
    done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by its path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize("target", ["pqa", "tiny"])
def test_two_compilations_give_the_same_bytes(target: str, images: Path, tmp_path: Path) -> None:
    first, second = (compiled(images, tmp_path / name, target) for name in ("first", "second"))
    assert first == second
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_hashing_has_no_say(images: Path, tmp_path: Path) -> None:
    programs = {seed: compiled_apart(images, tmp_path / str(seed), seed) for seed in (1, 2)}
    assert programs[1] == programs[2]
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    assert programs[1] == compiled(images, tmp_path / "here")


def test_the_number_of_threads_has_no_say(images: Path, tmp_path: Path) -> None:
    programs = {threads: compiled_apart(images, tmp_path / str(threads), threads=threads) for threads in (1, 2)}
    assert programs[1] == programs[2]
    assert contents(tmp_path / "1") == contents(tmp_path / "2")


def test_two_compilations_share_a_cache(images: Path, tmp_path: Path) -> None:
    command = ("-m", "pqc", "compile", MODEL, "--calibrate", images, "--cache", tmp_path / "cache", "-o")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    names = ("first", "second")
    running = [subprocess.Popen([sys.executable, *command, tmp_path / name], env=environment) for name in names]
    assert [process.wait() for process in running] == [0, 0]
    expected = compiled(images, tmp_path / "ir")
    assert [(tmp_path / name).read_bytes() for name in names] == [expected] * 2
    done = subprocess.run([sys.executable, *command, "-"], env=environment, capture_output=True, check=True)
    assert done.stdout == expected


def test_another_seed_gives_another_program(images: Path, tmp_path: Path) -> None:
    assert compiled(images, tmp_path / "0", seed=0) != compiled(images, tmp_path / "1", seed=1)
