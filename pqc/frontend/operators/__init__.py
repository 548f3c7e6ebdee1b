"""The ONNX operators that can be imported: one converter each, whose docstring says what it demands."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from pqc.frontend.node import Node
from pqc.frontend.operators import (
    elementwise,
    layout,
    linear,
    normalizing,
    pointwise,
    pooling,
    product_quantization,
    quantized,
    resizing,
    selection,
    softmax,
)
from pqc.frontend.pq_domain import CONVOLUTIONS, DOMAIN, ON_GRID
from pqc.frontend.values import Activation
from pqc.numerics.functions import FUNCTIONS

Converter: TypeAlias = Callable[[Node], Activation | Sequence[Activation]]
"""Appends what the node does, and returns its first output, or all of them.

It raises ``RefusalError`` or ``ShapeError`` for what cannot be imported.
"""

_STANDARD: Mapping[str, Converter] = {
    "Add": elementwise.add,
    "AveragePool": pooling.average_pool,
    "BatchNormalization": linear.batch_normalization,
    "Clip": elementwise.clip,
    "Concat": layout.concat,
    "Conv": linear.conv,
    "DepthToSpace": layout.depth_to_space,
    "DequantizeLinear": quantized.dequantize_linear,
    "Div": pointwise.div,
    "Dropout": elementwise.dropout,
    "Expand": selection.expand,
    "Flatten": layout.flatten,
    "Gather": selection.gather,
    "Gelu": pointwise.gelu,
    "Gemm": linear.gemm,
    "GlobalAveragePool": pooling.global_average_pool,
    "GlobalMaxPool": pooling.global_max_pool,
    "GroupNormalization": normalizing.group_normalization,
    "HardSwish": pointwise.hard_swish,
    "Identity": elementwise.identity,
    "InstanceNormalization": normalizing.instance_normalization,
    "LayerNormalization": normalizing.layer_normalization,
    "MatMul": linear.matmul,
    "MaxPool": pooling.max_pool,
    "Mish": pointwise.mish,
    "Mul": pointwise.mul,
    "PRelu": pointwise.prelu,
    "Pad": selection.pad,
    "Pow": pointwise.power,
    "QuantizeLinear": quantized.quantize_linear,
    "ReduceMax": pooling.reduce_max,
    "ReduceMean": pooling.reduce_mean,
    "Relu": elementwise.relu,
    "Reshape": layout.reshape,
    "Resize": resizing.resize,
    "Slice": selection.slice_elements,
    "Softmax": softmax.softmax,
    "SpaceToDepth": layout.space_to_depth,
    "Split": selection.split,
    "Squeeze": layout.squeeze,
    "Sub": pointwise.sub,
    "Swish": pointwise.swish,
    "Tile": selection.tile,
    "Transpose": layout.transpose,
    "Unsqueeze": layout.unsqueeze,
    **{definition.operator: pointwise.function for name, definition in FUNCTIONS.items() if name != "pow"},
}

CONVERTERS: Mapping[str, Converter] = {
    **dict(sorted(_STANDARD.items())),
    f"{DOMAIN}.{ON_GRID}": product_quantization.on_grid,
    **{f"{DOMAIN}.{name}": product_quantization.convolution for name in CONVOLUTIONS},
}
"""By :func:`pqc.frontend.node.operator_name`."""

_FOLDED = {
    "Constant": "Of any kind that is used as a weight, a shape or an index.",
    "Shape": "Of anything; it becomes a constant, and so does all arithmetic on it and on other constants.",
}


def supported_operators() -> list[tuple[str, str]]:
    """Name and demands of every operator that can be imported, by name."""
    demands = {name: (inspect.getdoc(convert) or "").partition("\n")[0] for name, convert in CONVERTERS.items()}
    return sorted({**demands, **_FOLDED}.items())
