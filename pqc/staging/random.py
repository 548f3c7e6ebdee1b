"""Nodes that compute something else each time: neither calibration nor a comparison would mean anything."""

from __future__ import annotations

import onnx

from pqc.frontend.folding import RANDOM


def is_random(node: onnx.NodeProto) -> bool:
    """Whether a node, or one in a graph inside of it, is random; a Dropout that is refused is, for it trains."""
    inside = (graph for attribute in node.attribute for graph in (attribute.g, *attribute.graphs))
    return node.op_type in {*RANDOM, "Dropout"} or any(is_random(inner) for graph in inside for inner in graph.node)
