"""Normalization by a figure of the very frame that runs, made of means, differences, products and a function.

Batch normalization is another thing: its figures are constants (:mod:`pqc.frontend.operators.linear`).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from pqc.dialects.onnx import AddOp, AveragePoolOp, FunctionOp, MulOp, SubOp
from pqc.frontend.node import Node
from pqc.frontend.operators.elementwise import add_values, broadcast
from pqc.frontend.operators.pointwise import product, scaled
from pqc.frontend.operators.pooling import over
from pqc.frontend.values import Activation, Constant, RefusalError
from pqc.numerics import shapes


def layer_normalization(node: Node) -> tuple[Activation, Activation, Activation]:
    """Along any axis but the first and all behind it; in integers each step is off by half a step of its grid."""
    x = node.activation()
    axis = node.axis(node.integer("axis", -1), len(x.shape))
    if axis == 0:
        raise RefusalError(f"axis 0 of an input {shapes.text(x.shape)} is that of the frames")
    scale, bias = node.constant(1, "the scale"), node.optional_constant(2, "the bias")
    even, mean, inverse = _normalized(node, x, range(axis, len(x.shape)))
    if bias is None:
        return scaled(node, even, scale, scale.array), mean, inverse
    large = scaled(node.at("scaled"), even, scale, scale.array)
    return add_values(node, large, bias, bias.array), mean, inverse


def instance_normalization(node: Node) -> Activation:
    """Of each channel, in 1 to 6 dimensions; as exact as LayerNormalization."""
    x = _map(node)
    even, _, _ = _normalized(node, x, range(2, len(x.shape)))
    return _with_channels(node, even)


def group_normalization(node: Node) -> Activation:
    """Of groups of channels, with opset 21 or later; as exact as LayerNormalization."""
    x, groups = _map(node), node.integer("num_groups", 0)
    frames, channels, *rest = x.shape
    if groups < 1 or channels % groups:
        raise RefusalError(f"num_groups is {groups}, it must divide the {channels} channels")
    apart = node.view(x, (frames, groups, channels // groups, prod(rest)))
    even, _, _ = _normalized(node, apart, (2, 3))
    return _with_channels(node, node.view(even, x.shape))


def _map(node: Node) -> Activation:
    x = node.activation()
    if len(x.shape) < 3:
        raise RefusalError(f"the input must be [frames, channels, ...], it is {shapes.text(x.shape)}")
    return x


def _normalized(node: Node, x: Activation, axes: Sequence[int]) -> tuple[Activation, Activation, Activation]:
    """``x`` less its mean along ``axes``, by the root of its variance and epsilon; the mean, and what that is times."""
    mean = over(node.at("mean"), x, axes, AveragePoolOp)
    shape, sides = broadcast(node.at("mean"), x, mean)
    centered = node.at("centered").emit(SubOp(*sides), shape)
    square = node.at("square").emit(MulOp(node.seen(centered), node.seen(centered)), shape)
    variance = over(node.at("variance"), square, axes, AveragePoolOp)
    last = node.at("inverse")
    epsilon = Constant(np.full(variance.shape[1], node.real("epsilon", 1e-5), np.float32), f"{node.name}.epsilon")
    above = last.emit(AddOp(node.seen(variance), node.weight(epsilon)), variance.shape)
    inverse = last.emit(FunctionOp(node.seen(above), "pow", [-0.5]), variance.shape)
    return product(node.at("normalized"), centered, inverse), mean, inverse


def _with_channels(node: Node, even: Activation) -> Activation:
    """Each channel times its scale, plus its bias."""
    scale, bias = node.constant(1, "the scale"), node.constant(2, "the bias")
    ones = (1,) * (len(even.shape) - 2)
    large = scaled(node.at("scaled"), even, scale, scale.array.reshape(-1, *ones))
    return add_values(node, large, bias, bias.array.reshape(-1, *ones))
