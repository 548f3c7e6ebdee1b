"""What a sweep can be judged by: which figure, whether more is better, and how to show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pqc.errors import ModelError


@dataclass(frozen=True)
class Objective:
    """A figure of a point.

    ``label`` and ``unit`` say what it is, ``short`` in a word, ``factor`` brings the figure to the unit, and
    ``decimals`` are those that a person wants to see.
    """

    name: str
    figure: str
    short: str
    label: str
    unit: str = ""
    maximize: bool = False
    factor: float = 1.0
    decimals: int = 0

    @property
    def title(self) -> str:
        """Label and unit."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    def text(self, value: float) -> str:
        """A value in the objective's unit, for a person."""
        return f"{value * self.factor:,.{self.decimals}f}"


OBJECTIVES = {
    objective.name: objective
    for objective in (
        Objective("cycles", "cycles", "cycles", "cycles of one more frame"),
        Objective("latency", "latency", "latency", "cycles of one frame from cold"),
        Objective("pq_cycles", "pq_cycles", "PQ cycles", "cycles of the PQ layers, per frame"),
        Objective("time", "microseconds", "time", "time per frame", "µs", decimals=1),
        Objective("area", "area_clb", "area", "area of the PQ units", "CLB"),
        Objective("table_bytes", "table_bytes", "tables", "tables", "KiB", factor=1 / 1024, decimals=1),
        Objective("accuracy", "accuracy", "accuracy", "top-1 accuracy", "%", maximize=True, factor=100, decimals=2),
        Objective("error", "error", "error", "normalized error of the outputs", decimals=4),
    )
}
"""All objectives by name."""

DEFAULT = ("cycles", "area", "table_bytes", "accuracy")

FEWEST = 2
"""With one objective there is no trade-off to look at."""


def choose(names: Sequence[str], labelled: bool) -> tuple[Objective, ...]:
    """The objectives of these names; without labels the error stands in for the accuracy.

    Raises:
        ModelError: a name is unknown or stands twice, or there are too few.
    """
    found: dict[str, Objective] = {}
    for name in names:
        if name not in OBJECTIVES:
            raise ModelError(f"--objectives: there is no objective {name!r}; there are {', '.join(OBJECTIVES)}")
        objective = OBJECTIVES[name if labelled or name != "accuracy" else "error"]
        if objective.name in found:
            raise ModelError(f"--objectives: {objective.name!r} stands there twice")
        found[objective.name] = objective
    if len(found) < FEWEST:
        raise ModelError(f"--objectives: at least {FEWEST} are needed, there are {len(found)}")
    return tuple(found.values())
