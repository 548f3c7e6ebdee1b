"""docs/reports.md explains every figure of a report, and every argument of a trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from support.programs import PqLayer, pq_program

from pqc.interpreter.timing import DRAM_BUSY, FIFO_EMPTY, FIFO_FULL
from pqc.passes.fitter import PARTS
from pqc.report.layer_timing import ABOVE, HIDDEN
from pqc.report.report import build_report
from pqc.report.trace import build_trace

MANUAL = (Path(__file__).parents[2] / "docs" / "reports.md").read_text()
PROGRAM = pq_program([PqLayer.random(np.random.default_rng(0), 3, 4, 4)])


def unexplained(names: set[str]) -> set[str]:
    return {name for name in names if f"`{name}`" not in MANUAL}


def test_every_figure_is_explained() -> None:
    report = build_report(PROGRAM)
    (layer,), memory = report["layers"], report["memory"]
    assert unexplained(set(report) - {"cycles"}) == set()
    assert unexplained({f"cycles.{name}" for name in report["cycles"]}) == set()
    assert unexplained(set(layer) | set(memory)) == set()
    for entry in (report["units"]["load"], report["dram"], report["critical"][0], memory["regions"][0]):
        assert unexplained(set(entry) - {"memory"}) == set()


def test_every_figure_of_the_numerics_is_explained() -> None:
    assert unexplained({*PARTS, "saturated", "normalized_error", "accumulator_margin_bits", "node"}) == set()


def test_every_cause_and_every_argument_of_a_trace_is_explained() -> None:
    assert unexplained({FIFO_EMPTY, FIFO_FULL, DRAM_BUSY, ABOVE, HIDDEN, "token from UNIT", "buffer MEMORY"}) == set()
    slices = [event["args"] for event in build_trace(PROGRAM)["traceEvents"] if event["ph"] == "X"]
    arguments = {name for found in slices for name in found}
    assert unexplained(arguments - {"mnemonic", "instruction", "execution"}) == set()
