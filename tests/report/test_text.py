"""The report as text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from support.streams import Stream, streams

from pqc.report.layer_timing import ABOVE, HIDDEN
from pqc.report.report import build_report
from pqc.report.text import explanation, figure, summary, tables


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (1234567, "1,234,567"), (1234.56, "1,234.6"), (-5, "-5"), (None, "-")]
)
def test_figures(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_explanations_name_what_is_waited_for_and_leave_small_parts_out() -> None:
    parts = [
        {"unit": "load", "cause": HIDDEN, "cycles": -500},
        {"unit": "lookup", "cause": "", "cycles": 100},
        {"unit": "lookup", "cause": "code fifo empty", "cycles": 20.5},
        {"unit": "vector", "cause": "token from lookup", "cycles": 16},
        {"unit": "encode", "cause": "token from vector", "cycles": 3},
    ]
    assert explanation(parts) == (
        "-500 load off the critical path, 120.5 waiting for lookup, 16 waiting for vector, ..."
    )
    assert explanation(parts[3:]) == "16 waiting for vector, 3 waiting for encode"
    assert explanation([{"unit": "load", "cause": ABOVE, "cycles": 2}]) == "2 load above the estimate"
    assert explanation([]) == ""


@settings(max_examples=20)
@given(streams())
def test_tables_are_as_wide_as_their_headers(stream: Stream) -> None:
    report = build_report(stream.program())
    found = list(tables(report))
    assert len({table.title for table in found}) == len(found) == 4
    for table in found:
        assert all(len(row) == len(table.header) for row in table.rows)
    assert len(found[2].rows) == len(report["layers"]) + 1
    lines = dict(summary(report))
    assert lines["lower bound"].startswith(figure(report["cycles"]["lower_bound"]))
    assert "PQ layers" not in lines


def test_a_program_of_nothing() -> None:
    report = build_report(Stream((), ()).program())
    assert report["cycles"]["steady_state"] == report["cycles"]["latency"] == 0
    assert report["throughput_frames_per_second"] is None
    lines = dict(summary(report))
    assert lines["lower bound"] == "no unit has anything to do"
    assert lines["throughput"].startswith("- frames a second")
    assert next(iter(tables(report))).rows == [("total", "", "0", "")]
