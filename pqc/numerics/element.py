"""Integer element types of tensors: a width in bits and a signedness, stored in one or two bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pqc.numerics.arrays import AnyArray, FloatArray, IntArray


@dataclass(frozen=True)
class Element:
    """An integer element type of 1 to 16 bits; ``str()`` gives ``ui8`` or ``si8``."""

    bits: int
    signed: bool

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= 16:
            raise ValueError(f"element bits = {self.bits}, allowed are 1 to 16")

    def __str__(self) -> str:
        return f"{'s' if self.signed else 'u'}i{self.bits}"

    @property
    def minimum(self) -> int:
        """Smallest value the type holds."""
        return -(1 << self.bits - 1) if self.signed else 0

    @property
    def maximum(self) -> int:
        """Largest value the type holds."""
        return (1 << self.bits - int(self.signed)) - 1

    @property
    def storage_bytes(self) -> int:
        """Bytes one element occupies in the activation memories."""
        return 1 if self.bits <= 8 else 2

    @property
    def storage(self) -> np.dtype[np.integer[Any]]:
        """The little-endian numpy type that stores one element."""
        return np.dtype(f"<{'i' if self.signed else 'u'}{self.storage_bytes}")

    def clip(self, values: IntArray) -> IntArray:
        """Saturate ``values`` to this type's range and store them in its numpy type."""
        return np.clip(values, self.minimum, self.maximum).astype(self.storage)

    def quantize(self, values: FloatArray, scale: float) -> IntArray:
        """Bring real ``values`` onto the grid of ``scale``: round half up, then saturate."""
        return self.clip(
            np.floor(np.asarray(values, np.float64) / scale + 0.5).clip(-(2.0**31), 2.0**31).astype(np.int64)
        )

    def on_grid(self, values: FloatArray, scale: float) -> FloatArray:
        """The real numbers on the grid of ``scale`` that :meth:`quantize` brings ``values`` to, as float32."""
        return dequantize(self.quantize(values, scale), scale)


def dequantize(values: AnyArray, scale: float) -> FloatArray:
    """The real numbers that integers on the grid of ``scale`` stand for, as float32."""
    return (values.astype(np.float64) * scale).astype(np.float32)
