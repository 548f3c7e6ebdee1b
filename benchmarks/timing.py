"""What the benchmarks use of pytest-benchmark, with types."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import pytest

ROOT = Path(__file__).parents[1]


class Benchmark(Protocol):
    """The fixture ``benchmark``."""

    extra_info: dict[str, Any]
    stats: Any

    def pedantic(
        self, target: Callable[..., Any], args: Sequence[Any] = (), *, rounds: int, warmup_rounds: int = 0
    ) -> Any:
        """Call ``target`` that often and keep the times."""
        ...


class Say:
    """Prints a figure beside what is promised, and keeps both with the measurement."""

    def __init__(self, capsys: pytest.CaptureFixture[str], benchmark: Benchmark) -> None:
        self._capsys, self._benchmark = capsys, benchmark

    def __call__(self, what: str, figure: float, promise: str) -> None:
        self._benchmark.extra_info |= {what: figure, "promised": promise}
        with self._capsys.disabled():
            print(f"\n{what}: {figure:,.3g} (promised: {promise})")

    def note(self, what: str, figure: int, beside: str) -> None:
        """Print and keep a figure that nothing is promised of, beside what it is to be compared with."""
        self._benchmark.extra_info |= {what: figure}
        with self._capsys.disabled():
            print(f"{what}: {figure:,} ({beside})")


def seconds(benchmark: Benchmark) -> float:
    """The median time of what was measured last."""
    return float(benchmark.stats.stats.median)


def pqc_process(*words: str | Path) -> None:
    """One command line in a process of its own, as a shell would start it."""
    pqc_output(*words)


def pqc_output(*words: str | Path) -> str:
    """What such a command line prints on standard output.

    Raises:
        CalledProcessError: it failed.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pqc", *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, check=True, text=True).stdout
