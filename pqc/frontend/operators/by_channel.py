"""Operations of an activation and a constant, which have one value of the constant for each channel.

A constant along other dimensions is met by making those the channels meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

import numpy as np
from xdsl.ir import SSAValue

from pqc.dialects.onnx_base import FloatOp
from pqc.frontend.node import Node
from pqc.frontend.operators.moves import around, permuted
from pqc.frontend.values import Activation, Constant, RefusalError
from pqc.numerics import shapes
from pqc.numerics.arrays import AnyArray
from pqc.numerics.shapes import Shape

Operation: TypeAlias = Callable[[SSAValue, SSAValue], FloatOp]
"""Makes the operation of an activation [frames, channels, ...] and values [channels]."""


def per_channel(array: AnyArray, x: Shape) -> AnyArray | None:
    """A constant that is the same over frames and space, as [channels]; None if it is not."""
    aligned = (1,) * (len(x) - array.ndim) + array.shape
    if len(aligned) != len(x) or aligned[1] not in (1, x[1]) or any(size != 1 for size in (aligned[0], *aligned[2:])):
        return None
    return np.broadcast_to(array.reshape(-1), (x[1],))


@dataclass(frozen=True)
class WithConstant:
    """What ``node`` does with a constant that is broadcast to an activation."""

    node: Node
    constant: Constant
    values: AnyArray
    """What became of the constant's array; of its shape."""
    operation: Operation
    doing: str
    """Between constant and activation in messages: ``added to``."""

    def applied(self, x: Activation) -> Activation:
        """The result, in the shape of ``x``.

        Raises:
            RefusalError: the constant differs between frames, or is larger than ``x``.
        """
        rank, shape = len(x.shape), self.values.shape
        aligned = self.values.reshape((1,) * (rank - len(shape)) + shape)
        along = [axis for axis, size in enumerate(aligned.shape) if size != 1]
        fits = aligned.ndim == rank and all(aligned.shape[axis] == x.shape[axis] for axis in along)
        if not fits or 0 in along:
            raise RefusalError(
                f"a constant {shapes.text(shape)} {self.doing} {shapes.text(x.shape)} must be one number or the same "
                "for all frames, and not larger"
            )
        if along in ([], [1]):
            return self._by_channel(x, np.broadcast_to(aligned.reshape(-1), (x.shape[1],)))
        if len(along) == 1:
            return self._along(x, along[0])
        # no channel has a value of its own, so that every element becomes a channel
        flat = self.node.view(x, (x.shape[0], prod(x.shape[1:]), 1, 1))
        whole = np.broadcast_to(aligned, (1, *x.shape[1:])).reshape(-1)
        return self.node.view(self._by_channel(flat, whole), x.shape)

    def _by_channel(self, x: Activation, values: AnyArray) -> Activation:
        op = self.operation(self.node.seen(x), self.node.weight(self.constant, values))
        return self.node.emit(op, x.shape)

    def _along(self, x: Activation, axis: int) -> Activation:
        """A constant along one dimension, which becomes the channels meanwhile."""
        node, (frames, before, size, after) = self.node, around(x.shape, axis)
        channels = permuted(node, node.view(x, (frames, before, size, after)), (0, 2, 1, 3))
        # behind a product for each position it is what the product had before
        channels = node.view(channels, channels.shape if after > 1 else (frames, size, 1, before))
        done = self._by_channel(channels, self.values.reshape(-1))
        back = permuted(node, node.view(done, (frames, size, before, after)), (0, 2, 1, 3))
        return node.view(back, x.shape)
