"""The results of a sweep: all points, those on the front, and how they are written down.

Equal records give equal files: nothing here depends on when, where or in which order the work was done.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pqc.exploration.objectives import Objective
from pqc.exploration.pareto import front
from pqc.exploration.plan import Plan
from pqc.exploration.store import REFUSED, Record, Store
from pqc.version import __version__

FIGURES = (
    *("cycles", "latency", "pq_cycles", "microseconds", "area_clb", "table_bytes", "instructions"),
    *("accuracy", "error", "evaluated"),
)
"""The figures of a point, in the order of the columns."""

DONE, OPEN = "done", "open"


@dataclass(frozen=True)
class Result:
    """A point and what came of it; ``figures`` are empty if it was refused or is not done yet."""

    key: str
    settings: Mapping[str, Any]
    figures: Record
    refused: str | None

    @property
    def status(self) -> str:
        """``done``, ``refused`` or ``open``."""
        if self.refused is not None:
            return REFUSED
        return DONE if self.figures else OPEN


@dataclass(frozen=True)
class Results:
    """All points in the order of the space, what they are judged by, and the names of the settings that differ."""

    results: tuple[Result, ...]
    objectives: tuple[Objective, ...]
    varied: tuple[str, ...]

    @cached_property
    def front(self) -> tuple[Result, ...]:
        """The points that no other one beats in every respect, the best by the first objective first."""
        candidates = self.comparable()
        rows = [[float(result.figures[o.figure]) for o in self.objectives] for result in candidates]
        chosen = [candidates[index] for index in front(rows, [o.maximize for o in self.objectives])]
        return tuple(sorted(chosen, key=lambda r: [_cost(r.figures[o.figure], o) for o in self.objectives]))

    def comparable(self) -> list[Result]:
        """The points that have a figure for every objective."""
        return [
            result
            for result in self.results
            if all(result.figures.get(objective.figure) is not None for objective in self.objectives)
        ]

    def count(self, status: str) -> int:
        """How many points there are of one status."""
        return sum(result.status == status for result in self.results)


def _cost(value: float, objective: Objective) -> float:
    return -value if objective.maximize else value


def collect(plan: Plan, store: Store, objectives: Sequence[Objective], varied: Sequence[str]) -> Results:
    """What a store has for the points of a plan."""
    results: list[Result] = []
    for planned in plan.points:
        outcome = planned.outcome(store) or {}
        figures = {} if REFUSED in outcome else {name: outcome[name] for name in FIGURES if name in outcome}
        results.append(Result(planned.measure, planned.point.settings, figures, outcome.get(REFUSED)))
    return Results(tuple(results), tuple(objectives), tuple(varied))


def to_csv(results: Results, shown: Sequence[Result]) -> str:
    """A table with a line for each point ``shown``: settings, whether it is on the front, figures, refusal, key."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    names = list(results.results[0].settings)
    front_keys = {result.key for result in results.front}
    writer.writerow([*names, "status", "front", *FIGURES, REFUSED, "key"])
    for result in shown:
        cells = [value_text(result.settings[name]) for name in names]
        figures = [value_text(result.figures.get(name)) for name in FIGURES]
        on_front = int(result.key in front_keys)
        writer.writerow([*cells, result.status, on_front, *figures, result.refused or "", result.key])
    return stream.getvalue()


def value_text(value: Any) -> str:
    """A setting or a figure as text: strings as they are, nothing for None, all else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def to_json(results: Results, facts: Mapping[str, Any]) -> str:
    """Everything, for programs; ``facts`` are plain JSON values that say what was explored."""
    keys = {result.key for result in results.front}
    points = [
        {
            "key": result.key,
            "settings": result.settings,
            "status": result.status,
            "front": result.key in keys,
            **({REFUSED: result.refused} if result.refused is not None else {}),
            "figures": result.figures,
        }
        for result in results.results
    ]
    objectives = [{"name": o.name, "figure": o.figure, "maximize": o.maximize} for o in results.objectives]
    front_keys = [result.key for result in results.front]
    whole = {"pqc": __version__, **facts, "objectives": objectives, "front": front_keys, "points": points}
    return json.dumps(whole, indent=2, allow_nan=False) + "\n"
