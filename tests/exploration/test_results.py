"""Tables of results: what stands in them, and that they are the same whatever happened before."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from support.sweeps import result, space_of

from pqc.errors import ModelError
from pqc.exploration.objectives import DEFAULT, OBJECTIVES, choose
from pqc.exploration.plan import make_plan
from pqc.exploration.results import Result, Results, collect, to_csv, to_json
from pqc.exploration.sources import Identity
from pqc.exploration.store import Store

SPACE = 'pq = {prototypes = [4, 8], exclude = ["a", "b"]}\ntarget.set.lookup.output_lanes = [16, 32]'
OBJECTIVE_NAMES = ("cycles", "accuracy")


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Four points: one on the front, one that is beaten, one that was refused, one that is not done."""
    space = space_of(SPACE)
    plan = make_plan(space.points, Identity("model", {None: "all"}, "images", labelled=True))
    first, second, third, _ = plan.points
    with Store(tmp_path / "points.jsonl") as store:
        store.add(second.measure, {"cycles": 20, "area_clb": 1.5, "table_bytes": 7})
        store.add(first.measure, {"cycles": 10, "area_clb": 0.1, "table_bytes": 7})
        store.add(first.evaluate, {"accuracy": 0.75, "error": 0.25, "evaluated": 4})
        store.add(third.measure, {"refused": 'a "quoted", reason'})
        return collect(plan, store, choose(OBJECTIVE_NAMES, labelled=True), space.varied)


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv(results: Results) -> None:
    rows = table(to_csv(results, results.results))
    assert [row["status"] for row in rows] == ["done", "done", "refused", "open"]
    assert [row["front"] for row in rows] == ["1", "0", "0", "0"]
    first = rows[0]
    assert {name: first[name] for name in ("prototypes", "exclude", "target", "lookup.output_lanes")} == {
        "prototypes": "4",
        "exclude": '["a", "b"]',
        "target": "pqa",
        "lookup.output_lanes": "16",
    }
    figures = ("cycles", "area_clb", "accuracy", "latency", "refused")
    assert [first[name] for name in figures] == ["10", "0.1", "0.75", "", ""]
    assert rows[2]["refused"] == 'a "quoted", reason'
    assert rows[2]["cycles"] == ""
    assert len({row["key"] for row in rows}) == 4
    assert table(to_csv(results, results.front)) == [first]


def test_json(results: Results) -> None:
    whole: dict[str, Any] = json.loads(to_json(results, {"model": "m.onnx"}))
    assert whole["model"] == "m.onnx"
    assert whole["objectives"] == [
        {"name": "cycles", "figure": "cycles", "maximize": False},
        {"name": "accuracy", "figure": "accuracy", "maximize": True},
    ]
    first, _, third, last = whole["points"]
    assert whole["front"] == [first["key"]]
    assert first["settings"] == {
        "prototypes": 4,
        "exclude": ["a", "b"],
        "target": "pqa",
        "lookup.output_lanes": 16,
    }
    assert first["figures"]["accuracy"] == 0.75
    assert third["refused"] == 'a "quoted", reason'
    assert (last["status"], last["figures"]) == ("open", {})


def test_counts(results: Results) -> None:
    assert {status: results.count(status) for status in ("done", "refused", "open")} == {
        "done": 2,
        "refused": 1,
        "open": 1,
    }


def of(*results: Result, objectives: tuple[str, ...] = OBJECTIVE_NAMES) -> Results:
    return Results(results, choose(objectives, labelled=True), ("name",))


def test_the_front_begins_with_the_best_by_the_first_objective() -> None:
    slow, fast = result("slow", cycles=9, accuracy=0.9), result("fast", cycles=3, accuracy=0.5)
    middle, beaten = result("middle", cycles=5, accuracy=0.8), result("beaten", cycles=6, accuracy=0.8)
    found = of(slow, beaten, fast, middle)
    assert [r.key for r in found.front] == ["fast", "middle", "slow"]
    reverse = of(slow, beaten, fast, middle, objectives=("accuracy", "cycles"))
    assert [r.key for r in reverse.front] == ["slow", "middle", "fast"]


def test_a_point_that_lacks_a_figure_is_not_compared() -> None:
    lacking = Result("lacking", {"name": "lacking"}, {"cycles": 1, "accuracy": None}, None)
    assert [r.key for r in of(lacking, result("a", cycles=5, accuracy=0.1)).front] == ["a"]


def test_objectives() -> None:
    assert [o.name for o in choose(DEFAULT, labelled=True)] == list(DEFAULT)
    assert [o.name for o in choose(DEFAULT, labelled=False)] == ["cycles", "area", "table_bytes", "error"]
    assert OBJECTIVES["table_bytes"].text(1536) == "1.5"
    assert OBJECTIVES["accuracy"].text(0.98765) == "98.77"
    assert OBJECTIVES["area"].title == "area of the PQ units [CLB]"
    for name, objective in OBJECTIVES.items():
        assert objective.name == name
        assert objective.maximize == (name == "accuracy")


@pytest.mark.parametrize(
    ("names", "labelled", "message"),
    [
        (["cycles", "speed"], True, "there is no objective 'speed'; there are cycles, latency, pq_cycles, time, area"),
        (["cycles", "cycles"], True, "'cycles' stands there twice"),
        (["accuracy", "error"], False, "'error' stands there twice"),
        (["cycles"], True, "at least 2 are needed, there are 1"),
    ],
)
def test_objectives_that_cannot_be_chosen(names: list[str], labelled: bool, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        choose(names, labelled)
