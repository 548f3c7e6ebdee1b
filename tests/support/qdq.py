"""Models quantized by onnxruntime, in its form of QuantizeLinear and DequantizeLinear around float operators."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pqc.numerics.arrays import FloatArray

BATCH = 16
"""Frames that onnxruntime calibrates on at a time."""


class _Frames:
    """Frames by input name, as onnxruntime reads them."""

    def __init__(self, frames: Mapping[str, FloatArray]) -> None:
        count = len(next(iter(frames.values())))
        self._batches = iter(
            {name: array[start : start + BATCH] for name, array in frames.items()} for start in range(0, count, BATCH)
        )

    def get_next(self) -> dict[str, FloatArray] | None:
        """The next batch, None behind the last one."""
        return next(self._batches, None)


def quantized(
    source: Path,
    frames: Mapping[str, FloatArray],
    target: Path,
    *,
    activations: str = "QUInt8",
    per_channel: bool = False,
    symmetric: bool = False,
) -> Path:
    """Quantize the model ``source``, calibrated on ``frames``, and write it to ``target``.

    Args:
        source: a float model.
        frames: what it is calibrated on, by input name.
        target: where the result goes.
        activations: ``QUInt8``, ``QInt8``, ``QUInt16`` or ``QInt16``.
        per_channel: weights have a scale for each output.
        symmetric: activations have the zero point 0.

    Returns:
        ``target``.
    """
    library: Any = importlib.import_module("onnxruntime.quantization")
    logging.getLogger().setLevel(logging.ERROR)  # it advises preprocessing that is not needed here
    library.quantize_static(
        source,
        target,
        _Frames(frames),
        quant_format=library.QuantFormat.QDQ,
        activation_type=library.QuantType[activations],
        weight_type=library.QuantType.QInt8,
        per_channel=per_channel,
        extra_options={"ActivationSymmetric": symmetric},
    )
    return target
