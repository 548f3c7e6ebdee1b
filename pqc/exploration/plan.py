"""What a sweep has to do: points that share a fit are grouped, and every piece of work has a key.

A key is a digest of all that a result depends on: the network, the data, the options, the target and the version of
pqc. Equal keys mean equal results, so what is recorded under a key is never computed again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from pqc.exploration.sources import Identity
from pqc.exploration.space import Point
from pqc.exploration.store import REFUSED, Record, Store
from pqc.passes.retarget import numerics_of
from pqc.version import __version__

DIGITS = 32
"""Hexadecimal digits of a key."""


@dataclass(frozen=True)
class PlannedPoint:
    """A point with the keys of its figures: ``measure`` of those of the hardware, ``fit`` and ``evaluate`` shared."""

    point: Point
    fit: str
    measure: str
    evaluate: str

    def outcome(self, store: Store) -> Record | None:
        """All figures of the point, or why there are none; None as long as work is left to do."""
        for key in (self.fit, self.measure):
            record = store.get(key)
            if record is not None and REFUSED in record:
                return record
        measured, evaluated = store.get(self.measure), store.get(self.evaluate)
        return None if measured is None or evaluated is None else {**measured, **evaluated}


@dataclass(frozen=True)
class Group:
    """Points, at least one, that share a fit and so every output bit."""

    points: tuple[PlannedPoint, ...]

    @property
    def fit(self) -> str:
        """The key of the fit."""
        return self.points[0].fit

    @property
    def evaluate(self) -> str:
        """The key of the evaluation."""
        return self.points[0].evaluate


@dataclass(frozen=True)
class Plan:
    """All points in the order of the space."""

    points: tuple[PlannedPoint, ...]

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """The points by fit, in the order of their first ones; a point that stands twice is in its group once."""
        found: dict[str, dict[str, PlannedPoint]] = {}
        for planned in self.points:
            found.setdefault(planned.fit, {}).setdefault(planned.measure, planned)
        return tuple(Group(tuple(members.values())) for members in found.values())


def make_plan(points: Sequence[Point], identity: Identity) -> Plan:
    """The work for ``points`` on the network and data of ``identity``."""
    return Plan(tuple(_planned(point, identity) for point in points))


def _planned(point: Point, identity: Identity) -> PlannedPoint:
    numerics, frames = numerics_of(point.target), identity.calibration[point.pq.images]
    fit = _key("fit", __version__, identity.model, frames, point.pq.as_json(), numerics)
    return PlannedPoint(
        point,
        fit,
        measure=_key("measure", fit, point.target.fingerprint()),
        evaluate=_key("evaluate", fit, identity.evaluation),
    )


def _key(*content: Any) -> str:
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return sha256(canonical.encode()).hexdigest()[:DIGITS]
