"""The picture of the network: layers from top to bottom, coloured by the units that compute them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import networkx as nx
from bokeh.plotting import figure

from pqc.passes.node_graph import NodeGraph
from pqc.report.html.plot import KINDS, Columns, canvas, explain_on_hover, select_on_tap, source_of
from pqc.report.text import figure as number

ROW = 44
"""Pixels between two ranks."""
WIDTH, HEIGHT = 0.86, 0.62
"""Of a box, where neighbours of a rank and ranks are one apart."""

ENDS = ("x0", "y0", "x1", "y1", "cx0", "cy0", "cx1", "cy1")
"""Columns of curves: where they begin and end, and what bends them."""


@dataclass(frozen=True)
class Place:
    """Where a vertex stands: its rank is the longest way to it from an input."""

    across: float
    rank: int


def places(graph: NodeGraph) -> list[Place]:
    """A place for each vertex: ranks from top to bottom, in a rank in the order of what feeds them."""
    directed = nx.DiGraph(graph.edges)
    directed.add_nodes_from(range(len(graph.vertices)))
    found: dict[int, Place] = {}
    for rank, generation in enumerate(nx.topological_generations(directed)):
        feeding = {one: [found[before].across for before in directed.predecessors(one)] for one in generation}
        order = sorted(generation, key=lambda one: (sum(feeding[one]) / max(len(feeding[one]), 1), one))
        for position, one in enumerate(order):
            found[one] = Place(position - (len(order) - 1) / 2, rank)
    return [found[index] for index in range(len(graph.vertices))]


def box_columns(graph: NodeGraph, layers: Sequence[Mapping[str, Any]]) -> Columns:
    """A row for each vertex; what has no instructions of its own, or no cycles, says so by its colour and text."""
    known = {layer["node"]: layer for layer in layers}
    own = [known.get(vertex.node) for vertex in graph.vertices]
    where = places(graph)
    return {
        "node": [vertex.node for vertex in graph.vertices],
        "operation": [vertex.operation for vertex in graph.vertices],
        "result": [vertex.result for vertex in graph.vertices],
        "x": [place.across for place in where],
        "y": [-place.rank for place in where],
        "label": [_label(v.node, layer) for v, layer in zip(graph.vertices, own, strict=True)],
        "colour": [KINDS.get(layer["runs_on"], KINDS["vector"]) if layer else KINDS[""] for layer in own],
        "ink": ["white" if layer else "#374151" for layer in own],
        "cycles": [layer["cycles"] if layer else float("nan") for layer in own],
    }


def _label(node: str, layer: Mapping[str, Any] | None) -> str:
    return node if layer is None else f"{node}   {number(layer['cycles'])}"


def edge_columns(graph: NodeGraph) -> Columns:
    """A curve for each edge, which bends aside where it passes other ranks."""
    where = places(graph)
    curves = [_curve(where[a], where[b]) for a, b in graph.edges]
    return {name: [curve[index] for curve in curves] for index, name in enumerate(ENDS)}


def _curve(a: Place, b: Place) -> tuple[float, ...]:
    """From below ``a`` to above ``b``; from side to side around what stands between them."""
    if b.rank == a.rank + 1:
        top, bottom = -a.rank - HEIGHT / 2, -b.rank + HEIGHT / 2
        middle = (top + bottom) / 2
        return a.across, top, b.across, bottom, a.across, middle, b.across, middle
    side = -1 if a.across < 0 else 1
    first, last = a.across + side * WIDTH / 2, b.across + side * WIDTH / 2
    outside = side * (max(side * first, side * last) + 0.1 + 0.04 * (b.rank - a.rank))
    return first, -a.rank, last, -b.rank, outside, -a.rank, outside, -b.rank


def network(boxes: Columns, edges: Columns) -> figure:
    """The boxes and the curves between them."""
    across = [float(x) for x in boxes["x"]]
    ranks = -min([0.0, *(float(y) for y in boxes["y"])]) + 1
    margin = max(1.5, (max(across) - min(across)) / 2 + 1)
    plot = canvas(
        height=int(60 + ROW * ranks), x_range=(-margin, margin), y_range=(0.5 - ranks, 0.5), tools="pan,reset,save"
    )
    plot.axis.visible = False
    plot.grid.visible = False
    plot.bezier(
        x0="x0", y0="y0", x1="x1", y1="y1", cx0="cx0", cy0="cy0", cx1="cx1", cy1="cy1", source=source_of(edges),
        line_color="#9aa1ab", line_width=1.5,
    )  # fmt: skip
    source = source_of(boxes)
    drawn = plot.rect(
        x="x", y="y", width=WIDTH, height=HEIGHT, color="colour", source=source,
    )  # fmt: skip
    plot.text(
        x="x", y="y", text="label", text_color="ink", text_align="center", text_baseline="middle",
        text_font_size="12px", source=source,
    )  # fmt: skip
    lines = [
        *(("node", "@node"), ("operation", "@operation"), ("gives", "@result")),
        ("cycles of a frame", "@cycles{0,0.[0]}"),
    ]
    explain_on_hover(plot, [drawn], lines)
    select_on_tap(plot, [drawn])
    return plot
