"""Three networks of ImageNet's size with random weights: what a compiler must be able to chew, whatever they classify.

Shapes are those of ResNet-18 and ResNet-50 (K. He et al., Deep Residual Learning for Image Recognition, 2015; the
stride stands at the 3x3 convolution, as in torchvision) and MobileNetV2 1.0 (M. Sandler et al., MobileNetV2: Inverted
Residuals and Linear Bottlenecks, 2018) with their batch normalization folded into the convolutions. Weights are normal
numbers scaled so that activations keep about the same size from layer to layer. As a script it writes them:
``python benchmarks/imagenet_networks.py FOLDER``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper

SIDE = 224
"""Rows and columns of an image."""

CLASSES = 1000
"""What the networks tell apart."""

PREPROCESSING = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
"""What torchvision's networks expect; the metadata property ``preprocessing`` says it."""

SHORTCUT_GAIN = 0.5
"""Size of what is added to a shortcut, relative to the shortcut: sums do not grow much from block to block."""

BOTTLENECKS = ((64, 3), (128, 4), (256, 6), (512, 3))
"""ResNet-50, table 1: channels inside the blocks of each stage, and how many blocks."""

INVERTED_RESIDUALS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
"""MobileNetV2, table 2: expansion, output channels, blocks, stride of the first one."""


class NetworkWriter:
    """Nodes and constants of a model in the making; every method returns the name of what it computes."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def node(self, kind: str, name: str, inputs: list[str], **attributes: Any) -> str:
        """One node, whose result carries its name."""
        self._nodes.append(onnx.helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, values: np.ndarray[Any, np.dtype[np.float32]]) -> str:
        """An initializer."""
        self._constants.append(onnx.numpy_helper.from_array(values, name))
        return name

    def weights(self, name: str, shape: tuple[int, ...], gain: float) -> list[str]:
        """Weights of variance ``2 gain^2 / inputs`` (He's choice in front of a ReLU) and small biases."""
        reach = gain * np.sqrt(2 / np.prod(shape[1:], dtype=float))
        weight = (self._random.standard_normal(shape) * reach).astype(np.float32)
        bias = (self._random.standard_normal(shape[0]) * 0.05).astype(np.float32)
        return [self.constant(f"{name}.weight", weight), self.constant(f"{name}.bias", bias)]

    def convolution(
        self,
        name: str,
        x: str,
        channels: tuple[int, int],
        kernel: int,
        stride: int = 1,
        group: int = 1,
        gain: float = 1.0,
    ) -> str:
        """A square convolution from ``channels[0]`` to ``channels[1]``, padded so that stride 1 keeps the size."""
        constants = self.weights(name, (channels[1], channels[0] // group, kernel, kernel), gain)
        return self.node(
            "Conv",
            name,
            [x, *constants],
            kernel_shape=[kernel] * 2,
            strides=[stride] * 2,
            pads=[kernel // 2] * 4,
            group=group,
        )

    def classifier(self, x: str, features: int) -> str:
        """The mean of each map, and a matrix product."""
        pooled = self.node("GlobalAveragePool", "pool", [x])
        flat = self.node("Flatten", "flatten", [pooled])
        return self.node("Gemm", "logits", [flat, *self.weights("fc", (CLASSES, features), 1.0)], transB=1)

    def model(self, name: str) -> onnx.ModelProto:
        """The model from ``input`` to ``logits``, with a free number of frames."""
        of, kind = onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
        inputs, outputs = [of("input", kind, ["N", 3, SIDE, SIDE])], [of("logits", kind, ["N", CLASSES])]
        graph = onnx.helper.make_graph(self._nodes, name, inputs, outputs, self._constants)
        made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)], ir_version=8)
        onnx.helper.set_model_props(made, {"preprocessing": json.dumps(PREPROCESSING)})
        return made


def resnet18(seed: int = 0) -> onnx.ModelProto:
    """ResNet-18: a 7x7 stem, max pooling, eight basic blocks, of which three begin with a 1x1 projection."""
    writer = NetworkWriter(seed)
    x = _stem(writer)
    channels = 64
    for stage, outputs in enumerate((64, 128, 256, 512), 1):
        for block in range(2):
            stride = 2 if stage > 1 and block == 0 else 1
            x = _basic_block(writer, f"layer{stage}.{block}", x, (channels, outputs), stride)
            channels = outputs
    writer.classifier(x, channels)
    return writer.model("resnet18")


def resnet50(seed: int = 0) -> onnx.ModelProto:
    """ResNet-50: the same stem, and sixteen bottleneck blocks, of which four begin with a 1x1 projection."""
    writer = NetworkWriter(seed)
    x = _stem(writer)
    channels = 64
    for stage, (inner, blocks) in enumerate(BOTTLENECKS, 1):
        for block in range(blocks):
            stride = 2 if stage > 1 and block == 0 else 1
            x = _bottleneck(writer, f"layer{stage}.{block}", x, (channels, inner), stride)
            channels = 4 * inner
    writer.classifier(x, channels)
    return writer.model("resnet50")


def _stem(writer: NetworkWriter) -> str:
    """A 7x7 convolution and a max pooling, each of stride 2."""
    relu = writer.node("Relu", "stem.relu", [writer.convolution("stem", "input", (3, 64), 7, 2)])
    return writer.node("MaxPool", "stem.pool", [relu], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])


