"""The report as text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from support.streams import Stream, streams

from pqc.report.layer_timing import ABOVE, HIDDEN
from pqc.report.report import build_report
from pqc.report.text import explanation, figure, numerics_table, summary, tables


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


def test_the_layer_that_adds_most_error_is_marked() -> None:
    measured = {"activation_bits": 0.01, "prototype_bits": 0.0, "prototypes": 0.1, "table_bits": 0.02, "fit": 0.3}
    numerics = [
        {"node": "a", "normalized_error": None, "accumulator_margin_bits": 2.5},
        {"node": "b", "normalized_error": 0.2, "accumulator_margin_bits": 1.0, "saturated": 0.0, **measured},
        {"node": "c", "normalized_error": 0.4, **measured, "prototypes": 0.09},
    ]
    table = numerics_table({"numerics": numerics})
    assert [row[0] for row in table.rows if row[-1] == "adds most"] == ["b"]
    assert all(len(row) == len(table.header) for row in table.rows)
    assert table.rows[0][1:9] == ("-", "-", "-", "-", "-", "-", "-", "2.5 bits")
    assert table.rows[1][1:7] == ("1.00%", "0.00%", "10.00%", "2.00%", "30.00%", "20.00%")
    assert "adds most" not in numerics_table({"numerics": numerics[:1]}).rows[0]


def test_a_program_of_nothing() -> None:
    report = build_report(Stream((), ()).program())
    assert report["cycles"]["steady_state"] == report["cycles"]["latency"] == 0
    assert report["throughput_frames_per_second"] is None
    lines = dict(summary(report))
    assert lines["lower bound"] == "no unit has anything to do"
    assert lines["throughput"].startswith("- frames a second")
    assert next(iter(tables(report))).rows == [("total", "", "0", "")]
