"""The picture of the layers: cycles in a frame, beside the paper's model and the bound of the busiest unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bokeh.models import DataRange1d
from bokeh.plotting import figure

from pqc.report.html.plot import KINDS, Columns, canvas, explain_on_hover, select_on_tap, source_of

ROW = 24
"""Pixels of a layer."""


def layer_columns(report: Mapping[str, Any]) -> Columns:
    """A row for each layer, in the order of execution; figures that mean nothing for a layer are NaN."""
    layers = report["layers"]
    return {
        "node": [layer["node"] for layer in layers],
        "cycles": [layer["cycles"] for layer in layers],
        "alone": [layer["pq_cycles"] if layer["pq"] else float("nan") for layer in layers],
        "paper": [layer["paper_model_cycles"] if layer["pq"] else float("nan") for layer in layers],
        "busiest": [layer["unit_cycles"].get(layer["bound"], 0) for layer in layers],
        "bound": [layer["bound"] for layer in layers],
        "colour": [KINDS.get(layer["runs_on"], KINDS["vector"]) for layer in layers],
    }


def layer_bars(columns: Columns) -> figure:
    """Bars for cycles in the frame; marks for the layers by themselves, the paper's model and the bound."""
    source, nodes = source_of(columns), list(columns["node"])
    plot = canvas(
        y_range=nodes[::-1],
        x_range=DataRange1d(start=0),
        height=90 + ROW * len(nodes),
        x_axis_label="cycles of a frame",
        x_axis_location="above",
    )
    bars = plot.hbar(
        y="node", right="cycles", height=0.62, color="colour", source=source, legend_label="in the whole network"
    )
    marks = [
        plot.scatter(x="alone", y="node", marker="circle", size=8, color="#111827", source=source,
                     legend_label="the PQ layers alone"),
        plot.scatter(x="paper", y="node", marker="diamond", size=11, fill_color=None, line_color="#b5477d",
                     line_width=2, source=source, legend_label="the paper's model"),
        plot.scatter(x="busiest", y="node", marker="dash", size=14, angle=1.5708, line_color="#374151",
                     line_width=2, source=source, legend_label="the busiest unit"),
    ]  # fmt: skip
    lines = [
        *(("layer", "@node"), ("in the network", "@cycles{0,0.[0]}"), ("PQ layers alone", "@alone{0,0.[0]}")),
        *(("paper's model", "@paper{0,0}"), ("busiest unit", "@bound: @busiest{0,0.[0]}")),
    ]
    explain_on_hover(plot, [bars, *marks], lines)
    select_on_tap(plot, [bars, *marks])
    plot.legend.location = "bottom_right"
    plot.legend.click_policy = "hide"
    return plot
