"""Keys and groups: what is the same work, and what is not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.sweeps import space_of

from pqc.exploration import plan as planning
from pqc.exploration.plan import make_plan
from pqc.exploration.sources import Identity
from pqc.exploration.store import Store

IDENTITY = Identity("model", {16: "sixteen", 32: "more", None: "all"}, "images", labelled=True)
SPACE = """
pq = {prototypes = [4, 8], images = [16, 32]}
target = {name = ["pqa", "tiny", "pqa-shift"]}
"""


def test_points_share_a_fit_where_the_numbers_are_the_same() -> None:
    plan = make_plan(space_of(SPACE).points, IDENTITY)
    groups = [[planned.point.target.name for planned in group.points] for group in plan.groups]
    assert groups == [["pqa", "tiny"], ["pqa-shift"]] * 4
    assert [group.points[0].point.pq.prototypes for group in plan.groups] == [4, 4, 4, 4, 8, 8, 8, 8]
    for group in plan.groups:
        assert {(p.fit, p.evaluate) for p in group.points} == {(group.fit, group.evaluate)}
    keys = [planned.measure for planned in plan.points]
    assert len(set(keys)) == len(keys) == 12


def test_keys_do_not_depend_on_the_rest_of_the_space() -> None:
    whole = {planned.measure for planned in make_plan(space_of(SPACE).points, IDENTITY).points}
    part = space_of("pq = {images = 32, prototypes = 8}\ntarget.name = 'tiny'")
    assert {planned.measure for planned in make_plan(part.points, IDENTITY).points} < whole


def test_keys_depend_on_everything_that_results_depend_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def keys(text: str = "pq.images = 16", identity: Identity = IDENTITY) -> tuple[str, str, str]:
        (planned,) = make_plan(space_of(text).points, identity).points
        return planned.fit, planned.measure, planned.evaluate

    fit, measured, evaluated = keys()
    others = [
        keys(identity=replace(IDENTITY, model="other")),
        keys(identity=replace(IDENTITY, calibration={16: "other"})),
        keys("pq = {images = 16, seed = 1}"),
        keys("pq = {images = 16}\ntarget.set.accumulator_bits = 24"),
    ]
    assert len({other[0] for other in others} | {fit}) == 5
    assert len({other[1] for other in others} | {measured}) == 5
    wider = keys("pq.images = 16\ntarget.set.lookup.output_lanes = 8")
    assert (wider[0], wider[2]) == (fit, evaluated)
    assert wider[1] != measured
    again = keys(identity=replace(IDENTITY, evaluation="other"))
    assert again[:2] == (fit, measured)
    assert again[2] != evaluated
    monkeypatch.setattr(planning, "__version__", "99")
    assert set(keys()).isdisjoint((fit, measured, evaluated))


def test_a_point_that_stands_twice_is_measured_once() -> None:
    plan = make_plan(space_of("pq.images = 16").points * 2, IDENTITY)
    assert len(plan.points) == 2
    assert [len(group.points) for group in plan.groups] == [1]


def test_what_came_of_a_point(tmp_path: Path) -> None:
    (planned,) = make_plan(space_of("pq.images = 16").points, IDENTITY).points
    with Store(tmp_path / "one.jsonl") as store:
        assert planned.outcome(store) is None
        store.add(planned.measure, {"cycles": 3})
        assert planned.outcome(store) is None
        store.add(planned.evaluate, {"error": 0.5})
        assert planned.outcome(store) == {"cycles": 3, "error": 0.5}
    for key in (planned.fit, planned.measure):
        with Store(tmp_path / f"{key}.jsonl") as store:
            store.add(key, {"refused": "too large"})
            assert planned.outcome(store) == {"refused": "too large"}
