"""Train the digits network and write it as ONNX: `python examples/digits/train.py` (needs `pip install 'pqc[train]'`).

The result is committed as `digits.onnx`; nothing else in the project runs this file. The network is a small residual
one with a depthwise layer. Images enter as they are, ink from 0 to 16; the first batch normalization scales them.
The ONNX graph is written node by node, so that it does not depend on an exporter and every node has a readable name.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import data
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn
from torch.nn import functional

OPSET = 17
IR_VERSION = 8
SEED = 7
BATCH = 64
NOISE = 0.4


class Noise(nn.Module):
    """While training, adds noise in proportion to the spread of the values.

    A prototype stands for many subvectors, so a product-quantized layer's output is off by a sizeable part of its
    spread. A network that has lived with such errors classifies well in spite of them.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return `x`, in training with noise of a fraction `NOISE` of its standard deviation."""
        if not self.training:
            return x
        return x + NOISE * x.detach().std() * torch.randn_like(x)


class DigitsNetwork(nn.Module):
    """A stem, a residual block, a residual block that halves the image, a depthwise block, a classifier.

    Args:
        narrow: channels of the stem and the first block.
        wide: channels behind the halving block.
    """

    def __init__(self, narrow: int = 24, wide: int = 48) -> None:
        super().__init__()
        self.stem = _convolution(1, narrow, 3)
        self.block1 = nn.ModuleDict(
            {"conv1": _convolution(narrow, narrow, 3), "conv2": _convolution(narrow, narrow, 3)}
        )
        self.block2 = nn.ModuleDict(
            {
                "conv1": _convolution(narrow, wide, 3, stride=2),
                "conv2": _convolution(wide, wide, 3),
                "shortcut": _convolution(narrow, wide, 1, stride=2),
            }
        )
        self.block3 = nn.ModuleDict(
            {"depthwise": _convolution(wide, wide, 3, groups=wide), "pointwise": _convolution(wide, wide, 1)}
        )
        self.classifier = nn.Linear(wide, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map images [n, 1, 8, 8] with ink from 0 to 16 to logits [n, 10]."""
        x = torch.relu(self.stem(x))
        y = self.block1["conv2"](torch.relu(self.block1["conv1"](x)))
        x = torch.relu(y + x)
        y = self.block2["conv2"](torch.relu(self.block2["conv1"](x)))
        x = torch.relu(y + self.block2["shortcut"](x))
        y = self.block3["pointwise"](torch.relu(self.block3["depthwise"](x)))
        x = torch.relu(y + x)
        return self.classifier(x.mean((2, 3)))


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution that keeps the image's size up to its stride, and its batch normalization."""
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), Noise())


class GraphWriter:
    """Writes the ONNX graph of a trained network, one readable node after the other."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def constant(self, name: str, values: torch.Tensor) -> str:
        """Add an initializer and return its name."""
        array = np.ascontiguousarray(values.detach().numpy().astype(np.float32))
        self.initializers.append(numpy_helper.from_array(array, name))
        return name

    def node(self, operator: str, name: str, inputs: list[str], output: str | None = None, **attributes: object) -> str:
        """Add a node and return its output's name."""
        result = output or f"{name}.out"
        self.nodes.append(helper.make_node(operator, inputs, [result], name=name, **attributes))
        return result

    def convolution(self, name: str, layer: nn.Sequential, x: str) -> str:
        """Add a convolution and its batch normalization."""
        convolution, norm = layer[0], layer[1]
        weight = self.constant(f"{name}.weight", convolution.weight)
        y = self.node(
            "Conv",
            name,
            [x, weight],
            kernel_shape=list(convolution.kernel_size),
            strides=list(convolution.stride),
            pads=[*convolution.padding, *convolution.padding],
            group=convolution.groups,
        )
        parameters = {
            "scale": norm.weight,
            "bias": norm.bias,
            "mean": norm.running_mean,
            "variance": norm.running_var,
        }
        constants = [self.constant(f"{name}.norm.{key}", value) for key, value in parameters.items()]
        return self.node("BatchNormalization", f"{name}.norm", [y, *constants], epsilon=norm.eps)

    def relu(self, name: str, x: str) -> str:
        """Add a rectifier."""
        return self.node("Relu", name, [x])


