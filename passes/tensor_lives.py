"""When the activation tensors of a network live, as planning wants to know it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count

from xdsl.ir import Block, Operation, SSAValue

from pqc.dialects.location import node_name
from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.dialects.pq_types import QuantizedType
from pqc.dialects.qnn import Conv2dOp, GemmOp, RequantizeOp
from pqc.dialects.qnn_move import ReshapeOp
from pqc.passes.program_builder import map_of
from pqc.planning.residency import Resident


def tensors_read(op: Operation) -> list[SSAValue]:
    """The activation tensors that lowering ``op`` reads: of a requantization, those of the layer it ends."""
    if isinstance(op, RequantizeOp):
        producer = op.accumulator.owner
        reader = producer.codes.owner if isinstance(producer, LookupOp) else producer
        read = [reader.x] if isinstance(reader, EncodeOp | Conv2dOp | GemmOp) else []
        return [*read, op.residual] if op.residual is not None else read
    return [value for value in op.operands if isinstance(value.type, QuantizedType)]


def storage_of(value: SSAValue) -> SSAValue:
    """The value whose bytes ``value`` has: a reshape has those of its operand."""
    while isinstance(value.owner, ReshapeOp):
        value = value.owner.x
    return value


def tensor_labels(block: Block, inputs: Sequence[str]) -> dict[SSAValue, str]:
    """What the activation tensors are called: inputs by their name, others by that of the node that makes them.

    Of a node that has become several operations, the last one's result has its name; the others are numbered.
    """
    labels: dict[SSAValue, str] = dict(zip(block.args, inputs, strict=True))
    taken = set(inputs)
    for op in reversed(list(block.ops)):
        if not op.results or not isinstance(op.results[0].type, QuantizedType):
            continue
        name = node_name(op)
        numbered = (f"{name}.{number}" for number in count(2))
        labels[op.results[0]] = name if name not in taken else next(new for new in numbered if new not in taken)
        if not isinstance(op, ReshapeOp):
            taken.add(labels[op.results[0]])
    return labels


def residents_of(
    block: Block, steps: Sequence[Operation], outside: frozenset[SSAValue], label: Callable[[SSAValue], str], batch: int
) -> list[Resident]:
    """The tensors that could stay on chip: all but those ``outside``, which are results of the network.

    ``steps`` are the operations that are lowered, in order; ``label`` names a tensor.
    """
    first: dict[SSAValue, int] = dict.fromkeys(block.args, 0)
    last: dict[SSAValue, int] = {}
    reads: dict[SSAValue, int] = {}
    for number, op in enumerate(steps):
        for value in map(storage_of, tensors_read(op)):
            last[value] = number
            reads[value] = reads.get(value, 0) + 1
        if not isinstance(op, ReshapeOp):
            first[op.results[0]] = number
    found: list[Resident] = []
    for value, start in first.items():
        if value in outside or value not in last or not isinstance(value.type, QuantizedType):
            continue
        lies = map_of(value.type)
        size = lies.size * batch
        # an input is loaded once in any case, and keeps its place for good, for the next frame's
        given = value in block.args
        traffic = size * (reads[value] + (0 if given else 1))
        end = len(steps) - 1 if given else last[value]
        found.append(Resident(label(value), size, lies.rows, start, end, traffic))
    return found
