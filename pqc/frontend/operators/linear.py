"""Operators with weights."""

from __future__ import annotations

import numpy as np

from pqc.dialects.onnx import BatchNormOp, ConvOp, GemmOp
from pqc.frontend.node import Node
from pqc.frontend.operators.windows import image_window
from pqc.frontend.remedies import INFERENCE
from pqc.frontend.values import Activation, Constant, RefusalError
from pqc.numerics import shapes
from pqc.numerics.arrays import AnyArray


def conv(node: Node) -> Activation:
    """2-D, constant weight and bias; kernel, strides, pads and dilations up to 255, auto_pad and any group."""
    x, weight = node.activation(), node.constant(1, "the weight")
    window = image_window(node, x.shape, weight.array.shape[2:])
    kernel = node.integers("kernel_shape", window.kernel)
    if kernel != window.kernel:
        raise RefusalError(f"kernel_shape is {list(kernel)}, but the weight has {list(window.kernel)}")
    bias = node.optional_constant(2, "the bias") or _zeros(node, len(weight.array))
    op = ConvOp(
        node.operand(),
        node.weight(weight),
        node.weight(bias),
        strides=window.strides,
        pads=window.pads,
        dilations=window.dilations,
        group=node.integer("group", 1),
    )
    return node.emit(op)


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
    return node.emit(BatchNormOp(node.operand(), scale, bias, mean, variance, epsilon=epsilon))


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
    """[frames, features] times a constant matrix; an Add of a constant behind it becomes its bias."""
    weight = node.constant(1, "the second factor")
    if weight.array.ndim != 2:
        raise RefusalError(f"the second factor must have 2 dimensions, it has {weight.array.ndim}")
    bias = _zeros(node, weight.array.shape[1])
    return node.emit(GemmOp(node.operand(), node.weight(weight, weight.array.T), node.weight(bias)))
