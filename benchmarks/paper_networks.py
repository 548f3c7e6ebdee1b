"""The networks of the PQA paper as ONNX, with random weights: cycles do not depend on what a network has learned.

The paper's sweep (arXiv 2305.18334, its released model) names the product-quantized layers. ResNet-20 is whole, with
the first convolution and the classifier that the sweep leaves out; of the keyword spotter and the EMNIST network only
the pointwise convolutions are here, without the depthwise ones between them. Where EMNIST's map shrinks, a max pooling
takes the place of the depthwise convolution that does so in the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper

from pqc.numerics.arrays import AnyArray

KWS_CHANNELS = (84, 120, 84, 84, 84, 196)
EMNIST_CHANNELS = ((64, 96, 120, 150), (150, 187, 234, 292), (292, 366, 457, 572), (572, 512))
"""For maps of 14x14, 7x7, 4x4 and 2x2."""

OPSET = 13
IR_VERSION = 8


@dataclass(frozen=True)
class PaperNetwork:
    """A network of the paper: how it is built, one frame of its input, and which layers the paper quantizes.

    ``include`` are node names that the compiler would keep conventional by itself.
    """

    name: str
    build: Callable[[], onnx.ModelProto]
    frame: tuple[int, int, int]
    include: tuple[str, ...] = ()


class _Builder:
    """A model being written, a layer at a time; every layer reads the one before."""

    def __init__(self, frame: tuple[int, int, int]) -> None:
        self.random = np.random.default_rng(0)
        self.frame = frame
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, AnyArray] = {}
        self.last = "input"

    def constant(self, name: str, values: AnyArray) -> str:
        """A constant by this name."""
        self.constants[name] = values
        return name

    def weights(self, name: str, *shape: int) -> str:
        """Normally distributed weights that keep activations behind a ReLU as large as they are."""
        reach = np.sqrt(2 / np.prod(shape[1:], dtype=float))
        return self.constant(name, (self.random.standard_normal(shape) * reach).astype(np.float32))

    def add(self, kind: str, name: str, operands: Sequence[str] = (), **attributes: Any) -> str:
        """A node ``name`` over the last result and ``operands``; its result, which is the last one now."""
        self.nodes.append(onnx.helper.make_node(kind, [self.last, *operands], [name], name, **attributes))
        self.last = name
        return name

    def convolution(self, name: str, channels: int, outputs: int, kernel: int = 1, stride: int = 1) -> str:
        """A convolution that keeps the size of the map, or divides it by ``stride``."""
        border = [kernel // 2] * 4
        weight = self.weights(f"{name}.weight", outputs, channels, kernel, kernel)
        bias = self.constant(f"{name}.bias", np.zeros(outputs, np.float32))
        return self.add("Conv", name, (weight, bias), strides=[stride, stride], pads=border)

    def model(self) -> onnx.ModelProto:
        """The model; its output is the last result."""
        given = onnx.helper.make_tensor_value_info("input", onnx.TensorProto.FLOAT, ("N", *self.frame))
        self.add("Identity", "output")
        result = onnx.helper.make_tensor_value_info("output", onnx.TensorProto.FLOAT, None)
        kept = [onnx.numpy_helper.from_array(array, name) for name, array in self.constants.items()]
        graph = onnx.helper.make_graph(self.nodes, "network", [given], [result], kept)
        opset = onnx.helper.make_opsetid("", OPSET)
        return onnx.helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)


def _pointwise(builder: _Builder, names: Sequence[str], channels: Sequence[int]) -> None:
    """1x1 convolutions through these numbers of channels, each with a ReLU behind it."""
    for name, inputs, outputs in zip(names, channels[:-1], channels[1:], strict=True):
        builder.convolution(name, inputs, outputs)
        builder.add("Relu", f"{name}.relu")


def kws() -> onnx.ModelProto:
    """The keyword spotter's 5 pointwise convolutions on a map of 5x25."""
    builder = _Builder(KWS.frame)
    _pointwise(builder, [f"pointwise{index}" for index in range(5)], KWS_CHANNELS)
    return builder.model()


def emnist() -> onnx.ModelProto:
    """The EMNIST network's 10 pointwise convolutions on maps of 14x14, 7x7, 4x4 and 2x2."""
    builder = _Builder(EMNIST.frame)
    first, size = 0, EMNIST.frame[1]
    for stage, channels in enumerate(EMNIST_CHANNELS):
        if stage:
            # 7 rows become 4: the last window hangs over the edge.
            pads = [0, 0, size % 2, size % 2]
            builder.add("MaxPool", f"pool{stage}", kernel_shape=[2, 2], strides=[2, 2], pads=pads)
            size = -(-size // 2)
        names = [f"net.{first + index}.0.pointwise" for index in range(len(channels) - 1)]
        _pointwise(builder, names, channels)
        first += len(names)
    return builder.model()


def resnet20() -> onnx.ModelProto:
    """ResNet-20 for images of 32x32, batch normalization folded, shortcuts without parameters."""
    return residual_network(3)


def residual_network(blocks: int) -> onnx.ModelProto:
    """The same with so many blocks in each of the three stages: 6 * blocks + 2 layers with weights."""
    builder = _Builder(RESNET20.frame)
    builder.convolution("conv1", 3, 16, 3)
    builder.add("Relu", "relu1")
    channels = 16
    for stage, outputs in enumerate((16, 32, 64), 1):
        for block in range(blocks):
            _basic_block(builder, f"layer{stage}.{block}", channels, outputs)
            channels = outputs
    builder.add("GlobalAveragePool", "pool")
    builder.add("Flatten", "flatten")
    weight = builder.weights("fc.weight", 10, channels)
    builder.add("Gemm", "fc", (weight, builder.constant("fc.bias", np.zeros(10, np.float32))), transB=1)
    return builder.model()


def _basic_block(builder: _Builder, name: str, channels: int, outputs: int) -> None:
    """Two 3x3 convolutions around which the input goes; where the channels double, every other pixel of it."""
    start, stride = builder.last, outputs // channels
    builder.convolution(f"{name}.conv1", channels, outputs, 3, stride)
    builder.add("Relu", f"{name}.relu1")
    body = builder.convolution(f"{name}.conv2", outputs, outputs, 3)
    shortcut = start
    if stride > 1:
        builder.last = start
        lists = {"starts": [0, 0], "ends": [1 << 30, 1 << 30], "axes": [2, 3], "steps": [stride, stride]}
        names = [builder.constant(f"{name}.{key}", np.array(values, np.int64)) for key, values in lists.items()]
        builder.add("Slice", f"{name}.slice", names)
        more = (outputs - channels) // 2
        pads = builder.constant(f"{name}.pads", np.array([0, more, 0, 0, 0, more, 0, 0], np.int64))
        shortcut = builder.add("Pad", f"{name}.pad", (pads,))
    builder.last = body
    builder.add("Add", f"{name}.add", (shortcut,))
    builder.add("Relu", f"{name}.relu2")


RESNET20 = PaperNetwork("ResNet-20", resnet20, (3, 32, 32))
KWS = PaperNetwork("kws", kws, (84, 5, 25), include=("pointwise0",))
EMNIST = PaperNetwork("EMNIST", emnist, (64, 14, 14), include=("net.0.0.pointwise",))

NETWORKS = {network.name: network for network in (RESNET20, KWS, EMNIST)}
"""By the name that the sweep gives them."""
