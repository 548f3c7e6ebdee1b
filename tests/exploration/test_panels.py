"""What is shown of a front: the pairs, the limits, and the numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.sweeps import result

from pqc.exploration.objectives import OBJECTIVES, choose
from pqc.exploration.panels import LINES, NUMBERED, Panel, best, levels, numbers_of, panels, spread
from pqc.exploration.results import Result, Results

NAMES = ("cycles", "area", "table_bytes", "accuracy")


@st.composite
def sweeps(draw: st.DrawFn) -> Results:
    value = st.integers(1, 5)
    rows = draw(st.lists(st.tuples(value, value, value, value), min_size=1, max_size=20))
    found = tuple(
        result(str(index), cycles=c, area_clb=a, table_bytes=t, accuracy=q / 8)
        for index, (c, a, t, q) in enumerate(rows)
    )
    return Results(found, choose(NAMES, labelled=True), ("name",))


def pairs(made: list[Panel]) -> list[tuple[str, str]]:
    return [(panel.x.name, panel.y.name) for panel in made]


def of(*names: str) -> list[Panel]:
    figures = {OBJECTIVES[name].figure: 2.0 for name in names}
    return panels(Results((result("a", **figures),), choose(names, labelled=True), ()))


def test_pairs() -> None:
    assert pairs(of("cycles", "accuracy")) == [("cycles", "accuracy")]
    assert pairs(of("accuracy", "cycles")) == [("cycles", "accuracy")]
    assert pairs(of("cycles", "area", "error")) == [("cycles", "error"), ("cycles", "area")]
    assert pairs(of(*NAMES)) == [("cycles", "accuracy"), ("cycles", "area"), ("table_bytes", "accuracy")]
    # Without a quality the last objective is what the others are paid for.
    assert pairs(of("cycles", "area", "latency")) == [("cycles", "latency"), ("cycles", "area")]


@given(sweeps())
def test_lines_are_the_best_of_all_points_within_their_limit(results: Results) -> None:
    for panel, limited, signs in zip(panels(results), ("area", "accuracy", None), ("≤", "≥", ""), strict=True):
        assert 1 <= len(panel.lines) <= LINES
        for line in panel.lines:
            within = results.comparable()
            if signs and signs in line.label and limited is not None:
                objective = OBJECTIVES[limited]
                limit = float(line.label.partition(signs)[2].split()[0])
                within = [
                    r
                    for r in within
                    if (r.figures[objective.figure] * objective.factor - limit) * (1 if objective.maximize else -1)
                    >= -1e-9
                ]
            places = {panel.at(point) for point in line.points}
            assert places == {panel.at(point) for point in best(within, panel.x, panel.y)}
            assert {point.key for point in line.points} <= {point.key for point in results.front}


@given(sweeps())
def test_numbered_points_stand_on_lines_and_have_one_number_each(results: Results) -> None:
    made = panels(results)
    for panel in made:
        on_lines = {point.key for line in panel.lines for point in line.points}
        assert {point.key for point in panel.numbered} <= on_lines
        assert 0 < len(panel.numbered) <= NUMBERED[len(panel.lines)] * len(panel.lines)
    numbers = numbers_of(made)
    assert sorted(numbers.values()) == list(range(1, len(numbers) + 1))
    assert list(numbers) == list(dict.fromkeys(point.key for panel in made for point in panel.numbered))


def test_limits_are_named() -> None:
    rows = [(10, 300.0, 0.5), (20, 200.0, 0.75), (30, 100.0, 1.0)]
    found = tuple(result(str(c), cycles=c, area_clb=a, accuracy=q) for c, a, q in rows)
    first, second = panels(Results(found, choose(("cycles", "area", "accuracy"), labelled=True), ()))
    assert [line.label for line in first.lines] == ["any area", "area ≤ 200 CLB", "area ≤ 100 CLB"]
    assert [line.label for line in second.lines] == ["any accuracy", "accuracy ≥ 75.00 %", "accuracy ≥ 100.00 %"]
    assert [[point.key for point in line.points] for line in first.lines] == [["10", "20", "30"], ["20", "30"], ["30"]]


def test_levels_go_from_the_least_to_the_most_demanding_limit() -> None:
    assert levels([3, 1, 2, 2, 5], maximize=True) == [1, 3, 5]
    assert levels([3, 1, 2, 2, 5], maximize=False) == [5, 2, 1]
    assert levels([4, 4], maximize=True) == [4]


@given(st.lists(st.integers(), unique=True), st.integers(2, 8))
def test_spread_keeps_both_ends_and_the_order(items: list[int], most: int) -> None:
    chosen = spread(items, most)
    assert len(chosen) == min(len(items), most)
    assert [item for item in items if item in chosen] == chosen
    assert chosen[:1] + chosen[-1:] == items[:1] + items[-1:]


def test_one_point_for_each_place() -> None:
    twins = [result("a", cycles=1, accuracy=0.5), result("b", cycles=1, accuracy=0.5)]
    found: tuple[Result, ...] = best(twins, OBJECTIVES["cycles"], OBJECTIVES["accuracy"])
    assert [point.key for point in found] == ["a"]
