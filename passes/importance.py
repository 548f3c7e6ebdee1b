"""How much it matters what a layer gives at each position: by what a small change there changes the network's outputs.

Gradients of the float network go back from random sums of its outputs. At a position of a layer, the squared gradient
summed over the layer's results is, on average over these sums, how far the outputs move when all results there move by
a random bit. A few sums are enough to choose positions by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, Operation, SSAValue

from pqc.dialects import onnx
from pqc.dialects.blob import ConstantOp
from pqc.dialects.onnx import shape_of
from pqc.interpreter.reference import execute
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.passes.fitted_layers import Layer
from pqc.passes.gradient_rules import RULES, inside_bounds
from pqc.workers import in_parallel

RANDOM_SUMS = 4
"""Gradients for each frame."""

FRAMES_AT_ONCE = 32
"""Frames that go through the network together in one thread, at most."""

ELEMENTS_AT_ONCE = 1 << 23
"""Elements of all results of these frames, at most, unless one frame has more: 32 MiB."""


def importance_of(
    block: Block, layers: Sequence[Layer], frames: Sequence[FloatArray], seed: int
) -> dict[Layer, FloatArray]:
    """For each of ``layers`` how much each position matters, [frames, columns].

    A layer has none where something lies behind it that no gradient goes through: a product-quantized layer that the
    model brought along.
    """
    ops = [op for op in block.ops if not isinstance(op, ConstantOp)]
    if any(type(op) not in RULES for op in ops[:-1]):
        return {}
    reached = _reached(ops, layers)
    shapes = {layer: shape_of(layer.result) for layer in layers}
    count = len(frames[0])
    found = {layer: np.zeros((count, prod(shape[2:])), np.float32) for layer, shape in shapes.items()}
    elements = sum(prod(shape_of(op.results[0])[1:]) for op in ops if not isinstance(op, ReturnOp))
    step = max(1, min(FRAMES_AT_ONCE, ELEMENTS_AT_ONCE // elements))

    def fill(first: int) -> None:
        part = slice(first, first + step)
        values = _forward(block, [x[part] for x in frames])
        for layer, squares in _backward(ops, values, reached, found, (seed, first)).items():
            found[layer][part] = squares

    in_parallel(fill, range(0, count, step))
    return found


def _reached(ops: Sequence[Operation], layers: Sequence[Layer]) -> set[SSAValue]:
    """What a layer of interest has a say in."""
    reached: set[SSAValue] = set()
    for op in ops:
        if op in layers or any(value in reached for value in op.operands):
            reached.update(op.results)
    return reached


def _forward(block: Block, inputs: Sequence[FloatArray]) -> dict[SSAValue, AnyArray]:
    """Everything that the network computes."""
    values: dict[SSAValue, AnyArray] = dict(zip(block.args, inputs, strict=True))
    for op in block.ops:
        if not isinstance(op, ReturnOp):
            values.update(zip(op.results, execute(op, [values[value] for value in op.operands]), strict=True))
    return values


def _backward(
    ops: Sequence[Operation],
    values: Mapping[SSAValue, AnyArray],
    reached: set[SSAValue],
    layers: Mapping[Layer, FloatArray],
    seed: tuple[int, int],
) -> dict[Layer, FloatArray]:
    """Squared gradients of each layer's results before bounds, [frames, columns], on average over random sums."""
    random = np.random.default_rng(seed)
    squares: dict[Layer, FloatArray] = {}
    for _ in range(RANDOM_SUMS):
        known: dict[SSAValue, FloatArray] = {}
        for output in ops[-1].operands:
            _add(known, output, random.standard_normal(values[output].shape).astype(np.float32))
        for op in reversed(ops[:-1]):
            gradient = known.pop(op.results[0], None)
            if gradient is None or op.results[0] not in reached:
                continue
            gradient = inside_bounds(op, values[op.results[0]], gradient)
            if isinstance(op, onnx.ConvOp | onnx.GemmOp) and op in layers:
                flat = gradient.reshape(*gradient.shape[:2], -1)
                squares[op] = squares.get(op, np.float32(0)) + np.square(flat).sum(axis=1) / RANDOM_SUMS
            wanted = [value in reached for value in op.operands]
            operands = [values[value] for value in op.operands]
            for value, one in zip(op.operands, RULES[type(op)](op, operands, gradient, wanted), strict=True):
                if one is not None:
                    _add(known, value, one)
    return squares


def _add(known: dict[SSAValue, FloatArray], value: SSAValue, gradient: FloatArray) -> None:
    known[value] = known[value] + gradient if value in known else gradient
