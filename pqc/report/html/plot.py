"""How all pictures of the page look, and what a click on them does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt
from bokeh.core.types import ID
from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, CustomJS, HoverTool, LinearAxis, Model, NumeralTickFormatter, TapTool
from bokeh.plotting import figure

Columns: TypeAlias = Mapping[str, Sequence[Any] | npt.NDArray[np.generic]]
"""What a picture is drawn from: equally long columns by name; ``node`` says which layer each row belongs to."""

TOOLS = "xpan,xwheel_zoom,box_zoom,reset,save"

KINDS = {
    "encode+lookup": "#2a6fbb",
    "conventional": "#d9822b",
    "vector": "#3d9970",
    "transfers only": "#8a8f98",
    "": "#c7ccd4",
}
"""The colour of a layer, by the units that compute it; the last one for what has no instructions of its own."""

PALETTE = (
    *("#2a6fbb", "#d9822b", "#3d9970", "#b5477d", "#7a5fb0", "#c2a21f"),
    *("#4aa3b8", "#a4573a", "#6c8f2f", "#5c6f8a", "#d16d5b", "#8d8f3a"),
)
"""Colours of layers side by side."""

SHADES = (1.0, 0.72)
"""How opaque instructions are, in turns: a line between them would cover those of a few cycles."""

FONT = "system-ui, sans-serif"


def canvas(**options: Any) -> figure:
    """An empty picture as wide as the page."""
    settings: dict[str, Any] = {"sizing_mode": "stretch_width", "tools": TOOLS, "active_scroll": None}
    plot = figure(**(settings | options))
    plot.toolbar.logo = None
    plot.outline_line_color = None
    for axis in plot.select(LinearAxis):
        axis.update(formatter=NumeralTickFormatter(format="0,0"))
    for axis in plot.axis:
        axis.axis_label_text_font = axis.major_label_text_font = FONT
        axis.axis_label_text_font_style = "normal"
        axis.axis_line_color = axis.major_tick_line_color = "#9aa1ab"
        axis.minor_tick_line_color = None
    plot.grid.grid_line_color = "#e7eaee"
    return plot


def source_of(columns: Columns) -> ColumnDataSource:
    """The columns, as the pictures take them."""
    return ColumnDataSource(data=dict(columns))


def explain_on_hover(plot: figure, renderers: Sequence[Any], lines: Sequence[tuple[str, str]]) -> None:
    """Show a few lines, each a name and a template, where the pointer is."""
    plot.add_tools(HoverTool(renderers=list(renderers), tooltips=list(lines)))


def select_on_tap(plot: figure, renderers: Sequence[Any]) -> None:
    """A click on something shows the layer that it belongs to."""
    code = """
        const rows = cb_data.source.selected.indices;
        if (rows.length) window.pqc.showLayer(cb_data.source.data.node[rows[0]]);
        cb_data.source.selected.indices = [];
    """
    plot.add_tools(TapTool(renderers=list(renderers), callback=CustomJS(code=code)))


def picture_json(model: Model, place: str) -> Any:
    """A picture as JSON, to be drawn in the element ``place``; the same picture gives the same JSON."""
    return _renamed(json_item(model, target=ID(place)), {}, place)


def _renamed(value: Any, names: dict[str, str], place: str) -> Any:
    """``value`` with names of objects that follow from ``place`` instead of from all that was made before."""
    if isinstance(value, list):
        return [_renamed(part, names, place) for part in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    return {
        key: names.setdefault(part, f"{place}-{len(names)}")
        if key in ("id", "root_id") and isinstance(part, str)
        else _renamed(part, names, place)
        for key, part in cast("dict[str, Any]", value).items()
    }


def layer_colours(nodes: Sequence[str]) -> dict[str, str]:
    """A colour for each layer, so that neighbours differ."""
    return {node: PALETTE[index % len(PALETTE)] for index, node in enumerate(dict.fromkeys(nodes))}
