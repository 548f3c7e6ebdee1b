"""The float level: the imported network, one operation per ONNX operator that pqc compiles.

Activations are ``tensor<?xCxHxWxf32>`` or ``tensor<?xKxf32>``; the first dimension, the frames, is always open.
Weights are ``blob.constant``. Result shapes are those of :mod:`pqc.numerics.shapes`; constructors raise its
``ShapeError`` for operands that do not go together, verifiers say the same sentence.
"""

from __future__ import annotations

from xdsl.ir import Dialect

from pqc.dialects.onnx_base import FloatTensor, shape_of, tensor
from pqc.dialects.onnx_group import PointwiseOp, YieldOp
from pqc.dialects.onnx_layers import BatchNormOp, ConvOp, GemmOp
from pqc.dialects.onnx_layout import ConcatOp, PadOp, ReshapeOp, SliceOp, TransposeOp
from pqc.dialects.onnx_pointwise import AddOp, ClipOp, FunctionOp, MulOp, PReluOp, ReluOp, SubOp
from pqc.dialects.onnx_pooling import AveragePoolOp, GlobalAveragePoolOp, MaxPoolOp

__all__ = [
    "AddOp",
    "AveragePoolOp",
    "BatchNormOp",
    "ClipOp",
    "ConcatOp",
    "ConvOp",
    "FloatTensor",
    "FunctionOp",
    "GemmOp",
    "GlobalAveragePoolOp",
    "MaxPoolOp",
    "MulOp",
    "Onnx",
    "PReluOp",
    "PadOp",
    "PointwiseOp",
    "ReluOp",
    "ReshapeOp",
    "SliceOp",
    "SubOp",
    "TransposeOp",
    "YieldOp",
    "shape_of",
    "tensor",
]

Onnx = Dialect(
    "onnx",
    [
        ConvOp,
        GemmOp,
        BatchNormOp,
        ReluOp,
        ClipOp,
        AddOp,
        SubOp,
        MulOp,
        FunctionOp,
        PReluOp,
        PointwiseOp,
        YieldOp,
        MaxPoolOp,
        AveragePoolOp,
        GlobalAveragePoolOp,
        ReshapeOp,
        TransposeOp,
        SliceOp,
        PadOp,
        ConcatOp,
    ],
    [],
)
"""The dialect."""
