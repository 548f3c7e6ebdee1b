"""Operators that treat each element by itself."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np
from xdsl.ir import SSAValue

from pqc.dialects.blob import constant_of
from pqc.dialects.location import node_name
from pqc.dialects.onnx import AddOp, ClipOp, ConvOp, GemmOp, ReluOp, ReshapeOp, TransposeOp, shape_of
from pqc.dialects.onnx_base import FloatOp
from pqc.frontend.node import Node
from pqc.frontend.operators.moves import around, permuted
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
    """The sum of two activations, each repeated along its dimensions of 1 as far as the other one is larger."""
    pairs = list(zip(left.shape, right.shape, strict=False))
    if len(left.shape) != len(right.shape) or any(a != b and 1 not in (a, b) for a, b in pairs):
        raise RefusalError(
            f"activations {shapes.text(left.shape)} and {shapes.text(right.shape)} cannot be broadcast to one shape "
            "with the frames in front"
        )
    shape = (left.shape[0], *(max(pair) for pair in pairs[1:]))
    values = [node.seen(expanded(node, x, shape)) for x in (left, right)]
    return node.emit(AddOp(*values), shape)


def _add_constant(node: Node, index: int, constant: Constant) -> Activation:
    x = node.activation(index)
    values = per_channel(constant.array, x.shape)
    folded = None if values is None else _as_bias(node, index, constant, values)
    return folded or add_values(node, x, constant, constant.array)


def per_channel(array: AnyArray, x: Shape) -> AnyArray | None:
    """A constant that is the same over frames and space, as [channels]; None if it is not."""
    aligned = (1,) * (len(x) - array.ndim) + array.shape
    if len(aligned) != len(x) or aligned[1] not in (1, x[1]) or any(size != 1 for size in (aligned[0], *aligned[2:])):
        return None
    return np.broadcast_to(array.reshape(-1), (x[1],))


def add_values(node: Node, x: Activation, constant: Constant, array: AnyArray) -> Activation:
    """``x`` plus what became of a constant, which is the same for all frames.

    Raises:
        RefusalError: it is not, or larger than ``x``.
    """
    aligned = array.reshape((1,) * (len(x.shape) - array.ndim) + array.shape)
    along = [axis for axis, size in enumerate(aligned.shape) if size != 1]
    fits = len(aligned.shape) == len(x.shape) and all(aligned.shape[axis] == x.shape[axis] for axis in along)
    if not fits or 0 in along:
        raise RefusalError(
            f"a constant {shapes.text(array.shape)} added to {shapes.text(x.shape)} must be one number or the same for "
            "all frames, and not larger"
        )
    if along in ([], [1]):
        return _add_by_channel(node, x, constant, np.broadcast_to(aligned.reshape(-1), (x.shape[1],)))
    if len(along) == 1:
        return _add_along(node, x, constant, along[0], array)
    # no channel has a value of its own, so that every element becomes a channel
    flat = node.view(x, (x.shape[0], prod(x.shape[1:]), 1, 1))
    whole = np.broadcast_to(aligned, (1, *x.shape[1:])).reshape(-1)
    return node.view(_add_by_channel(node, flat, constant, whole), x.shape)


def _add_by_channel(node: Node, x: Activation, constant: Constant, values: AnyArray) -> Activation:
    return node.emit(AddOp(node.seen(x), node.weight(constant, values)), x.shape)


def _add_along(node: Node, x: Activation, constant: Constant, axis: int, array: AnyArray) -> Activation:
    """A constant along one dimension, which becomes the channels meanwhile."""
    frames, before, size, after = around(x.shape, axis)
    channels = permuted(node, node.view(x, (frames, before, size, after)), (0, 2, 1, 3))
    # behind a product for each position it is what the product had before
    channels = node.view(channels, channels.shape if after > 1 else (frames, size, 1, before))
    added = _add_by_channel(node, channels, constant, array.reshape(-1))
    back = permuted(node, node.view(added, (frames, size, before, after)), (0, 2, 1, 3))
    return node.view(back, x.shape)


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
