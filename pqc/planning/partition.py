"""Cutting a graph into stages, alternately on the accelerator and on the host: as few as its edges allow."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from pqc.errors import ModelError


@dataclass(frozen=True)
class GraphNode:
    """A node as far as cutting looks at it: the values that it reads and makes, and where it is executed.

    What no node makes comes from outside.
    """

    name: str
    reads: tuple[str, ...]
    makes: tuple[str, ...]
    on_host: bool


@dataclass(frozen=True)
class Part:
    """A stage: the nodes in it, by their places in the graph, and what enters and leaves.

    ``inputs`` are values from outside or of earlier stages, ``outputs`` those that later stages or the graph's outputs
    read; both in the order in which the nodes name them, each once.
    """

    on_host: bool
    nodes: tuple[int, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def partition(nodes: Sequence[GraphNode], outputs: Sequence[str]) -> tuple[Part, ...]:
    """The stages of a graph, in their order; two that follow each other run in different places.

    A node is in the earliest stage of its kind that is none before those of the nodes whose values it reads. That is
    the least number of stages, for the one that begins with the accelerator or the one that begins with the host; of
    two that are as short, the first.

    Args:
        nodes: the graph, each node behind those whose values it reads.
        outputs: the values that leave the graph.

    Raises:
        ModelError: a node reads what a later one makes, or a value is made twice.
    """
    makers = _makers(nodes)
    orders = [_stages(nodes, makers, first_on_host) for first_on_host in (False, True)]
    stages = min(orders, key=lambda order: len(set(order)))
    return tuple(_part(nodes, makers, stages, stage, outputs) for stage in sorted(set(stages)))


def _makers(nodes: Sequence[GraphNode]) -> dict[str, int]:
    """Which node makes each value."""
    makers: dict[str, int] = {}
    for place, node in enumerate(nodes):
        for value in node.makes:
            if value in makers:
                raise ModelError(f"nodes {nodes[makers[value]].name!r} and {node.name!r} both make '{value}'")
            makers[value] = place
    for place, node in enumerate(nodes):
        for value in node.reads:
            if makers.get(value, -1) >= place:
                raise ModelError(f"node {node.name!r} reads '{value}', which nothing before it makes")
    return makers


def _stages(nodes: Sequence[GraphNode], makers: dict[str, int], first_on_host: bool) -> list[int]:
    """The number of each node's stage where stage 0 is on the host or not."""
    found: list[int] = []
    for node in nodes:
        first = int(node.on_host != first_on_host)
        behind = [found[makers[value]] for value in node.reads if value in makers]
        lowest = max([first, *behind])
        found.append(lowest + (lowest - first) % 2)
    return found


def _part(
    nodes: Sequence[GraphNode], makers: dict[str, int], stages: Sequence[int], stage: int, outputs: Sequence[str]
) -> Part:
    own = [place for place, at in enumerate(stages) if at == stage]
    made = [value for place in own for value in nodes[place].makes]
    read = dict.fromkeys(value for place in own for value in nodes[place].reads)
    wanted = _read_elsewhere(nodes, stages, stage) | set(outputs)
    return Part(
        on_host=nodes[own[0]].on_host,
        nodes=tuple(own),
        inputs=tuple(value for value in read if value not in makers or stages[makers[value]] != stage),
        outputs=tuple(value for value in made if value in wanted),
    )


def _read_elsewhere(nodes: Sequence[GraphNode], stages: Sequence[int], stage: int) -> Set[str]:
    return {value for node, at in zip(nodes, stages, strict=True) if at != stage for value in node.reads}
