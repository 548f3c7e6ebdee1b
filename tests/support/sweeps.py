"""Small sweeps, for tests of the exploration."""

from __future__ import annotations

import tomllib
from collections.abc import Generator
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from support.command_line import small_network

from pqc.exploration.engine import Engine
from pqc.exploration.plan import PlannedPoint
from pqc.exploration.results import Result
from pqc.exploration.sources import Sources
from pqc.exploration.space import Space, read_space

SPACE = """
pq = {prototypes = [4, 8], images = 16}
target = {name = ["pqa", "tiny"]}
"""
"""Four points, two fits."""


def write_network(folder: Path) -> Sources:
    """A small network, images to calibrate on, and labelled ones, written to ``folder``."""
    (folder / "m.onnx").write_bytes(small_network().SerializeToString())
    rng = np.random.default_rng(0)
    np.savez(folder / "c.npz", images=rng.standard_normal((24, 3, 8, 8)))
    np.savez(folder / "e.npz", images=rng.standard_normal((40, 3, 8, 8)), labels=rng.integers(0, 5, 40))
    return Sources(folder / "m.onnx", folder / "c.npz", folder / "e.npz")


def space_of(text: str) -> Space:
    """The space that a text describes."""
    return read_space(tomllib.loads(text), "space.toml", Path())


@contextmanager
def threads(number: int = 2) -> Generator[Engine, None, None]:
    """An engine of threads in this process."""
    with ThreadPoolExecutor(number) as executor:
        yield Engine(executor, lambda: number, (BrokenExecutor,))


@dataclass
class Watcher:
    """Notes what a sweep tells."""

    left: int | None = None
    dropped: bool | None = None
    steps: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    refusals: list[tuple[PlannedPoint, str]] = field(default_factory=list[tuple[PlannedPoint, str]])

    def started(self, left: int, dropped: bool) -> None:
        """What is left to do."""
        self.left, self.dropped = left, dropped

    def progress(self, done: int, total: int) -> None:
        """How far it is."""
        self.steps.append((done, total))

    def refused(self, planned: PlannedPoint, reason: str) -> None:
        """A point without figures."""
        self.refusals.append((planned, reason))


def result(key: str, **figures: float) -> Result:
    """A result whose only setting is its key."""
    return Result(key, {"name": key}, figures, None)
