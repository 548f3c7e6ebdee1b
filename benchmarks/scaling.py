"""How time and memory grow with the depth of a network and with the number of frames.

Every figure is one command line in a process of its own: processor seconds of all its threads, and its peak memory. A
line through the logarithms gives the exponent: 1 is linear.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from paper_networks import residual_network

ROOT = Path(__file__).resolve().parents[1]

BLOCKS = 3
"""Blocks of a stage in ResNet-20, which the depths are multiples of."""

DEPTHS = (1, 2, 4, 8)
BATCHES = (1, 4, 16, 64, 256, 1024)

LINEAR = 1.1
"""An exponent up to here is taken for linear."""

KIB = 1024


@dataclass(frozen=True)
class Usage:
    """What a process took."""

    seconds: float
    """Of processors, all threads together."""
    wall: float
    """Seconds from its start to its end."""
    bytes: int
    """At most, in memory at a time."""


@dataclass(frozen=True)
class Growth:
    """Usage by size: ``what`` takes place with ``sizes`` of ``unit``."""

    what: str
    unit: str
    sizes: tuple[int, ...]
    usages: tuple[Usage, ...]

    @property
    def time_exponent(self) -> float:
        """Of processor time over size."""
        return exponent(self.sizes, [usage.seconds for usage in self.usages])

    @property
    def memory_exponent(self) -> float:
        """Of peak memory over size."""
        return exponent(self.sizes, [usage.bytes for usage in self.usages])

    @property
    def linear(self) -> bool:
        """Whether neither grows faster than in proportion."""
        return max(self.time_exponent, self.memory_exponent) <= LINEAR


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The slope of the line that fits the logarithms best."""
    return float(np.polyfit(np.log(sizes), np.log(values), 1)[0])


METER = """
import json, resource, subprocess, sys, time
started = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
wall, used = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, used.ru_utime + used.ru_stime, wall, used.ru_maxrss]))
"""
"""Starts a command and says what it took. A process counts the memory of the one that started it as its own peak, so
that this has to be a small one."""


def used_by(*words: object) -> Usage:
    """What one command line of pqc takes.

    Raises:
        CalledProcessError: it failed.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "pqc", *map(str, words)]
    meter = [sys.executable, "-c", METER, *command]
    said = subprocess.run(meter, env=environment, stdout=subprocess.PIPE, check=True, text=True).stdout
    code, seconds, wall, peak = json.loads(said)
    if code:
        raise subprocess.CalledProcessError(code, command)
    return Usage(seconds, wall, peak * KIB)


def wall_seconds(*command: object) -> float:
    """How long another tool's command takes.

    Raises:
        CalledProcessError: it failed.
    """
    started = time.perf_counter()
    subprocess.run([*map(str, command)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - started


def by_depth(folder: Path, depths: Sequence[int] = DEPTHS) -> Iterator[Growth]:
    """Compiling, and the self-test of what was compiled, of ResNet-20 and networks so many times as deep."""
    models = {depth: folder / f"depth{depth}.onnx" for depth in depths}
    for depth, path in models.items():
        path.write_bytes(residual_network(BLOCKS * depth).SerializeToString())
    steps: dict[str, Callable[[Path], tuple[object, ...]]] = {
        "pqc compile": lambda path: ("compile", path, "-o", path.with_suffix(".bin")),
        "pqc run, self-test": lambda path: ("run", path.with_suffix(".bin")),
    }
    for what, words in steps.items():
        yield Growth(what, "times as deep", tuple(depths), tuple(used_by(*words(path)) for path in models.values()))


def by_frames(program: Path, folder: Path, batches: Sequence[int] = BATCHES) -> Growth:
    """Running a program that takes images of 3x32x32 on so many of them."""
    images = np.random.default_rng(0).integers(0, 256, (max(batches), 3, 32, 32), np.uint8)
    usages: list[Usage] = []
    for frames in batches:
        given = folder / f"frames{frames}.npz"
        np.savez(given, images=images[:frames])
        usages.append(used_by("run", program, "--input", given, "-o", folder / "outputs.npz"))
    return Growth("pqc run --input", "frames", tuple(batches), tuple(usages))