def to_onnx(network: DigitsNetwork) -> onnx.ModelProto:
    """Return the network as a checked ONNX model: input `input` [N, 1, 8, 8], output `logits` [N, 10]."""
    graph = GraphWriter()
    x = graph.relu("stem.relu", graph.convolution("stem", network.stem, "input"))
    for name, block, first, second in (
        ("block1", network.block1, "conv1", "conv2"),
        ("block2", network.block2, "conv1", "conv2"),
        ("block3", network.block3, "depthwise", "pointwise"),
    ):
        y = graph.relu(f"{name}.{first}.relu", graph.convolution(f"{name}.{first}", block[first], x))
        y = graph.convolution(f"{name}.{second}", block[second], y)
        if "shortcut" in block:
            x = graph.convolution(f"{name}.shortcut", block["shortcut"], x)
        x = graph.relu(f"{name}.relu", graph.node("Add", f"{name}.add", [y, x]))
    x = graph.node("Flatten", "flatten", [graph.node("GlobalAveragePool", "pool", [x])], axis=1)
    parameters = [
        graph.constant("classifier.weight", network.classifier.weight),
        graph.constant("classifier.bias", network.classifier.bias),
    ]
    graph.node("Gemm", "classifier", [x, *parameters], output="logits", transB=1)
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "digits",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 1, 8, 8])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 10])],
            graph.initializers,
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="pqc examples/digits/train.py",
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def augment(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Turn, stretch and shift each image [n, 1, 8, 8] a little."""
    count = len(images)
    draw = torch.rand((count, 4), generator=generator) * 2 - 1
    angle, stretch = draw[:, 0] * 0.2, 1 + draw[:, 1] * 0.1
    cosine, sine = torch.cos(angle) * stretch, torch.sin(angle) * stretch
    shift = draw[:, 2:] * 0.25  # of half an image: one pixel
    maps = torch.stack(
        [torch.stack([cosine, -sine, shift[:, 0]], 1), torch.stack([sine, cosine, shift[:, 1]], 1)],
        1,
    )
    grid = functional.affine_grid(maps, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def train(epochs: int) -> DigitsNetwork:
    """Train on the training images with augmentation and label smoothing; the held-out images are not looked at."""
    torch.manual_seed(SEED)
    generator = torch.Generator().manual_seed(SEED)
    digits, _ = data.load()
    images, labels = torch.from_numpy(digits.images).float(), torch.from_numpy(digits.labels)
    network = DigitsNetwork()
    optimizer = torch.optim.AdamW(network.parameters(), lr=5e-3, weight_decay=0.05)
    steps = epochs * (len(images) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 5e-3, total_steps=steps)
    for epoch in range(epochs):
        order = torch.randperm(len(images), generator=generator)
        total = 0.0
        for start in range(0, len(images) - BATCH + 1, BATCH):
            batch = order[start : start + BATCH]
            logits = network(augment(images[batch], generator))
            loss = functional.cross_entropy(logits, labels[batch], label_smoothing=0.05)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss)
        print(f"epoch {epoch + 1}: loss {total / (len(images) // BATCH):.4f}", file=sys.stderr)
    return network.eval()


def main() -> None:
    """Train, say how well the network does on the held-out digits, and write it as ONNX."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent / "digits.onnx")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = train(arguments.epochs)
    _, held_out = data.load()
    with torch.no_grad():
        logits = network(torch.from_numpy(held_out.images).float())
    correct = (logits.argmax(1).numpy() == held_out.labels).mean()
    model = to_onnx(network)
    onnx.save(model, arguments.output)
    print(f"{arguments.output}: {correct:.2%} of {len(held_out.labels)} held-out digits, {model.ByteSize():,} bytes")


if __name__ == "__main__":
    main()
