"""Networks of ImageNet's size: how long compiling them takes, what the programs cost, and that they run.

The networks have random weights (:mod:`imagenet_networks`) and are calibrated on synthetic frames: what they classify
means nothing, every shape is real. As in :mod:`test_promises` no time is asserted.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from imagenet_networks import NETWORKS, write_networks
from timing import Benchmark, Say, pqc_process, seconds

COMPILE_SECONDS = 60


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_networks(tmp_path_factory.mktemp("imagenet"))


def busiest_unit(report: dict[str, Any]) -> tuple[str, int]:
    """The unit with the most work, and its cycles, which no schedule can go below."""
    busy: Counter[str] = Counter()
    for layer in report["layers"]:
        busy.update(layer["unit_cycles"])
    return busy.most_common(1)[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_compilation(benchmark: Benchmark, say: Say, models: dict[str, Path], name: str) -> None:
    """`pqc compile` from the ONNX file to the program file, for the default target, without calibration data."""
    program, written = models[name].with_suffix(".bin"), models[name].with_suffix(".json")
    words = ("compile", models[name], "-o", program, "--report", written)
    benchmark.pedantic(pqc_process, words, rounds=1)
    say(f"pqc compile {name}, seconds", seconds(benchmark), f"below {COMPILE_SECONDS}")
    report = json.loads(written.read_text())
    cycles, (unit, least) = report["cycles"], busiest_unit(report)
    say.note(f"{name}, cycles a frame", cycles["steady_state"], f"the {unit} unit alone is busy for {least:,}")
    say.note(f"{name}, cycles of its PQ layers", cycles["pq"], f"lower bound {cycles['lower_bound_pq']:,}")
    say.note(f"{name}, instructions", report["instructions"], f"{program.stat().st_size:,} bytes")


@pytest.mark.parametrize("name", NETWORKS)
def test_self_test(benchmark: Benchmark, say: Say, models: dict[str, Path], name: str) -> None:
    """`pqc run` of the program: it fails unless every bit of the self-test is right."""
    program = models[name].with_suffix(".bin")
    if not program.exists():
        pqc_process("compile", models[name], "-o", program)
    benchmark.pedantic(pqc_process, ("run", program), rounds=1)
    milliseconds = round(1000 * seconds(benchmark))
    say.note(f"pqc run {name}, milliseconds", milliseconds, "two frames, the start of the process included")
