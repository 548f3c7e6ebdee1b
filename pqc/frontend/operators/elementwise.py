"""Operators that treat each element by itself."""

from __future__ import annotations

from collections.abc import Callable

from xdsl.ir import SSAValue

from pqc.dialects.blob import constant_of
from pqc.dialects.location import node_name
from pqc.dialects.onnx import AddOp, ClipOp, ConvOp, GemmOp, ReluOp, ReshapeOp, TransposeOp, shape_of
from pqc.dialects.onnx_base import FloatOp
from pqc.frontend.node import Node
from pqc.frontend.operators.by_channel import WithConstant, per_channel
from pqc.frontend.operators.selection import expanded
from pqc.frontend.values import Activation, Constant, RefusalError
from pqc.numerics import shapes
from pqc.numerics.arrays import AnyArray
from pqc.numerics.shapes import Shape


def relu(node: Node) -> Activation:
    """Of any activation."""
    return _each(node, ReluOp)


def clip(node: Node) -> Activation:
    """With constant min and max, each optional."""
    low, high = node.scalar(1, "min"), node.scalar(2, "max")
    if low is not None and high is not None and low > high:
        raise RefusalError(f"min must not exceed max, they are {low} and {high}")
    if low is None and high is None:
        return node.activation()
    return _each(node, lambda value: ClipOp(value, low=low, high=high))


def _each(node: Node, make: Callable[[SSAValue], FloatOp]) -> Activation:
    """What ``make`` does to each element of the input.

    Moves that nothing else reads let it pass, so that it can become part of the layer in front of them.
    """
    x = node.activation()
    moves: list[ReshapeOp | TransposeOp] = []
    value = x.value
    while isinstance(value.owner, ReshapeOp | TransposeOp) and node.builder.uses[node.proto.input[0]] == 1:
        moves.append(value.owner)
        value = value.owner.x
    if not any(isinstance(move, TransposeOp) for move in moves) or not isinstance(value.owner, ConvOp | AddOp):
        return node.emit(make(node.operand()), x.shape)
    made = node.emit(make(value))
    for move in reversed(moves):
        again = move.clone({move.x: made.value})
        made = node.builder.emit(again, node_name(move))
    return node.view(made, x.shape)


def add(node: Node) -> Activation:
    """Two activations, or an activation and a constant that is the same for all frames; either is broadcast."""
    left, right = node.input(0), node.input(1)
    if isinstance(left, Activation) and isinstance(right, Activation):
        return _add_activations(node, left, right)
    if isinstance(right, Constant):
        return _add_constant(node, 0, right)
    return _add_constant(node, 1, node.constant(0, "the other term"))


def _add_activations(node: Node, left: Activation, right: Activation) -> Activation:
    shape, sides = broadcast(node, left, right)
    return node.emit(AddOp(*sides), shape)


def broadcast(node: Node, left: Activation, right: Activation) -> tuple[Shape, list[SSAValue]]:
    """The shape of what two activations give together, and both in it.

    Each is repeated along its dimensions of 1 as far as the other one is larger.

    Raises:
        RefusalError: other dimensions differ.
    """
    pairs = list(zip(left.shape, right.shape, strict=False))
    if len(left.shape) != len(right.shape) or any(a != b and 1 not in (a, b) for a, b in pairs):
        raise RefusalError(
            f"activations {shapes.text(left.shape)} and {shapes.text(right.shape)} cannot be broadcast to one shape "
            "with the frames in front"
        )
    shape = (left.shape[0], *(max(pair) for pair in pairs[1:]))
    return shape, [node.seen(expanded(node, x, shape)) for x in (left, right)]


def _add_constant(node: Node, index: int, constant: Constant) -> Activation:
    x = node.activation(index)
    values = per_channel(constant.array, x.shape)
    folded = None if values is None else _as_bias(node, index, constant, values)
    return folded or add_values(node, x, constant, constant.array)


def add_values(node: Node, x: Activation, constant: Constant, array: AnyArray) -> Activation:
    """``x`` plus what became of a constant, which is the same for all frames.

    Raises:
        RefusalError: it is not, or larger than ``x``.
    """
    return WithConstant(node, constant, array, AddOp, "added to").applied(x)


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
