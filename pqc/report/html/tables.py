"""Tables as the page shows them: those of the text report, with numbers aligned."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pqc.report.text import Row, Table, figure

NUMBER = re.compile(r"-?[\d,.]*(e-?\d+)?( bits|%)?|-")
"""A cell that is a number, or none."""


@dataclass(frozen=True)
class PageTable:
    """A table, and which of its columns hold numbers."""

    title: str
    header: Row
    rows: tuple[Row, ...]

    @staticmethod
    def of(table: Table) -> PageTable:
        """A table of the text report."""
        return PageTable(table.title, table.header, tuple(table.rows))

    @property
    def numeric(self) -> frozenset[int]:
        """The positions of the columns whose cells are all numbers."""
        return frozenset(
            column
            for column in range(len(self.header))
            if self.rows and all(NUMBER.fullmatch(row[column]) for row in self.rows)
        )


def cycles_table(layer: Mapping[str, Any]) -> PageTable:
    """What each unit does for a layer, and what it waits for meanwhile."""
    stalls = layer["stalls"]
    units = [*layer["unit_cycles"], *(unit for unit in stalls if unit not in layer["unit_cycles"])]
    rows = tuple(
        (
            unit,
            figure(layer["unit_cycles"].get(unit, 0)),
            figure(layer["critical"].get(unit, 0)),
            ", ".join(f"{cause} {figure(cycles)}" for cause, cycles in stalls.get(unit, {}).items()),
        )
        for unit in units
    )
    return PageTable("Units, cycles of a frame", ("unit", "busy", "everything waits for it", "it waits for"), rows)


def regions_table(regions: list[Mapping[str, Any]]) -> PageTable:
    """Where a layer writes."""
    rows = tuple((x["memory"], figure(x["start"]), figure(x["stop"] - x["start"])) for x in regions)
    return PageTable("Where it writes, in bytes", ("memory", "from", "size"), rows)


def numerics_table(numerics: Mapping[str, Any]) -> PageTable:
    """How exact a layer is, figure by figure."""
    rows = tuple(
        (name.replace("_", " "), f"{value:.4g}") for name, value in numerics.items() if isinstance(value, int | float)
    )
    return PageTable("Numerics, errors squared and relative to the variance", ("figure", "value"), rows)
