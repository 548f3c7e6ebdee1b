"""Operators that treat each element by itself."""

from __future__ import annotations

import numpy as np

from pqc.dialects.blob import constant_of
from pqc.dialects.location import node_name
from pqc.dialects.onnx import AddOp, ClipOp, GemmOp, ReluOp, shape_of
from pqc.frontend.node import Node
from pqc.frontend.values import Activation, Constant, RefusalError
from pqc.numerics import shapes
from pqc.numerics.arrays import AnyArray
from pqc.numerics.shapes import Shape


def relu(node: Node) -> Activation:
    """Of any activation."""
    return node.emit(ReluOp(node.operand()))


def clip(node: Node) -> Activation:
    """With constant min and max, each optional."""
    low, high = node.scalar(1, "min"), node.scalar(2, "max")
    if low is not None and high is not None and low > high:
        raise RefusalError(f"min must not exceed max, they are {low} and {high}")
    if low is None and high is None:
        return node.activation()
    return node.emit(ClipOp(node.operand(), low=low, high=high))


def add(node: Node) -> Activation:
    """Two activations of the same shape, or an activation and a constant: one number, or one per channel."""
    left, right = node.input(0), node.input(1)
    if isinstance(left, Activation) and isinstance(right, Activation):
        if left.shape != right.shape:
            raise RefusalError(
                f"activations {shapes.text(left.shape)} and {shapes.text(right.shape)} differ in shape; "
                "only constants are broadcast"
            )
        return node.emit(AddOp(node.operand(0), node.operand(1)))
    if isinstance(right, Constant):
        return _add_constant(node, 0, right)
    return _add_constant(node, 1, node.constant(0, "the other term"))


def _add_constant(node: Node, index: int, constant: Constant) -> Activation:
    x = node.activation(index)
    folded = _as_bias(node, index, constant, per_channel(constant.array, x.shape, "added to"))
    return folded or add_values(node, x, constant, constant.array)


def add_values(node: Node, x: Activation, constant: Constant, array: AnyArray) -> Activation:
    """``x`` plus what became of a constant: one number, or one per channel.

    Raises:
        RefusalError: it has another shape.
    """
    values = per_channel(array, x.shape, "added to")
    return node.emit(AddOp(node.builder.realize(x), node.weight(constant, values)))


def per_channel(array: AnyArray, x: Shape, use: str) -> AnyArray:
    """A constant that is the same over frames and space, as [channels]; ``use`` says what it is to an activation.

    Raises:
        RefusalError: it is not the same.
    """
    aligned = (1,) * (len(x) - array.ndim) + array.shape
    if len(aligned) != len(x) or aligned[1] not in (1, x[1]) or any(size != 1 for size in (aligned[0], *aligned[2:])):
        raise RefusalError(
            f"a constant {shapes.text(array.shape)} {use} {shapes.text(x)} must be one number or one per channel"
        )
    return np.broadcast_to(array.reshape(-1), (x[1],))


def _as_bias(node: Node, index: int, constant: Constant, values: AnyArray) -> Activation | None:
    """What a MatMul becomes when only this node reads it and adds a constant: its Gemm with that bias.

    The Gemm without it stays behind unread, and goes with everything else that nobody reads.
    """
    x = node.activation(index)
    producer = x.value.owner
    bias = constant_of(producer.bias) if isinstance(producer, GemmOp) else None
    if not isinstance(producer, GemmOp) or bias is None or shape_of(x.value) != x.shape:
        return None
    if node.builder.uses[node.proto.input[index]] != 1:
        return None
    label = constant.label if not bias.any() else f"{node.name}.bias"
    folded = GemmOp(producer.x, producer.weight, node.weight(Constant(bias + values, label)))
    return node.builder.emit(folded, node_name(producer))


def identity(node: Node) -> Activation:
    """Of anything; it disappears."""
    return node.activation()


def dropout(node: Node) -> Activation:
    """In inference form; it disappears."""
    mode = node.scalar(2, "training_mode")
    if mode:
        raise RefusalError("training_mode must be false: export the model for inference")
    return node.activation()
