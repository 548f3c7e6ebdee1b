"""How much it matters what a layer gives: by what a small change of it changes the network's outputs.

Gradients g of the float network go back from random sums of its outputs. When a layer's results move by d at some
position, the outputs move by (g^T d)^2 on average over these sums: |g|^2 says how much the position matters, and the
mean of g g^T over all positions which directions do. A few sums are enough to choose by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
from xdsl.dialects.func import ReturnOp
from xdsl.ir import Block, Operation, SSAValue

from pqc.codebook.importance import Importance
from pqc.dialects import onnx
from pqc.dialects.onnx import shape_of
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.passes.backpropagation import RANDOM_SUMS, backward, differentiable, forward, reached_from
from pqc.passes.fitted_layers import Layer
from pqc.passes.gradient_rules import inside_bounds
from pqc.workers import in_parallel

FRAMES_AT_ONCE = 32
"""Frames that go through the network together in one thread, at most."""

ELEMENTS_AT_ONCE = 1 << 23
"""Elements of all results of these frames, at most, unless one frame has more: 32 MiB."""


def importance_of(
    block: Block, layers: Sequence[Layer], frames: Sequence[FloatArray], seed: int
) -> dict[Layer, Importance]:
    """For each of ``layers`` how much it matters where and in which direction its results are wrong.

    A layer has none where something lies behind it that no gradient goes through: a product-quantized layer that the
    model brought along.
    """
    ops = differentiable(block)
    if not ops:
        return {}
    reached = reached_from(ops, layers)
    elements = sum(prod(shape_of(op.results[0])[1:]) for op in ops if not isinstance(op, ReturnOp))
    step = max(1, min(FRAMES_AT_ONCE, ELEMENTS_AT_ONCE // elements))

    def of(first: int) -> dict[Layer, Importance]:
        part = slice(first, first + step)
        values = forward(block, [x[part] for x in frames])
        return _backward(ops, values, reached, layers, (seed, first))

    parts = in_parallel(of, range(0, len(frames[0]), step))
    return {layer: _together([part[layer] for part in parts]) for layer in layers}


def _together(parts: Sequence[Importance]) -> Importance:
    """That of all frames."""
    positions = np.concatenate([part.positions for part in parts])
    return Importance(positions, np.sum([part.directions for part in parts], axis=0))


def _backward(
    ops: Sequence[Operation],
    values: Mapping[SSAValue, AnyArray],
    reached: set[SSAValue],
    layers: Sequence[Layer],
    seed: tuple[int, int],
) -> dict[Layer, Importance]:
    """By gradients of random sums of the outputs with respect to each layer's results before bounds."""
    random = np.random.default_rng(seed)
    found = {layer: _none(values[layer.result]) for layer in layers}
    for _ in range(RANDOM_SUMS):
        for value, gradient in backward(ops, values, reached, random):
            op = value.owner
            if isinstance(op, onnx.ConvOp | onnx.GemmOp) and op in found:
                found[op] = _more(found[op], inside_bounds(op, values[value], gradient))
    return found


def _none(result: FloatArray) -> Importance:
    """Of a result that does not matter."""
    frames, outputs = result.shape[:2]
    return Importance(np.zeros((frames, prod(result.shape[2:])), np.float32), np.zeros((outputs, outputs)))


def _more(known: Importance, gradient: FloatArray) -> Importance:
    """With one more gradient."""
    frames, outputs = gradient.shape[:2]
    flat = gradient.reshape(frames, outputs, -1)
    rows = flat.transpose(1, 0, 2).reshape(outputs, -1)
    squares = np.square(flat).sum(axis=1) / np.float32(RANDOM_SUMS)
    return Importance(known.positions + squares, known.directions + (rows @ rows.T).astype(np.float64))
