"""What a picture of a front shows: pairs of objectives, and for each the best points under several limits on a third.

The best points of two objectives alone say little: the fewest cycles for an accuracy always cost the largest area.
So the quality over the first objective has a line for each of several limits on the second one, and the second over
the first has a line for each of several qualities that are asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from pqc.exploration.objectives import Objective
from pqc.exploration.pareto import front
from pqc.exploration.results import Result, Results

Item = TypeVar("Item")

QUALITIES = ("accuracy", "error")
"""Objectives that belong on the vertical axis."""

LINES = 3
"""Lines of a panel, at most."""

NUMBERED = {1: 6, 2: 4, 3: 3}
"""Points of a line that are numbered, at most, by the number of lines in the panel."""


@dataclass(frozen=True)
class Line:
    """Points that no other one beats in two respects under one limit, and what the limit is."""

    label: str
    points: tuple[Result, ...]


@dataclass(frozen=True)
class Panel:
    """Two objectives, the lines of the best points, and which of these points are numbered."""

    x: Objective
    y: Objective
    lines: tuple[Line, ...]
    numbered: tuple[Result, ...]

    def at(self, result: Result) -> tuple[float, float]:
        """Where a point stands, in the units of the axes."""
        x, y = self.x, self.y
        return result.figures[x.figure] * x.factor, result.figures[y.figure] * y.factor


def panels(results: Results) -> list[Panel]:
    """The quality over each other objective but the second, and the second over the first."""
    quality = next((o for o in results.objectives if o.name in QUALITIES), results.objectives[-1])
    first, *others = [objective for objective in results.objectives if objective is not quality]
    if not others:
        return [_panel(results, first, quality, None)]
    second, *more = others
    return [
        _panel(results, first, quality, second),
        _panel(results, first, second, quality),
        *(_panel(results, other, quality, None) for other in more),
    ]


def best(points: Sequence[Result], x: Objective, y: Objective) -> tuple[Result, ...]:
    """Those of ``points`` that no other one beats in two respects, by ``x``; one for each place."""
    rows = [(float(point.figures[x.figure]), float(point.figures[y.figure])) for point in points]
    places: dict[tuple[float, float], Result] = {}
    for index in front(rows, [x.maximize, y.maximize]):
        places.setdefault(rows[index], points[index])
    return tuple(places[place] for place in sorted(places, reverse=x.maximize))


def levels(values: Sequence[float], maximize: bool) -> list[float]:
    """At most LINES of the values, from the least demanding limit to the most demanding one."""
    distinct = sorted(set(values), reverse=not maximize)
    return spread(distinct, LINES)


def spread(items: Sequence[Item], most: int) -> list[Item]:
    """So many items, at least two, both ends among them."""
    if len(items) <= most:
        return list(items)
    return [items[round(index * (len(items) - 1) / (most - 1))] for index in range(most)]


def numbers_of(made: Sequence[Panel]) -> dict[str, int]:
    """The number of each point that has one, by its key, in the order in which a reader meets them."""
    keys = dict.fromkeys(result.key for panel in made for result in panel.numbered)
    return {key: number for number, key in enumerate(keys, start=1)}


def _panel(results: Results, x: Objective, y: Objective, limited: Objective | None) -> Panel:
    lines: list[Line] = []
    for label, points in _limits(results.front, limited):
        found = best(points, x, y)
        if all(found != line.points for line in lines):
            lines.append(Line(label, found))
    most = NUMBERED[len(lines)]
    numbered = {point.key: point for line in lines for point in spread(line.points, most)}
    return Panel(x, y, tuple(lines), tuple(numbered.values()))


def _limits(points: Sequence[Result], limited: Objective | None) -> list[tuple[str, list[Result]]]:
    """The points under each of several limits on an objective, and what the limit is, for a person."""
    if limited is None:
        return [("best", list(points))]
    found: list[tuple[str, list[Result]]] = []
    sign = "≥" if limited.maximize else "≤"
    for level in levels([point.figures[limited.figure] for point in points], limited.maximize):
        within = [
            point for point in points if (point.figures[limited.figure] - level) * (1 if limited.maximize else -1) >= 0
        ]
        label = f"{limited.short} {sign} {limited.text(level)}{limited.unit and f' {limited.unit}'}"
        found.append((label if found else f"any {limited.short}", within))
    return found
