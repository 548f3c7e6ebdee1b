"""Softmax, made of the largest element, differences from it, their exponentials and the mean of these."""

from __future__ import annotations

from math import prod

import numpy as np

from pqc.dialects.onnx import AveragePoolOp, FunctionOp, MaxPoolOp, MulOp, SubOp
from pqc.frontend.node import Node
from pqc.frontend.operators.elementwise import broadcast
from pqc.frontend.operators.pointwise import product
from pqc.frontend.operators.pooling import over
from pqc.frontend.values import Activation, Constant, RefusalError
from pqc.numerics import shapes

_ONE_AXIS = 13
"""The operator set from which on it works along one axis; before, along that and all behind it."""


def softmax(node: Node) -> Activation:
    """Along any axis but the first; in integers each of its five steps is off by half a step of its own grid."""
    x = node.activation()
    axes = _axes(node, x)
    largest = over(node.at("largest"), x, axes, MaxPoolOp)
    shape, sides = broadcast(node.at("largest"), x, largest)
    below = node.at("below").emit(SubOp(*sides), shape)
    powers = node.at("powers").emit(FunctionOp(node.seen(below), "exp"), shape)
    mean = over(node.at("mean"), powers, axes, AveragePoolOp)
    inverse = node.at("share").emit(FunctionOp(node.seen(mean), "pow", [-1.0]), mean.shape)
    # the sum is the mean times the count, so its inverse is that of the mean times this
    count = prod(shape[axis] for axis in axes)
    factor = Constant(np.full(mean.shape[1], 1 / count, np.float32), f"{node.name}.share")
    share = node.at("share").emit(MulOp(node.seen(inverse), node.weight(factor)), mean.shape)
    return product(node, powers, share)


def _axes(node: Node, x: Activation) -> list[int]:
    rank, whole = len(x.shape), node.opset < _ONE_AXIS
    first = node.axis(node.integer("axis", 1 if whole else -1), rank)
    if first == 0:
        raise RefusalError(f"axis 0 of an input {shapes.text(x.shape)} is that of the frames")
    return list(range(first, rank)) if whole else [first]