def _bottleneck(writer: NetworkWriter, name: str, x: str, channels: tuple[int, int], stride: int) -> str:
    """1x1 to ``channels[1]``, 3x3, 1x1 to four times as many, and what they are added to."""
    (inputs, inner), outputs = channels, 4 * channels[1]
    first = writer.node("Relu", f"{name}.relu1", [writer.convolution(f"{name}.conv1", x, (inputs, inner), 1)])
    second = writer.convolution(f"{name}.conv2", first, (inner, inner), 3, stride)
    relu = writer.node("Relu", f"{name}.relu2", [second])
    third = writer.convolution(f"{name}.conv3", relu, (inner, outputs), 1, gain=SHORTCUT_GAIN)
    if inputs != outputs:
        x = writer.convolution(f"{name}.downsample", x, (inputs, outputs), 1, stride)
    return writer.node("Relu", f"{name}.relu3", [writer.node("Add", f"{name}.add", [third, x])])


def _basic_block(writer: NetworkWriter, name: str, x: str, channels: tuple[int, int], stride: int) -> str:
    """Two 3x3 convolutions and what they are added to."""
    first = writer.convolution(f"{name}.conv1", x, channels, 3, stride)
    relu = writer.node("Relu", f"{name}.relu1", [first])
    second = writer.convolution(f"{name}.conv2", relu, (channels[1], channels[1]), 3, gain=SHORTCUT_GAIN)
    if stride != 1:
        x = writer.convolution(f"{name}.downsample", x, channels, 1, stride)
    return writer.node("Relu", f"{name}.relu2", [writer.node("Add", f"{name}.add", [second, x])])


def mobilenet_v2(seed: int = 0) -> onnx.ModelProto:
    """MobileNetV2 1.0: seventeen inverted residuals of 1x1, depthwise 3x3 and 1x1 convolutions; ReLU6 is a Clip."""
    writer = NetworkWriter(seed)
    for bound in (0, 6):
        writer.constant(f"bound{bound}", np.array(bound, np.float32))
    x, channels, number = _relu6(writer, "stem", "input", (3, 32), 3, stride=2), 32, 0
    for expansion, outputs, blocks, stride in INVERTED_RESIDUALS:
        for block in range(blocks):
            steps = (expansion, stride if block == 0 else 1)
            x = _inverted_residual(writer, f"block{number}", x, (channels, outputs), steps)
            channels, number = outputs, number + 1
    writer.classifier(_relu6(writer, "head", x, (channels, 1280), 1), 1280)
    return writer.model("mobilenet_v2")


def _relu6(
    writer: NetworkWriter, name: str, x: str, channels: tuple[int, int], kernel: int, stride: int = 1, group: int = 1
) -> str:
    """A convolution, cut off at 0 and 6."""
    made = writer.convolution(name, x, channels, kernel, stride, group)
    return writer.node("Clip", f"{name}.clip", [made, "bound0", "bound6"])


def _inverted_residual(
    writer: NetworkWriter, name: str, x: str, channels: tuple[int, int], steps: tuple[int, int]
) -> str:
    """Widen by ``steps[0]``, filter each channel with stride ``steps[1]``, narrow; add what came in where it fits."""
    (inputs, outputs), (expansion, stride) = channels, steps
    wide, inner = inputs * expansion, x
    if expansion != 1:
        inner = _relu6(writer, f"{name}.expand", inner, (inputs, wide), 1)
    inner = _relu6(writer, f"{name}.depthwise", inner, (wide, wide), 3, stride, group=wide)
    kept = stride == 1 and inputs == outputs
    narrow = writer.convolution(f"{name}.project", inner, (wide, outputs), 1, gain=SHORTCUT_GAIN if kept else 0.7)
    return writer.node("Add", f"{name}.add", [narrow, x]) if kept else narrow


NETWORKS: Mapping[str, Callable[[], onnx.ModelProto]] = {
    "resnet18": resnet18,
    "mobilenet_v2": mobilenet_v2,
    "resnet50": resnet50,
}
"""All by name."""


def write_networks(folder: Path) -> dict[str, Path]:
    """Write the networks into ``folder`` and return their files by name."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: folder / f"{name}.onnx" for name in NETWORKS}
    for name, path in paths.items():
        path.write_bytes(NETWORKS[name]().SerializeToString())
    return paths


if __name__ == "__main__":
    write_networks(Path(sys.argv[1]))
