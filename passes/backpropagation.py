"""The gradients of random sums of a float network's outputs, from its end to its beginning."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, Operation, SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.interpreter.reference import execute
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.passes.gradient_rules import RULES, inside_bounds

RANDOM_SUMS = 4
"""Gradients for each frame: a few are enough to choose by."""


def differentiable(block: Block) -> list[Operation]:
    """The operations of a network up to its return, constants left out; none where one has no gradient."""
    ops = [op for op in block.ops if not isinstance(op, ConstantOp)]
    return ops if all(type(op) in RULES for op in ops[:-1]) else []


def reached_from(ops: Sequence[Operation], starts: Collection[Operation | SSAValue]) -> set[SSAValue]:
    """What the operations and values ``starts`` have a say in."""
    reached = {start for start in starts if isinstance(start, SSAValue)}
    for op in ops:
        if op in starts or any(value in reached for value in op.operands):
            reached.update(op.results)
    return reached


def forward(block: Block, inputs: Sequence[FloatArray]) -> dict[SSAValue, AnyArray]:
    """Everything that the network computes."""
    values: dict[SSAValue, AnyArray] = dict(zip(block.args, inputs, strict=True))
    for op in block.ops:
        if not isinstance(op, ReturnOp):
            values.update(zip(op.results, execute(op, [values[value] for value in op.operands]), strict=True))
    return values


def backward(
    ops: Sequence[Operation],
    values: Mapping[SSAValue, AnyArray],
    reached: Collection[SSAValue],
    random: np.random.Generator,
) -> Iterator[tuple[SSAValue, FloatArray]]:
    """The gradient of one random sum of the outputs, by what is ``reached``: results in reverse order, then inputs."""
    known: dict[SSAValue, FloatArray] = {}
    for output in ops[-1].operands:
        _add(known, [(output, random.standard_normal(values[output].shape).astype(np.float32))])
    for op in reversed(ops[:-1]):
        gradient = known.pop(op.results[0], None)
        if gradient is None or op.results[0] not in reached:
            continue
        yield op.results[0], gradient
        wanted = [value in reached for value in op.operands]
        operands = [values[value] for value in op.operands]
        inside = inside_bounds(op, values[op.results[0]], gradient)
        _add(known, zip(op.operands, RULES[type(op)](op, operands, inside, wanted), strict=True))
    yield from ((value, gradient) for value, gradient in known.items() if value in reached)


def _add(known: dict[SSAValue, FloatArray], parts: Iterable[tuple[SSAValue, FloatArray | None]]) -> None:
    for value, gradient in parts:
        if gradient is not None:
            known[value] = known[value] + gradient if value in known else gradient
