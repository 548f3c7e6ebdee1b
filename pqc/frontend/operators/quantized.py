"""QuantizeLinear and DequantizeLinear: models that carry the grids of their activations.

An integer q of such a model stands for (q - zero point) * scale. The accelerator's grids have no zero point. Where the
zero point is 0, or shifts the integers onto the range of another element type (as 128 does between uint8 and int8), the
grid is kept exactly. Otherwise it becomes the finest signed grid of as many bits that covers the range: its steps are
up to twice as large.
"""

from __future__ import annotations

from math import isfinite

import numpy as np
import onnx
import onnx.helper
from xdsl.ir import SSAValue

from pqc.dialects.onnx import ClipOp, ConvOp, GemmOp, ReluOp
from pqc.dialects.pq import OnGridOp
from pqc.dialects.pq_types import GridAttr
from pqc.frontend.node import Node
from pqc.frontend.operators.moves import given_grid
from pqc.frontend.values import Activation, Constant, RefusalError, Stored
from pqc.numerics.element import Element

_ELEMENTS = ("uint8", "int8", "uint16", "int16")
"""Types of integers that activations may be stored in."""


def quantize_linear(node: Node) -> Activation:
    """To uint8, int8, uint16 or int16 of one constant scale; a zero point other than 0 may make the grid coarser."""
    x, stored = node.activation(), _stored(node)
    grid = covering_grid(stored)
    value = _before_relu(node, node.seen(x), grid)
    found = given_grid(value)
    if found is not None and found != grid:
        # a change of grid; without it one grid would be asked for two
        value = node.emit(ClipOp(value)).value
    made = node.emit(OnGridOp(value, grid), x.shape)
    return Activation(made.value, x.shape, made.view, stored)


def dequantize_linear(node: Node) -> Activation:
    """Of a constant, or of what a QuantizeLinear with the same scale and zero point made."""
    x, stored = node.activation(), _stored(node)
    if x.stored is None:
        raise RefusalError("it reads real numbers: no QuantizeLinear made them integers")
    if x.stored != stored:
        raise RefusalError(f"it reads {x.stored} as {stored}; both nodes must agree")
    return Activation(x.value, x.shape, x.view)


def covering_grid(stored: Stored) -> GridAttr:
    """The grid without a zero point that holds all that integers of this kind stand for."""
    kind = np.iinfo(stored.kind)
    low, high = int(kind.min) - stored.zero, int(kind.max) - stored.zero
    element = Element(kind.bits, signed=low < 0)
    steps = max(low / element.minimum if low < 0 else 0.0, high / element.maximum)
    # a range that the element just holds, or leaves a part of, keeps its steps
    return GridAttr.of(element, stored.scale * max(1.0, steps))


def _before_relu(node: Node, value: SSAValue, grid: GridAttr) -> SSAValue:
    """A Relu of a layer's result on this very grid as the Relu of the result itself: brought onto the grid, the same.

    The Relu can then become part of the layer.
    """
    relu = value.owner
    if not isinstance(relu, ReluOp) or not isinstance(relu.x.owner, OnGridOp) or relu.x.owner.grid != grid:
        return value
    exact = relu.x.owner.x
    return node.emit(ReluOp(exact)).value if isinstance(exact.owner, ConvOp | GemmOp) else value


def _stored(node: Node) -> Stored:
    """Which integers a node makes or reads."""
    scales = node.constant(1, "the scale").array
    zero = node.optional_constant(2, "the zero point")
    if scales.size != 1 or (zero is not None and zero.array.size != 1):
        raise RefusalError(f"an activation has {scales.size} scales; one for all of it is supported")
    scale = float(scales.reshape(()))
    if scales.dtype != np.float32 or not (isfinite(scale) and scale > 0):
        raise RefusalError(f"the scale is {scale!r} in {scales.dtype}; a positive float32 is wanted")
    return Stored(_kind(node, zero), 0 if zero is None else int(zero.array.reshape(())), scale)


def _kind(node: Node, zero: Constant | None) -> str:
    """The type of the integers: that of the zero point, or what an attribute says, or uint8."""
    x = node.activation().stored
    said = node.integer("output_dtype", 0) if node.proto.op_type == "QuantizeLinear" else 0
    if zero is not None:
        kind = str(zero.array.dtype)
    elif said:
        kind = onnx.helper.tensor_dtype_to_np_dtype(said).name
    else:
        kind = "uint8" if x is None else x.kind
    if kind not in _ELEMENTS:
        raise RefusalError(f"the integers are {kind}, allowed are {', '.join(_ELEMENTS)}")
    return kind
