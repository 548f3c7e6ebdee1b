"""What the pictures are drawn from: the figures of the report and of the timing, and nothing else."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from pqc.planning.target import target_from_dict
from pqc.report.html.document import Document
from pqc.report.html.layer_bars import layer_columns
from pqc.report.html.memory import memory_columns
from pqc.report.html.numerics import numerics_columns
from pqc.report.html.plot import picture_json
from pqc.report.html.roofline import Roof, roofline, roofline_columns
from pqc.report.html.timeline import MOST_BARS, executions_shown, timeline, timeline_columns
from pqc.report.text import ERRORS


def test_the_layers_are_those_of_the_report(document: Document) -> None:
    columns = layer_columns(document.report)
    assert sum(columns["cycles"]) == pytest.approx(document.report["cycles"]["steady_state"])
    for layer, paper in zip(document.report["layers"], columns["paper"], strict=True):
        assert paper == layer["paper_model_cycles"] if layer["pq"] else math.isnan(paper)


def test_bars_of_a_unit_follow_each_other(document: Document) -> None:
    columns = timeline_columns(document.program, document.timing)
    assert max(columns["end"]) == document.timing.cycles
    for unit in set(columns["unit"]):
        rows = [i for i, name in enumerate(columns["unit"]) if name == unit]
        spans = sorted((columns["start"][i], columns["end"][i]) for i in rows)
        assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_long_programs_are_drawn_once(document: Document) -> None:
    assert executions_shown(document.program, 3) == 3
    assert executions_shown(document.program, 10 * MOST_BARS) == MOST_BARS // len(document.program.instructions)


def test_values_in_memory_do_not_overlap(document: Document) -> None:
    target = target_from_dict(document.program.target)
    for memory, columns in memory_columns(document.program, target, document.timing).items():
        boxes = list(zip(*(columns[name] for name in ("low", "high", "begin", "end")), strict=True))
        assert all(0 <= low < high <= target.buffer_bytes(memory) for low, high, _, _ in boxes)
        for index, (low, high, begin, end) in enumerate(boxes):
            for other in boxes[:index]:
                apart = high <= other[0] or other[1] <= low or end <= other[2] or other[3] <= begin
                assert apart, (memory, boxes[index], other)


def test_no_layer_is_above_the_roof(document: Document) -> None:
    roof = Roof.of(target_from_dict(document.program.target))
    columns = roofline_columns(document.report, roof)
    assert set(columns["node"]) == {layer["node"] for layer in document.report["layers"] if layer["pq"]}
    assert all(0 < share <= 1 for share in columns["share"])


def test_the_roof() -> None:
    roof = Roof(lookups=512, bytes=64)
    assert [roof.at(x) for x in (1, 8, 100)] == [64, 512, 512]


def test_a_picture_without_layers_is_drawn_all_the_same() -> None:
    roof = Roof(512, 64)
    assert picture_json(roofline(roofline_columns({"layers": []}, roof), roof), "place")["target_id"] == "place"


def test_errors_of_all_layers(document: Document) -> None:
    found = numerics_columns(document.report)
    assert set(found) <= set(ERRORS)
    for name, columns in found.items():
        known = {layer["node"]: layer[name] for layer in document.report["numerics"]}
        assert {node: known[node] for node in columns["node"]} == dict(
            zip(columns["node"], columns["error"], strict=True)
        )


def test_a_picture_has_the_same_names_whatever_was_drawn_before(document: Document) -> None:
    columns = timeline_columns(document.program, document.timing)
    first, second = (picture_json(timeline(columns), "place") for _ in range(2))
    assert first == second
