"""A matrix product as the convolution that it is, for layers that are product-quantized."""

from __future__ import annotations

from xdsl.ir import Operation
from xdsl.rewriter import Rewriter

from pqc.dialects.blob import ConstantOp
from pqc.dialects.onnx import ConvOp, GemmOp, ReshapeOp
from pqc.numerics import shapes
from pqc.passes.constants import constant_array


def as_convolution(op: GemmOp) -> ConvOp:
    """Replace a matrix product by the 1x1 convolution of a map of one position that it is; returns the convolution."""
    weight = constant_array(op.weight)
    outputs, features = weight.shape
    label = op.weight.owner.label if isinstance(op.weight.owner, ConstantOp) else "weight"
    x = ReshapeOp(op.x, (shapes.FRAMES, features, 1, 1))
    kernel = ConstantOp(label, weight.reshape(outputs, features, 1, 1))
    residual = None if op.residual is None else ReshapeOp(op.residual, (shapes.FRAMES, outputs, 1, 1))
    low, high = op.bounds
    convolution = ConvOp(x.result, kernel.result, op.bias, residual=residual, low=low, high=high)
    result = ReshapeOp(convolution.result, (shapes.FRAMES, outputs))
    made: list[Operation] = [x, kernel, *([] if residual is None else [residual]), convolution, result]
    for new in made:
        new.location = op.location
    Rewriter.replace_op(op, made)
    return convolution
