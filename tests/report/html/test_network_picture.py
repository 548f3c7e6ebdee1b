"""Where the boxes of a network stand."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pqc.passes.node_graph import NodeGraph, Vertex
from pqc.report.html.document import Document
from pqc.report.html.network import Place, box_columns, edge_columns, places


@st.composite
def graphs(draw: st.DrawFn) -> NodeGraph:
    """Any graph whose vertices stand in an order of execution."""
    count = draw(st.integers(1, 9))
    pairs = [(a, b) for b in range(count) for a in range(b)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return NodeGraph(tuple(Vertex(f"n{index}", "onnx.relu", "") for index in range(count)), tuple(edges))


@given(graphs())
def test_edges_lead_down_and_no_two_boxes_overlap(graph: NodeGraph) -> None:
    where = places(graph)
    assert len(set(where)) == len(graph.vertices)
    assert all(where[a].rank < where[b].rank for a, b in graph.edges)
    for place in where:
        neighbours = sorted(one.across for one in where if one.rank == place.rank)
        assert all(b - a == 1 for a, b in pairwise(neighbours))


def test_a_residual_block() -> None:
    vertices = tuple(Vertex(name, "onnx.relu", "") for name in "abc")
    graph = NodeGraph(vertices, ((0, 1), (1, 2), (0, 2)))
    assert places(graph) == [Place(0, 0), Place(0, 1), Place(0, 2)]
    curves = edge_columns(graph)
    # around b, on the right
    assert curves["cx0"][2] > 0.5
    assert (curves["y0"][2], curves["y1"][2]) == (0, -2)


def test_boxes_of_the_digits_network(document: Document) -> None:
    graph, layers = document.recording.graph, document.report["layers"]
    assert graph is not None
    boxes = box_columns(graph, layers)
    assert {layer["node"] for layer in layers} <= set(boxes["node"])
    for layer in layers:
        row = list(boxes["node"]).index(layer["node"])
        assert boxes["cycles"][row] == layer["cycles"]
