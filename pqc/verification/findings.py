"""What a comparison found: how far results are apart, and where they first are further apart than they may be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from xdsl.ir import Operation

from pqc.numerics.arrays import AnyArray
from pqc.verification.execution import Execution, Value


class Failure(Protocol):
    """Something that is not as it should be."""

    @property
    def sentence(self) -> str:
        """In words."""
        ...

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        ...


@dataclass(frozen=True)
class Violation:
    """A rule that is broken, of which there is no more to say than the sentence."""

    sentence: str

    def as_json(self) -> dict[str, Any]:
        """The sentence."""
        return {"sentence": self.sentence}


@dataclass(frozen=True)
class Difference:
    """The first element that is not what it should be."""

    node: str
    element: tuple[int, ...]
    """Its place in the result [frames, ...] of the node."""
    expected: float
    found: float
    operation: str
    """What gave it."""

    @property
    def sentence(self) -> str:
        """In words."""
        by = f", given by {self.operation}" if self.operation else ""
        numbers = f"{self.expected:.9g} before, {self.found:.9g} after"
        return f"node {self.node!r}, element {list(self.element)}: {numbers}{by}"

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return vars(self) | {"element": list(self.element)}


@dataclass(frozen=True)
class Differences:
    """The first different element of each node that is wrong by itself."""

    nodes: Sequence[Difference]

    @property
    def sentence(self) -> str:
        """In words."""
        count = f"{len(self.nodes)} nodes are wrong by themselves: " if len(self.nodes) > 1 else ""
        return count + "; ".join(difference.sentence for difference in self.nodes)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"nodes": [difference.as_json() for difference in self.nodes]}


@dataclass(frozen=True)
class Finding:
    """How results compare."""

    rule: str
    """What had to hold, in words."""
    compared: int
    """Nodes or instructions that were compared."""
    worst: float = 0.0
    """The largest distance, in the unit of the rule."""
    worst_node: str = ""
    failure: Failure | None = None
    """None if all is as it should be."""


@dataclass(frozen=True)
class Pair:
    """What a node should give and what it gives, both [frames, ...], and how far they may be apart."""

    node: str
    expected: AnyArray
    found: AnyArray
    bound: AnyArray | float
    unit: float
    """What distances are divided by when they are told."""
    maker: Operation | None
    """The operation that gives it, or the region that holds it."""


def compared(rule: str, pairs: Iterable[Pair], after: Execution) -> Finding:
    """Compare until the first difference, in the order of the pairs, which are of ``after``."""
    count, worst, worst_node = 0, -1.0, ""
    for pair in pairs:
        count += 1
        if pair.expected.shape != pair.found.shape:
            shapes = f"{list(pair.expected.shape)} before, {list(pair.found.shape)} after"
            return Finding(rule, count, np.inf, pair.node, Violation(f"node {pair.node!r} gives {shapes}"))
        # what is equal is not subtracted: infinity, the error of a layer whose results never differ, has no difference
        distance = np.zeros(pair.expected.shape)
        differs = pair.expected != pair.found
        distance[differs] = np.abs(pair.expected[differs].astype(np.float64) - pair.found[differs])
        largest = float(distance.max(initial=0.0)) / pair.unit
        if largest > worst:
            worst, worst_node = largest, pair.node
        # what is not a number is as far away as can be
        beyond = ~(distance <= pair.bound)
        if beyond.any():
            place = tuple(int(index) for index in np.argwhere(beyond)[0])
            numbers = float(pair.expected[place]), float(pair.found[place])
            operation = after.operation_that_gave(pair.maker, place)
            return Finding(rule, count, worst, worst_node, Difference(pair.node, place, *numbers, operation))
    return Finding(rule, count, max(worst, 0.0), worst_node)


def all_compared(rule: str, pairs: Iterable[Pair], after: Execution) -> Finding:
    """Compare all pairs, each by itself: the failure has every one that differs."""
    found = [compared(rule, [pair], after) for pair in pairs]
    worst = max(found, key=lambda one: one.worst, default=Finding(rule, 0))
    wrong = [one.failure for one in found if one.failure is not None]
    shapes = next((failure for failure in wrong if not isinstance(failure, Difference)), None)
    differences = Differences([failure for failure in wrong if isinstance(failure, Difference)])
    failure = shapes or (differences if wrong else None)
    return Finding(rule, len(found), worst.worst, worst.worst_node, failure)


def common(before: Execution, after: Execution) -> Iterator[tuple[str, Value, Value]]:
    """What both executions have, in the order of the later one, and the outputs last.

    A pass may change how a result is laid out, as that of a matrix product that becomes a convolution.
    """
    for name, found in after.values.items():
        if name in before.values:
            yield name, before.values[name], found.laid_out_as(before.values[name])
    for name, found in after.outputs.items():
        yield f"output {name}", before.outputs[name], found.laid_out_as(before.outputs[name])
