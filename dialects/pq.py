"""The ``pq`` dialect: convolution by product quantization, as one step on real numbers and as two on integers.

One convolution at the integer level::

    %codes = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 ...
    %accumulator = pq.lookup %codes, %table, %bias table_bits 8 : ... -> tensor<?x16x32x32xsi16>

Grouped by channels, a pixel is encoded once, and the lookup walks the window over the map of codes::

    %codes = pq.encode %x, %codebook <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 0 ...
    %accumulator = pq.lookup %codes, %table, %bias window <[3, 3] ...> padding %padding : tensor<4xui8> table_bits 8 ...
"""

from __future__ import annotations

from xdsl.ir import Dialect

from pqc.dialects.pq_convolution import ConvolutionOp
from pqc.dialects.pq_integer import EncodeOp, LookupOp
from pqc.dialects.pq_on_grid import OnGridOp
from pqc.dialects.pq_types import CodesType, ConfigAttr, GridAttr, QuantizedType, WindowAttr

__all__ = ["ConvolutionOp", "EncodeOp", "LookupOp", "OnGridOp", "Pq"]

Pq = Dialect(
    "pq",
    [OnGridOp, ConvolutionOp, EncodeOp, LookupOp],
    [WindowAttr, GridAttr, ConfigAttr, QuantizedType, CodesType],
)
"""The dialect."""
