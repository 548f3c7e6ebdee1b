"""The picture of the numerics: the squared errors that each product-quantized layer adds, by their source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bokeh.plotting import figure

from pqc.report.html.plot import PALETTE, Columns, canvas, explain_on_hover, select_on_tap, source_of
from pqc.report.text import ERRORS

MARKERS = ("square", "triangle", "circle", "diamond", "plus", "star")
"""A marker for each of :data:`pqc.report.text.ERRORS`."""

ROW = 24
"""Pixels of a layer."""


def numerics_columns(report: Mapping[str, Any]) -> dict[str, Columns]:
    """For each source of errors that some layers have, these layers: a logarithmic axis has no place for zero."""
    having = {name: [layer for layer in report["numerics"] if layer.get(name)] for name in ERRORS}
    return {
        name: {"node": [layer["node"] for layer in layers], "error": [layer[name] for layer in layers]}
        for name, layers in having.items()
        if layers
    }


def numerics_dots(columns: dict[str, Columns], nodes: list[str]) -> figure:
    """A row for each of ``nodes``, with a mark for each source of errors."""
    plot = canvas(
        y_range=nodes[::-1], x_axis_type="log", height=110 + ROW * len(nodes), x_axis_location="above",
        x_axis_label="squared error relative to the variance",
    )  # fmt: skip
    marks = [
        plot.scatter(
            x="error", y="node", marker=marker, size=10, color=colour, alpha=0.85, source=source_of(columns[name]),
            legend_label=name.replace("_", " "), name=name.replace("_", " "),
        )
        for name, marker, colour in zip(ERRORS, MARKERS, PALETTE, strict=False)
        if name in columns
    ]  # fmt: skip
    explain_on_hover(plot, marks, [("layer", "@node"), ("error by", "$name"), ("squared error", "@error{0.0000}")])
    select_on_tap(plot, marks)
    plot.legend.location = "bottom_left"
    plot.legend.orientation = "horizontal"
    plot.legend.click_policy = "hide"
    plot.add_layout(plot.legend[0], "below")
    return plot
