"""Graphs are cut into as few stages as their edges allow, and nothing is lost between them."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.errors import ModelError
from pqc.planning.partition import GraphNode, partition


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[GraphNode], list[str]]:
    """Nodes in order, each of one or two values, and some values as outputs."""
    nodes: list[GraphNode] = []
    values = ["x", "z"]
    for place in range(draw(st.integers(1, 10))):
        reads = draw(st.lists(st.sampled_from(values), max_size=3))
        makes = [f"v{place}.{index}" for index in range(draw(st.integers(1, 2)))]
        nodes.append(GraphNode(f"n{place}", tuple(reads), tuple(makes), draw(st.booleans())))
        values += makes
    return nodes, draw(st.lists(st.sampled_from(values), min_size=1, unique=True))


def chain(places: str) -> list[GraphNode]:
    """A node behind the other: ``a`` on the accelerator, ``h`` on the host."""
    names = ["x", *(f"v{place}" for place in range(len(places)))]
    return [
        GraphNode(f"n{place}", (names[place],), (names[place + 1],), kind == "h") for place, kind in enumerate(places)
    ]


def fewest(nodes: list[GraphNode]) -> int:
    """How many stages any order needs that alternates: for each place to begin in, what the longest way asks for.

    A way through the graph asks for a stage more than it has changes of place, and for one more if it does not begin
    where the stages do.
    """
    makers = {value: node for node in nodes for value in node.makes}
    needed: dict[bool, int] = {}
    for first_on_host in (False, True):
        longest: dict[str, int] = {}
        for node in nodes:
            ways = [1 + (node.on_host != first_on_host)]
            before = [makers[value] for value in node.reads if value in makers]
            ways += [longest[maker.name] + (maker.on_host != node.on_host) for maker in before]
            longest[node.name] = max(ways)
        begins = any(longest[node.name] == 1 for node in nodes)
        needed[first_on_host] = max(longest.values()) - (not begins)
    return min(needed.values())


@given(graphs())
def test_every_node_is_in_one_stage_and_every_edge_goes_forward(graph: tuple[list[GraphNode], list[str]]) -> None:
    nodes, outputs = graph
    parts = partition(nodes, outputs)
    assert sorted(place for part in parts for place in part.nodes) == list(range(len(nodes)))
    known = {"x", "z"}
    for part in parts:
        assert part.nodes
        assert {nodes[place].on_host for place in part.nodes} == {part.on_host}
        assert known.issuperset(part.inputs)
        inside = set(part.inputs)
        for place in part.nodes:
            assert inside.issuperset(nodes[place].reads)
            inside.update(nodes[place].makes)
        assert inside.issuperset(part.outputs)
        assert len(set(part.inputs)) == len(part.inputs)
        known.update(part.outputs)
    assert known.issuperset(outputs)


@given(graphs())
def test_stages_alternate_and_are_as_few_as_can_be(graph: tuple[list[GraphNode], list[str]]) -> None:
    nodes, outputs = graph
    parts = partition(nodes, outputs)
    assert all(before.on_host != after.on_host for before, after in pairwise(parts))
    assert len(parts) == fewest(nodes)


@given(graphs())
def test_what_leaves_a_stage_is_read(graph: tuple[list[GraphNode], list[str]]) -> None:
    nodes, outputs = graph
    parts = partition(nodes, outputs)
    for index, part in enumerate(parts):
        later = {value for other in parts[index + 1 :] for value in other.inputs}
        assert (later | set(outputs)).issuperset(part.outputs)


@pytest.mark.parametrize(
    ("places", "stages"),
    [("aaa", "a"), ("aah", "ah"), ("aha", "aha"), ("ha", "ha"), ("hah", "hah"), ("h", "h")],
)
def test_chains(places: str, stages: str) -> None:
    parts = partition(chain(places), [f"v{len(places) - 1}"])
    assert "".join("h" if part.on_host else "a" for part in parts) == stages


def test_branches_that_begin_in_both_places_share_stages() -> None:
    nodes = [
        GraphNode("one", ("x",), ("a",), on_host=True),
        GraphNode("two", ("x",), ("b",), on_host=False),
        GraphNode("three", ("a", "b"), ("c",), on_host=False),
    ]
    assert [part.nodes for part in partition(nodes, ["c"])] == [(0,), (1, 2)]


def test_what_is_no_order_is_refused() -> None:
    late = [GraphNode("one", ("b",), ("a",), on_host=False), GraphNode("two", ("x",), ("b",), on_host=False)]
    with pytest.raises(ModelError, match="node 'one' reads 'b', which nothing before it makes"):
        partition(late, ["a"])
    twice = [GraphNode("one", (), ("a",), on_host=False), GraphNode("two", (), ("a",), on_host=False)]
    with pytest.raises(ModelError, match="nodes 'one' and 'two' both make 'a'"):
        partition(twice, ["a"])
