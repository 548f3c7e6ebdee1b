"""Which operations of the float level can be one function of one element: a search, which changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import Block, Operation, SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.dialects.onnx import AddOp, BatchNormOp, ClipOp, ConvOp, FunctionOp, GemmOp, MulOp, PReluOp, ReluOp
from pqc.dialects.onnx_group import POINTWISE
from pqc.dialects.pq import ConvolutionOp

LAYERS = (ConvOp, GemmOp, BatchNormOp, ConvolutionOp)
"""What takes up bounds, and factors and terms of channels, that stand behind it."""


@dataclass(frozen=True)
class Group:
    """Operations in their order; the last one's result is a function of ``root`` alone, and of its channel."""

    root: SSAValue
    operations: Sequence[Operation]


def pointwise_groups(block: Block) -> list[Group]:
    """Groups that have no operation in common, as large as they can be.

    Each holds something that needs a table, and nobody outside reads what is computed inside. Bounds, factors and
    terms that stand in front are left to the layer that they follow.
    """
    roots = _roots(block)
    found: list[Group] = []
    taken: set[Operation] = set()
    for op in reversed(list(block.ops)):
        if not isinstance(op, POINTWISE) or op in taken:
            continue
        group = _largest(op, roots)
        if group is not None:
            found.append(group)
            taken.update(group.operations)
    return found


def activations(op: Operation) -> list[SSAValue]:
    """The operands that are no constants."""
    return [value for value in op.operands if not isinstance(value.owner, ConstantOp)]


def _roots(block: Block) -> dict[SSAValue, list[SSAValue]]:
    """For each result of a pointwise operation the values that it is a function of, the nearest first, itself too."""
    roots: dict[SSAValue, list[SSAValue]] = {}
    for op in block.ops:
        if not isinstance(op, POINTWISE):
            continue
        first, *others = (roots.get(value, [value]) for value in activations(op))
        roots[op.result] = [op.result, *(value for value in first if all(value in other for other in others))]
    return roots


def _largest(last: Operation, roots: dict[SSAValue, list[SSAValue]]) -> Group | None:
    """The largest group that ends in ``last``."""
    for root in reversed(roots[last.results[0]][1:]):
        inside = _between(root, last)
        if any(_needs_table(op) for op in inside) and _is_closed(inside, last):
            return _without_front(Group(root, inside))
    return None


def _between(root: SSAValue, last: Operation) -> list[Operation]:
    """What leads from ``root`` to the result of ``last``, in order."""
    inside: set[Operation] = set()
    waiting = [last]
    while waiting:
        op = waiting.pop()
        if op in inside:
            continue
        inside.add(op)
        waiting += [
            value.owner for value in activations(op) if value is not root and isinstance(value.owner, Operation)
        ]
    block = last.parent_block()
    return [] if block is None else [op for op in block.ops if op in inside]


def _is_closed(inside: Sequence[Operation], last: Operation) -> bool:
    """Whether nobody outside reads what is computed inside, but for the last result."""
    return all(use.operation in inside for op in inside if op is not last for use in op.results[0].uses)


def _needs_table(op: Operation) -> bool:
    """Whether nothing but a table, or a product of activations, does what ``op`` does."""
    return isinstance(op, FunctionOp | PReluOp) or (isinstance(op, MulOp) and len(activations(op)) == 2)


def _is_simple(op: Operation) -> bool:
    """Whether a layer in front takes it up."""
    return isinstance(op, ReluOp | ClipOp) or (isinstance(op, AddOp | MulOp) and len(activations(op)) == 1)


def _without_front(group: Group) -> Group:
    """The group without what the layer in front of it, or the sum in front, takes up."""
    root, operations = group.root, list(group.operations)
    producer = root.owner
    if not isinstance(producer, (*LAYERS, AddOp)):
        return group
    while True:
        readers = [op for op in operations if root in op.operands]
        if len(readers) != 1 or not _is_simple(readers[0]):
            return Group(root, operations)
        operations.remove(readers[0])
        root = readers[0].results[0]
