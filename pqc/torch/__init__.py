"""Product-quantized layers for a training loop of one's own, and their export as a PQ model in ONNX."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("torch") is None:
    raise ImportError("pqc.torch needs torch, which is not installed: pip install 'pqc[train]'")

from pqc.torch.layers import PQConv2d, PQLinear
from pqc.torch.onnx_export import export

__all__ = ["PQConv2d", "PQLinear", "export"]
