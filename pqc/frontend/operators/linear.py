"""Operators with weights."""

from __future__ import annotations

from math import prod

import numpy as np

from pqc.dialects.onnx import BatchNormOp, ConvOp, GemmOp
from pqc.frontend.node import Node
from pqc.frontend.operators.moves import permuted
from pqc.frontend.operators.windows import UNMOVED, sides, window_of
from pqc.frontend.remedies import INFERENCE
from pqc.frontend.values import Activation, Constant, RefusalError
from pqc.numerics import shapes
from pqc.numerics.arrays import AnyArray


def conv(node: Node) -> Activation:
    """1-D and 2-D, constant weight and bias; kernel, strides, pads and dilations up to 255, auto_pad and any group."""
    x, weight = node.activation(), node.constant(1, "the weight")
    asked = weight.array.shape[2:]
    window = sides(node, x.shape, asked, 2)
    kernel = node.integers("kernel_shape", asked)
    if kernel != asked:
        raise RefusalError(f"kernel_shape is {list(kernel)}, but the weight has {list(asked)}")
    bias = node.optional_constant(2, "the bias") or _zeros(node, len(weight.array))
    placed = window_of(*(UNMOVED, *window)[-2:])
    op = ConvOp(
        node.operand(),
        node.weight(weight, weight.array.reshape(*weight.array.shape[:2], *placed.kernel)),
        node.weight(bias),
        strides=placed.strides,
        pads=placed.pads,
        dilations=placed.dilations,
        group=node.integer("group", 1),
    )
    return node.emit(op, (x.shape[0], len(weight.array), *(side.count for side in window)))


def _zeros(node: Node, outputs: int) -> Constant:
    """The bias of a node without one."""
    return Constant(np.zeros(outputs, np.float32), f"{node.name}.bias")


def batch_normalization(node: Node) -> Activation:
    """In inference form, with constant scale, bias, mean and variance, one value per channel, no variance negative."""
    if node.flag("training_mode"):
        raise RefusalError("training_mode must be 0", remedy=INFERENCE)
    names = ("the scale", "the bias", "the mean", "the variance")
    parameters = [node.constant(index, name) for index, name in enumerate(names, start=1)]
    scale, bias, mean, variance = (node.weight(parameter) for parameter in parameters)
    if parameters[3].array.min(initial=0) < 0:
        raise RefusalError("the variance must not be negative")
    epsilon = node.real("epsilon", 1e-5)
    return node.emit(BatchNormOp(node.operand(), scale, bias, mean, variance, epsilon=epsilon), node.activation().shape)


def gemm(node: Node) -> Activation:
    """[frames, features], transA = 0, any transB, alpha, beta; B, C constant, C one value per output or one for all."""
    if node.flag("transA"):
        raise RefusalError("transA must be 0: it would mix frames")
    weight = node.constant(1, "B")
    if weight.array.ndim != 2:
        raise RefusalError(f"B must have 2 dimensions, it has {weight.array.ndim}")
    matrix = weight.array if node.flag("transB") else weight.array.T
    bias = node.optional_constant(2, "C") or _zeros(node, len(matrix))
    added = _one_per_output(bias, len(matrix))
    scaled = _scaled(matrix, node.real("alpha", 1.0))
    offset = node.weight(bias, _scaled(added, node.real("beta", 1.0)))
    return node.emit(GemmOp(node.operand(), node.weight(weight, scaled), offset))


def _scaled(array: AnyArray, factor: float) -> AnyArray:
    return array if factor == 1.0 else (array * np.float32(factor)).astype(array.dtype)


def _one_per_output(bias: Constant, outputs: int) -> AnyArray:
    if bias.array.shape not in ((), (1,), (1, 1), (outputs,), (1, outputs)):
        raise RefusalError(f"C must be {outputs} values, one per output, it is {shapes.text(bias.array.shape)}")
    return np.broadcast_to(bias.array.reshape(-1), (outputs,))


def matmul(node: Node) -> Activation:
    """[frames, ..., features] times a constant matrix or vector, or a constant matrix times [frames, features, n]."""
    if isinstance(node.input(0), Constant):
        return _from_the_left(node, node.constant(0, "the first factor"))
    x, weight = node.activation(), node.constant(1, "the second factor")
    matrix, single = _matrix(weight), weight.array.ndim == 1
    bias = _zeros(node, matrix.shape[1])
    if len(x.shape) == 2:
        made = node.emit(GemmOp(node.operand(), node.weight(weight, matrix.T), node.weight(bias)))
    else:
        made = _by_position(node, x, weight, matrix)
    return node.view(made, made.shape[:-1]) if single else made


def _matrix(weight: Constant) -> AnyArray:
    """A constant factor as [features, outputs]; dimensions of 1 in front multiply nothing."""
    shape = weight.array.shape
    if len(shape) == 1:
        return weight.array.reshape(-1, 1)
    if len(shape) < 2 or any(size != 1 for size in shape[:-2]):
        raise RefusalError(f"a constant factor must have 2 dimensions, behind others of 1, it is {shapes.text(shape)}")
    return weight.array.reshape(shape[-2:])


def _by_position(node: Node, x: Activation, weight: Constant, matrix: AnyArray) -> Activation:
    """A product for each position as the convolution that it is: the last dimension becomes the channels."""
    frames, *positions, features = x.shape
    if len(matrix) != features:
        raise RefusalError(f"{shapes.text(x.shape)} has {features} features, the factor takes {len(matrix)}")
    seen = node.view(x, (frames, prod(positions), features))
    channels = permuted(node, seen, (0, 2, 1))
    made = _pointwise(node, channels, weight, matrix.T)
    return node.view(permuted(node, made, (0, 2, 1)), (frames, *positions, matrix.shape[1]))


def _pointwise(node: Node, x: Activation, weight: Constant, matrix: AnyArray) -> Activation:
    """``matrix`` [outputs, channels] times each position of ``x`` [frames, channels, positions]."""
    frames, channels, positions = x.shape
    kernel = node.weight(weight, matrix.reshape(*matrix.shape, 1, 1))
    op = ConvOp(node.seen(x, (frames, channels, 1, positions)), kernel, node.weight(_zeros(node, len(matrix))))
    return node.emit(op, (frames, len(matrix), positions))


def _from_the_left(node: Node, weight: Constant) -> Activation:
    """A constant matrix times [frames, features, n]: a convolution whose channels the features are already."""
    x, matrix = node.activation(1), _matrix(weight)
    if len(x.shape) != 3 or weight.array.ndim < 2:
        raise RefusalError(f"a constant times {shapes.text(x.shape)} would mix frames or take them apart")
    if matrix.shape[1] != x.shape[1]:
        raise RefusalError(f"{shapes.text(x.shape)} has {x.shape[1]} features, the factor takes {matrix.shape[1]}")
    return _pointwise(node, x, weight, matrix)
