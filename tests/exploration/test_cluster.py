"""A Dask cluster of real processes: the same results, and sentences for what is wrong with it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.command_line import pqc
from support.sweeps import SPACE, write_network

from pqc.errors import ModelError
from pqc.exploration import cluster

ROOT = Path(__file__).parents[2]


@contextmanager
def started(folder: Path, name: str, *words: str, python_path: Path = ROOT) -> Generator[None, None, None]:
    """A process of Dask that finds pqc at ``python_path``."""
    command = [sys.executable, "-m", f"distributed.cli.{name}", "--scheduler-file", str(folder / "s.json"), *words]
    environment = {**os.environ, "PYTHONPATH": str(python_path), "OPENBLAS_NUM_THREADS": "1"}
    with (folder / f"{name}.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def scheduler(folder: Path) -> Generator[str, None, None]:
    """A scheduler; its file."""
    with started(folder, "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"):
        while not (folder / "s.json").exists():
            time.sleep(0.05)
        yield str(folder / "s.json")


@pytest.mark.slow
def test_a_cluster_gives_the_same_results_as_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_network(tmp_path)
    Path("space.toml").write_text(SPACE)
    words = ("explore", "m.onnx", "--space", "space.toml", "--calibrate", "c.npz", "--evaluate", "e.npz")
    with scheduler(tmp_path) as address, started(tmp_path, "dask_worker", "--nthreads", "1", "--no-dashboard"):
        there = pqc(*words, "-o", "there", "--dask", address)
    here = pqc(*words, "-o", "here", "--jobs", "2")
    assert (there.code, here.code) == (0, 0), there.talk + here.talk
    assert there.text == here.text
    for name in ("points.csv", "front.csv", "results.json", "front.svg"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name


def test_without_a_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        with (
            pytest.raises(ModelError, match=f"--dask {address}: no scheduler answers there"),
            cluster.dask_engine(address),
        ):
            pass


@pytest.mark.slow
def test_without_workers_or_with_workers_that_have_another_pqc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scheduler(tmp_path) as address:
        monkeypatch.setattr(cluster, "PATIENCE", 5)
        with pytest.raises(ModelError, match="no worker came within 5 seconds"), cluster.dask_engine(address):
            pass
        monkeypatch.setattr(cluster, "PATIENCE", 30)
        monkeypatch.setattr(cluster, "__version__", "99")
        with (
            started(tmp_path, "dask_worker", "--nthreads", "1", "--no-dashboard"),
            pytest.raises(ModelError, match=r"has pqc \d+\.\d+\.\d+, here is pqc 99"),
            cluster.dask_engine(address),
        ):
            pass


def test_without_dask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ModelError, match=r"install it with pip install 'pqc\[cluster\]'"), cluster.dask_engine("any"):
        pass
