"""Operators of the domain ``ai.pqc``; :mod:`pqc.frontend.pq_domain` says what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.onnx_base import tensor
from pqc.dialects.pq import ConvolutionOp, OnGridOp
from pqc.dialects.pq_types import ConfigAttr, GridAttr
from pqc.frontend.node import Node
from pqc.frontend.pq_domain import CONVOLUTIONS
from pqc.frontend.values import Activation, Constant, RefusalError
from pqc.numerics import shapes
from pqc.numerics.arrays import AnyArray
from pqc.numerics.element import Element
from pqc.numerics.grouping import Codebooks, Cut
from pqc.numerics.window import Window

_KINDS = onnx.AttributeProto


def on_grid(node: Node) -> Activation:
    """With a positive scale, and integers of up to 16 bits, signed or not."""
    grid = _grid(node)
    return node.emit(OnGridOp(node.operand(), grid))


def convolution(node: Node) -> Activation:
    """2-D, with constant codebook, table, bias and step; window, grid and bits as the hardware's fields hold them."""
    x = shapes.image(node.activation().shape)
    codebook, table, bias, step = (
        _constant(node, index, what, rank)
        for index, (what, rank) in enumerate((("codebook", 3), ("table", 3), ("bias", 1), ("step", 1)), start=1)
    )
    grid, window = _grid(node), _window(node)
    grouping, metric = CONVOLUTIONS[node.proto.op_type]
    codebooks, prototypes, length = codebook.array.shape
    shared = codebooks == 1 < Cut.of(grouping, x[1], window, length).groups
    outputs = table.array.shape[2]
    # the same windows as those of a Conv
    result = shapes.convolution(x, (outputs, x[1], *window.kernel), (outputs,), window, 1)
    try:
        op = ConvolutionOp(
            node.operand(),
            node.whole(codebook),
            node.whole(table),
            node.whole(bias),
            None,
            window=window,
            config=ConfigAttr.of(
                *(prototypes, length, _integer(node, "prototype_bits"), _integer(node, "table_bits")),
                *(metric, grouping, Codebooks.SHARED if shared else Codebooks.SEPARATE),
            ),
            grid=grid,
            shift=_integer(node, "shift"),
            low=None,
            high=None,
            result_type=tensor(result),
            step=node.whole(step),
        )
        op.verify_()
    except VerifyException as error:
        raise RefusalError(str(error)) from error
    return node.emit(op)


def _attribute(node: Node, name: str, kind: int, what: str) -> Any:
    """The value of an attribute that must be there, of one type."""
    for attribute in node.proto.attribute:
        if attribute.name == name and attribute.type == kind:
            return onnx.helper.get_attribute_value(attribute)
        if attribute.name == name:
            raise RefusalError(f"attribute '{name}' must be {what}")
    raise RefusalError(f"attribute '{name}' is missing; it must be {what}")


def _integer(node: Node, name: str) -> int:
    return int(_attribute(node, name, _KINDS.INT, "an integer"))


def _integers(node: Node, name: str, count: int, least: int) -> tuple[int, ...]:
    what = f"{count} integers of at least {least}"
    values = tuple(int(value) for value in _attribute(node, name, _KINDS.INTS, what))
    if len(values) != count or min(values) < least:
        raise RefusalError(f"attribute '{name}' must be {what}, it is {list(values)}")
    return values


def _window(node: Node) -> Window:
    kernel, strides, dilations = (_integers(node, name, 2, 1) for name in ("kernel_shape", "strides", "dilations"))
    top, left, bottom, right = _integers(node, "pads", 4, 0)
    return Window(
        (kernel[0], kernel[1]), (strides[0], strides[1]), (top, left, bottom, right), (dilations[0], dilations[1])
    )


def _grid(node: Node) -> GridAttr:
    scale: AnyArray = onnx.numpy_helper.to_array(_attribute(node, "scale", _KINDS.TENSOR, "a tensor of one double"))
    if scale.dtype != np.float64 or scale.size != 1:
        raise RefusalError(f"attribute 'scale' must be a tensor of one double, it is {scale.dtype}{list(scale.shape)}")
    bits, signed = _integer(node, "bits"), _integer(node, "signed")
    if signed not in (0, 1) or not 2 <= bits <= 16:
        raise RefusalError(f"bits = {bits} and signed = {signed}, allowed are 2 to 16, and 0 or 1")
    try:
        return GridAttr.of(Element(bits, bool(signed)), float(scale.reshape(())))
    except VerifyException as error:
        raise RefusalError(str(error)) from error


def _constant(node: Node, index: int, what: str, rank: int) -> Constant:
    constant = node.constant(index, f"the {what}")
    if constant.array.ndim != rank or constant.array.size == 0:
        raise RefusalError(f"the {what} must have {rank} dimensions, none empty, it is {list(constant.array.shape)}")
    return constant
