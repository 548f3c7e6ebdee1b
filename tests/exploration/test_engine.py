"""Processes on this machine: how they are started, and that none is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import BrokenExecutor
from multiprocessing import active_children
from pathlib import Path

import pytest

from pqc.exploration.engine import THREADS, local_engine


def environment(names: tuple[str, ...]) -> list[str | None]:
    return [os.environ.get(name) for name in names]


def sleep_after_writing(path: Path) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(600)


def ignores_interrupts(_: None) -> bool:
    return signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def wait_for(path: Path) -> int:
    while not path.exists() or not path.read_text():
        time.sleep(0.01)
    return int(path.read_text())


def test_processes_use_one_thread_each_and_leave_interrupts_to_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(THREADS[0], "7")
    monkeypatch.delenv(THREADS[1], raising=False)
    with local_engine(1) as engine:
        assert engine.slots() == 1
        assert engine.executor.submit(environment, THREADS).result() == ["1"] * len(THREADS)
        assert engine.executor.submit(ignores_interrupts, None).result()
    assert os.environ[THREADS[0]] == "7"
    assert THREADS[1] not in os.environ


def test_at_the_end_no_process_is_left_whatever_it_does(tmp_path: Path) -> None:
    before = active_children()
    with local_engine(1) as engine:
        engine.executor.submit(sleep_after_writing, tmp_path / "pid")
        number = wait_for(tmp_path / "pid")
    assert active_children() == before
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)


def test_a_process_that_is_killed_is_noticed(tmp_path: Path) -> None:
    with local_engine(1) as engine:
        future = engine.executor.submit(sleep_after_writing, tmp_path / "pid")
        os.kill(wait_for(tmp_path / "pid"), signal.SIGKILL)
        with pytest.raises(engine.lost):
            future.result()
    assert engine.lost == (BrokenExecutor,)


ABANDONED = """
import signal, time
from pqc.exploration.engine import local_engine
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
with local_engine(1) as engine:
    engine.executor.submit(time.sleep, 600)
    engine.executor.submit(len, bytes(1 << 24))
    time.sleep(1)
print(signal.getsignal(signal.SIGPIPE) is signal.SIG_DFL)
"""
"""What is too large for a pipe is still being written when the process that should read it is gone."""


def test_a_broken_pipe_to_a_process_ends_nothing_else() -> None:
    done = subprocess.run([sys.executable, "-c", ABANDONED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr
