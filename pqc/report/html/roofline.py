"""The roofline of the product-quantized layers: lookups a cycle over lookups a byte (Williams et al., CACM 2009)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bokeh.plotting import figure

from pqc.planning.target import Target
from pqc.report.html.plot import Columns, canvas, explain_on_hover, select_on_tap, source_of


@dataclass(frozen=True)
class Roof:
    """What a target can do at most: lookups a cycle, and bytes from the external memory a cycle."""

    lookups: float
    bytes: float

    @staticmethod
    def of(target: Target) -> Roof:
        """The roof of a target: a lookup is one table entry added to one accumulator."""
        return Roof(target.lookup.output_lanes * target.lookup.subspace_lanes, target.bits_per_cycle / 8)

    def at(self, intensity: float) -> float:
        """Lookups a cycle, at most, for ``intensity`` lookups a byte."""
        return min(self.lookups, intensity * self.bytes)


def roofline_columns(report: Mapping[str, Any], roof: Roof) -> Columns:
    """A row for each PQ layer: lookups a byte, and a cycle of the unit that is busiest with it."""
    layers = [layer for layer in report["layers"] if layer["pq"] and layer["dram_bytes"] and layer["columns"]]
    lookups = [layer["columns"] * layer["subspaces"] * layer["outputs"] for layer in layers]
    intensity = [count / layer["dram_bytes"] for count, layer in zip(lookups, layers, strict=True)]
    busiest = [max(layer["unit_cycles"].values()) for layer in layers]
    rate = [count / cycles for count, cycles in zip(lookups, busiest, strict=True)]
    return {
        "node": [layer["node"] for layer in layers],
        "intensity": intensity,
        "rate": rate,
        "share": [one / roof.at(x) for one, x in zip(rate, intensity, strict=True)],
        "lookups": lookups,
        "bound": [layer["bound"] for layer in layers],
    }


def roofline(columns: Columns, roof: Roof) -> figure:
    """Layers below the roof: under its slope more bandwidth helps, under its flat part more lanes."""
    ridge = roof.lookups / roof.bytes
    measured = [float(x) for x in columns["intensity"]] or [ridge]
    span = [min([ridge, *measured]) / 4, ridge, max([ridge, *measured]) * 4]
    plot = canvas(
        height=440, x_axis_type="log", y_axis_type="log", tools="pan,wheel_zoom,box_zoom,reset,save",
        x_axis_label="lookups for each byte from the external memory", y_axis_label="lookups a cycle",
    )  # fmt: skip
    plot.line(span, [roof.at(x) for x in span], color="#374151", line_width=2)
    source = source_of(columns)
    dots = plot.scatter(x="intensity", y="rate", size=11, color="#2a6fbb", alpha=0.8, source=source)
    lines = [
        *(("layer", "@node"), ("lookups", "@lookups{0,0}"), ("a cycle", "@rate{0,0.[0]}")),
        *(("a byte", "@intensity{0,0.[00]}"), ("of the roof", "@share{0.[0]%}"), ("busiest unit", "@bound")),
    ]
    explain_on_hover(plot, [dots], lines)
    select_on_tap(plot, [dots])
    return plot
