"""The ``qnn`` dialect: the rest of a network in integers, as the conventional and vector units compute it.

Formulas are those of ``pqc.numerics``; every result that leaves an accumulator is saturated to ``clip``. Weights,
biases and requantization parameters are ``blob.constant``.
"""

from __future__ import annotations

from xdsl.ir import Dialect

from pqc.dialects.pq_types import quantized
from pqc.dialects.qnn_layers import Conv2dOp, GemmOp, RequantizeOp
from pqc.dialects.qnn_move import ConcatOp, PadOp, ReshapeOp, SliceOp, TransposeOp
from pqc.dialects.qnn_vector import AddOp, AveragePoolOp, MapOp, MaxPoolOp, MultiplyOp, RescaleOp

__all__ = [
    "AddOp",
    "AveragePoolOp",
    "ConcatOp",
    "Conv2dOp",
    "GemmOp",
    "MapOp",
    "MaxPoolOp",
    "MultiplyOp",
    "PadOp",
    "Qnn",
    "RequantizeOp",
    "RescaleOp",
    "ReshapeOp",
    "SliceOp",
    "TransposeOp",
    "quantized",
]

Qnn = Dialect(
    "qnn",
    [
        Conv2dOp,
        GemmOp,
        RequantizeOp,
        AddOp,
        RescaleOp,
        MapOp,
        MultiplyOp,
        MaxPoolOp,
        AveragePoolOp,
        ReshapeOp,
        TransposeOp,
        SliceOp,
        PadOp,
        ConcatOp,
    ],
    [],
)
"""The dialect: what computes, then what only moves."""
