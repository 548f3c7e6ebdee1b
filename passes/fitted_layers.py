"""Which layers are fitted: those that are product-quantized, and conventional ones that see what these give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from xdsl.ir import Operation, SSAValue

from pqc.dialects.onnx import ConvOp, GemmOp
from pqc.numerics.window import Window
from pqc.passes.attributes import config_of

Layer: TypeAlias = ConvOp | GemmOp


def fitted_layers(ops: Sequence[Operation]) -> list[Layer]:
    """The layers among ``ops``, which are in their order, that have a configuration or follow one that has."""
    changed: set[SSAValue] = set()
    layers: list[Layer] = []
    for op in ops:
        chosen = config_of(op) is not None
        if chosen or any(value in changed for value in op.operands):
            changed.update(op.results)
            if isinstance(op, ConvOp | GemmOp):
                layers.append(op)
    return layers


def window_of(op: Layer) -> Window:
    """What a layer sees of its input at a time; a matrix product sees the one position there is."""
    return op.window if isinstance(op, ConvOp) else Window((1, 1))


def with_constants(op: Layer, weight: SSAValue, bias: SSAValue) -> Layer:
    """The same conventional layer with another weight and bias."""
    layer = op.clone()
    layer.operands[1], layer.operands[2] = weight, bias
    return layer
