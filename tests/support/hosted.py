"""Networks that the accelerator executes only in part: what the host does, in the middle, at the end, or both."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from support.onnx_models import model, node

from pqc.numerics.arrays import AnyArray

BODY = (
    node("Conv", ["x", "w1"], ["a"], name="stem", pads=[1, 1, 1, 1]),
    node("Relu", ["a"], ["b"], name="relu"),
)
TAIL = (
    node("Conv", ["c", "w2"], ["d"], name="body", pads=[1, 1, 1, 1]),
    node("Relu", ["d"], ["e"], name="relu2"),
    node("GlobalAveragePool", ["e"], ["f"], name="pool"),
    node("Flatten", ["f"], ["g"], name="flat"),
    node("Gemm", ["g", "w3"], ["h"], name="fc", transB=1),
)
MIDDLE = node("LRN", ["b"], ["c"], name="norm", size=3)
"""An operator that the accelerator has not."""

NOTHING = node("Relu", ["b"], ["c"], name="relu3")
"""What stands in its place in a network without it."""


def constants() -> dict[str, AnyArray]:
    """Weights of a first convolution, a product-quantized one, and a classifier of five classes."""
    rng = np.random.default_rng(0)
    shapes = {"w1": (4, 3, 3, 3), "w2": (6, 4, 3, 3), "w3": (5, 6)}
    return {
        name: (rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))).astype(np.float32)
        for name, shape in shapes.items()
    }


def hosted(*ends: onnx.NodeProto, middle: onnx.NodeProto = MIDDLE, outputs: Sequence[str] = ("y",)) -> onnx.ModelProto:
    """A network from x [N, 3, 8, 8] with ``middle`` behind its first convolution, and ``ends`` behind h [N, 5]."""
    return model([*BODY, middle, *TAIL, *ends], constants(), {"x": ("N", 3, 8, 8)}, outputs)


def with_softmax() -> onnx.ModelProto:
    """A network of which only the end is for the host."""
    return hosted(node("LogSoftmax", ["h"], ["y"], name="prob", axis=1), middle=NOTHING)


def with_norm() -> onnx.ModelProto:
    """A network of which only something in the middle is for the host."""
    return hosted(node("Identity", ["h"], ["y"], name="end"))


def images(frames: int = 40) -> AnyArray:
    """Random images [frames, 3, 8, 8], float32."""
    return np.random.default_rng(1).standard_normal((frames, 3, 8, 8)).astype(np.float32)
