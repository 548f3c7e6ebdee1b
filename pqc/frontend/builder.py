"""Building the function: operations with their node's name as location, constants, and views made real."""

from __future__ import annotations

import re
from collections import Counter
from math import prod

import numpy as np
from xdsl.ir import Block, BlockArgument, SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import node_location
from pqc.dialects.onnx import ReshapeOp, shape_of
from pqc.dialects.onnx_base import FloatOp, tensor
from pqc.dialects.pq import ConvolutionOp
from pqc.frontend.values import Activation, RefusalError
from pqc.numerics import shapes
from pqc.numerics.arrays import AnyArray
from pqc.numerics.shapes import Shape


def readable_name(name: str) -> str | None:
    """``name`` as an SSA name for people who read dumps, None if nothing is left of it.

    It begins with a letter: of ``_7`` xDSL takes the number for one of its own and drops it, and nothing is left.
    """
    kept = re.sub(r"[^A-Za-z0-9_$.-]+", "_", name).strip("_")
    return (kept if kept[:1].isalpha() else f"v{kept}") if kept else None


class Builder:
    """Appends operations to ``block``."""

    def __init__(self, block: Block, uses: Counter[str]) -> None:
        self.block = block
        self.uses = uses
        """How often each ONNX value is read."""
        self.inputs: dict[str, BlockArgument] = {}
        """The arguments by their ONNX name: the graph's inputs, and what stands for results of refused nodes."""
        self._constants: dict[tuple[str, str], SSAValue] = {}
        self._views: dict[tuple[SSAValue, Shape], SSAValue] = {}

    def emit(self, op: FloatOp | ConvolutionOp, name: str) -> Activation:
        """Append ``op``, made from the node ``name``.

        Raises:
            ShapeError: its result is too large.
        """
        shape = shape_of(op.result)
        shapes.framed(shape) if isinstance(op, ReshapeOp) else shapes.activation(shape)
        op.location = node_location(name)
        op.result.name_hint = readable_name(name)
        self.block.add_op(op)
        return Activation(op.result, shape)

    def constant(self, array: AnyArray, label: str) -> SSAValue:
        """The value of a ``blob.constant``; the same array under the same label is one operation.

        Raises:
            RefusalError: it is not float32, or holds NaN or infinity.
        """
        if array.dtype != np.float32:
            raise RefusalError(f"the constant '{label}' is {array.dtype}; float32 is wanted")
        return self.whole(array, label)

    def whole(self, array: AnyArray, label: str) -> SSAValue:
        """The same for an array of float32 or of integers.

        Raises:
            RefusalError: it is neither, or holds NaN or infinity.
        """
        if array.dtype != np.float32 and array.dtype.kind not in "iu":
            raise RefusalError(f"the constant '{label}' is {array.dtype}; float32 or integers are wanted")
        if not np.isfinite(array).all():
            raise RefusalError(f"the constant '{label}' holds NaN or infinity")
        op = ConstantOp(label, array)
        key = (label, op.data.key.data)
        if key not in self._constants:
            op.location = node_location(label)
            op.result.name_hint = readable_name(label)
            self.block.add_op(op)
            self._constants[key] = op.result
        return self._constants[key]

    def input(self, shape: Shape, name: str) -> Activation:
        """What the network gets from outside: one more argument."""
        argument = self.block.insert_arg(tensor(shape), len(self.block.args))
        argument.name_hint = readable_name(name)
        argument.location = node_location(name)
        self.inputs[name] = argument
        return Activation(argument, shape)

    def stand_in(self, shape: Shape, name: str) -> Activation:
        """What stands for the result ``name`` of a refused node: an argument, seen in any ``shape``."""
        frames, *frame = shape
        kept = shape if len(shape) <= shapes.MOST_DIMENSIONS else (frames, prod(frame))
        return Activation(self.input(kept, name).value, shape, name)

    def realize(self, activation: Activation, shape: Shape | None = None, reader: str = "") -> SSAValue:
        """A value whose type has the activation's shape, or another ``shape`` that the node ``reader`` wants.

        Raises:
            ShapeError: that shape has too many dimensions.
        """
        wanted = activation.shape if shape is None else shape
        if shape_of(activation.value) == wanted:
            return activation.value
        key = (activation.value, wanted)
        if key not in self._views:
            name = activation.view if wanted == activation.shape and activation.view else reader
            self._views[key] = self.emit(ReshapeOp(activation.value, wanted), name).value
        return self._views[key]
