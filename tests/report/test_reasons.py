"""Why a layer takes its cycles: every figure is one of the report's."""

from __future__ import annotations

from typing import Any

from support.command_line import classifier

from pqc.report.reasons import RESOURCES, reasons
from pqc.report.report import build_report
from pqc.report.text import figure

REPORT = {"cycles": {"steady_state": 1000}}


def layer(**more: Any) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "cycles": 250, "critical": {"vector": 50, "lookup": 200}, "bound": "lookup", "unit_cycles": {"lookup": 300},
        "difference_cycles": 0, "estimate_cycles": 250, "pq": True, "pq_cycles": 260, "explanation": [],
    }  # fmt: skip
    return facts | more


def test_share_bound_and_estimate() -> None:
    assert reasons(layer(), REPORT) == [
        "It adds 250 of a frame's 1,000 cycles (25.0%): 200 in lookup, 50 in vector.",
        "Most of its work is looking up and adding table entries: 300 cycles of the lookup unit.",
        "That is what the paper's model says.",
    ]


def test_a_layer_that_costs_nothing() -> None:
    assert reasons(layer(cycles=0, critical={}), REPORT)[0].startswith("It adds nothing to a frame")


def test_what_differs_from_the_estimate() -> None:
    parts = [{"unit": "load", "cause": "buffer table", "cycles": 40}]
    slower = layer(difference_cycles=40, estimate_cycles=220, explanation=parts)
    assert reasons(slower, REPORT)[-1] == (
        "That is 40 more than the paper's model says, 220 (by itself, the PQ layers alone: 260): 40 waiting for load."
    )
    faster = layer(pq=False, difference_cycles=-40, estimate_cycles=290, explanation=parts)
    assert reasons(faster, REPORT)[-1].startswith("That is 40 fewer than the busiest unit alone says, 290: ")


def test_every_unit_of_a_report_has_words() -> None:
    report = build_report(classifier())
    assert set(report["units"]) == set(RESOURCES)
    for one in report["layers"]:
        assert figure(one["cycles"]) in reasons(one, report)[0]
