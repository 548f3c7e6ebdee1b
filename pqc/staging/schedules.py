"""Schedules of several programs as one, by the names of nodes, and the other way."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from pqc.errors import ModelError
from pqc.planning.schedule import Schedule


def merged(schedules: Iterable[Schedule]) -> Schedule:
    """The schedule of all stages, whose nodes have different names."""
    listed = list(schedules)
    chosen = [schedule.on_chip for schedule in listed if schedule.on_chip is not None]
    on_chip = frozenset[str]().union(*chosen) if chosen else None
    return Schedule(on_chip, {node: nest for schedule in listed for node, nest in schedule.layers.items()})


def part_of(schedule: Schedule, names: Collection[str]) -> Schedule:
    """What a schedule says of a stage whose nodes and inputs have these ``names``."""
    on_chip = None if schedule.on_chip is None else schedule.on_chip.intersection(names)
    return Schedule(on_chip, {node: nest for node, nest in schedule.layers.items() if node in names})


def check_names(schedule: Schedule, names: Collection[str]) -> None:
    """Refuse a schedule that names something else than ``names``, those of all stages on the accelerator.

    Raises:
        ModelError: so it is.
    """
    for name in [*schedule.layers, *sorted(schedule.on_chip or ())]:
        if name not in names:
            raise ModelError(f"the schedule names {name!r}, which is on no stage of the accelerator")
