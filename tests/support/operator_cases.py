"""One node, what else it reads, and the operations that it becomes: cases for tests of the importer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from support.onnx_models import IMAGE, FloatShape, model, node

from pqc.numerics.arrays import AnyArray

FEATURES: Mapping[str, FloatShape] = {"x": ("N", 6)}


def random(*shape: int) -> AnyArray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def integers(*values: int) -> AnyArray:
    return np.array(values, np.int64)


def scalar(value: float) -> AnyArray:
    return np.array(value, np.float32)


@dataclass(frozen=True)
class Case:
    """One node, what else it reads, and the operations it becomes."""

    kind: str
    becomes: Sequence[str]
    constants: Mapping[str, AnyArray] = field(default_factory=dict[str, AnyArray])
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])
    inputs: Mapping[str, FloatShape] = field(default_factory=lambda: IMAGE)
    opset: int = 13
    operands: Sequence[str] = ()
    outputs: Sequence[str] = ("y",)

    def proto(self) -> onnx.ModelProto:
        operands = self.operands or [*self.inputs, *self.constants]
        one = node(self.kind, operands, self.outputs, **self.attributes)
        return model([one], self.constants, self.inputs, self.outputs, self.opset)
