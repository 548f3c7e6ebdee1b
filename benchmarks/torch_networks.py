"""Networks as PyTorch's users write them, for its exporters: batch normalization, dropout, adaptive pooling and all.

ResNet-18 and -50 (K. He et al., 2015), MobileNetV2 (M. Sandler et al., 2018) and EfficientNet-B0 (M. Tan and Q. V. Le,
2019) are built as torchvision builds them, for images of 224x224. VGG-small is the network for CIFAR-10 that work on
binary and product-quantized networks compares by: six convolutions of 128 to 512 channels and one matrix product. The
keyword spotter and the EMNIST network have the pointwise layers of the PQA paper (arXiv 2305.18334), with what the
paper leaves open chosen as in MicroNets (C. Banbury et al., 2021): see :func:`micronet_kws` and :func:`emnist`. The
block is that of ConvNeXt-T (Z. Liu et al., 2022).

Weights are random, but for those of :mod:`training_recipes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from imagenet_networks import INVERTED_RESIDUALS

from pqc.training.torch_library import Layer, Tensor, nn, torch

CLASSES = 1000
"""What the networks for images of 224x224 tell apart."""

EFFICIENT_BLOCKS = (
    (1, 3, 16, 1, 1),
    (6, 3, 24, 2, 2),
    (6, 5, 40, 2, 2),
    (6, 3, 80, 3, 2),
    (6, 5, 112, 3, 1),
    (6, 5, 192, 4, 2),
    (6, 3, 320, 1, 1),
)
"""EfficientNet-B0, table 1: expansion, kernel, output channels, blocks, stride of the first one."""

VGG_CHANNELS = (128, 256, 512)
"""VGG-small: two convolutions of each, and a pooling that halves the map."""

KWS_CHANNELS = (84, 120, 84, 84, 84, 196)
"""Of the keyword spotter's pointwise convolutions in the paper's sweep."""

EMNIST_CHANNELS = (64, 96, 120, 150, 187, 234, 292, 366, 457, 572, 512)
"""Of the EMNIST network's pointwise convolutions in the paper's sweep."""

EMNIST_STRIDES = (1, 1, 1, 2, 1, 1, 2, 1, 1, 2)
"""Of the depthwise convolutions in front of them: maps of 14x14, 7x7, 4x4 and 2x2."""


def convolution(
    inputs: int,
    outputs: int,
    kernel: int | tuple[int, int],
    stride: int = 1,
    groups: int = 1,
    activation: type[Any] | None = nn.ReLU,
) -> Layer:
    """A convolution that keeps the map's size up to its stride, its batch normalization, and an activation."""
    rows, columns = kernel if isinstance(kernel, tuple) else (kernel, kernel)
    layers = [
        nn.Conv2d(inputs, outputs, (rows, columns), stride, (rows // 2, columns // 2), groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([] if activation is None else [activation()]))


class Shortcut(nn.Module):
    """What is added to its input, or to a projection of it, and the activation behind the sum."""

    def __init__(self, body: Layer, around: Layer | None = None, activation: Layer | None = None) -> None:
        nn.Module.__init__(self)
        self.body = body
        self.around = nn.Identity() if around is None else around
        self.activation = nn.Identity() if activation is None else activation

    def forward(self, x: Tensor) -> Tensor:
        """Map [frames, channels, rows, columns] to the same, or what the projection makes of it."""
        return self.activation(self.body(x) + self.around(x))


class SqueezeExcite(nn.Module):
    """Scales each channel by a number between 0 and 1 that the means of all channels decide."""

    def __init__(self, channels: int, squeezed: int) -> None:
        nn.Module.__init__(self)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.decide = nn.Sequential(
            nn.Conv2d(channels, squeezed, 1), nn.SiLU(), nn.Conv2d(squeezed, channels, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map [frames, channels, rows, columns] to the same."""
        return x * self.decide(self.pool(x))


def classifier(features: int, classes: int, dropout: float = 0.0) -> list[Layer]:
    """The mean of each map, dropout, and a matrix product."""
    dropped = [nn.Dropout(dropout)] if dropout else []
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(1), *dropped, nn.Linear(features, classes)]


def _projection(inputs: int, outputs: int, stride: int) -> Layer | None:
    """What brings a shortcut to the size of what is added to it."""
    same = inputs == outputs and stride == 1
    return None if same else convolution(inputs, outputs, 1, stride, activation=None)


def _basic(inputs: int, width: int, stride: int) -> Layer:
    body = nn.Sequential(convolution(inputs, width, 3, stride), convolution(width, width, 3, activation=None))
    return Shortcut(body, _projection(inputs, width, stride), nn.ReLU())


def _bottleneck(inputs: int, width: int, stride: int) -> Layer:
    body = nn.Sequential(
        convolution(inputs, width, 1),
        convolution(width, width, 3, stride),
        convolution(width, 4 * width, 1, activation=None),
    )
    return Shortcut(body, _projection(inputs, 4 * width, stride), nn.ReLU())


def _residual_network(blocks: Sequence[int], bottlenecks: bool) -> Layer:
    """A 7x7 stem, max pooling, and four stages of so many blocks."""
    build, expansion = (_bottleneck, 4) if bottlenecks else (_basic, 1)
    layers, channels = [convolution(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for stage, count in enumerate(blocks):
        width = 64 << stage
        for block in range(count):
            layers.append(build(channels, width, 2 if stage and not block else 1))
            channels = width * expansion
    return nn.Sequential(*layers, *classifier(channels, CLASSES))


def resnet18() -> Layer:
    """ResNet-18."""
    return _residual_network((2, 2, 2, 2), bottlenecks=False)


def resnet50() -> Layer:
    """ResNet-50, with the stride at the 3x3 convolution."""
    return _residual_network((3, 4, 6, 3), bottlenecks=True)


def mobilenet_v2() -> Layer:
    """MobileNetV2 1.0."""
    layers, channels = [convolution(3, 32, 3, 2, activation=nn.ReLU6)], 32
    for expansion, outputs, blocks, stride in INVERTED_RESIDUALS:
        for block in range(blocks):
            step, wide = stride if block == 0 else 1, channels * expansion
            widen = [] if expansion == 1 else [convolution(channels, wide, 1, activation=nn.ReLU6)]
            body = nn.Sequential(
                *widen,
                convolution(wide, wide, 3, step, groups=wide, activation=nn.ReLU6),
                convolution(wide, outputs, 1, activation=None),
            )
            layers.append(Shortcut(body) if step == 1 and channels == outputs else body)
            channels = outputs
    return nn.Sequential(*layers, convolution(channels, 1280, 1, activation=nn.ReLU6), *classifier(1280, CLASSES, 0.2))


def efficientnet_b0() -> Layer:
    """EfficientNet-B0; what trains it by leaving out whole blocks does nothing afterwards and is not here."""
    layers, channels = [convolution(3, 32, 3, 2, activation=nn.SiLU)], 32
    for expansion, kernel, outputs, blocks, stride in EFFICIENT_BLOCKS:
        for block in range(blocks):
            step, wide = stride if block == 0 else 1, channels * expansion
            widen = [] if expansion == 1 else [convolution(channels, wide, 1, activation=nn.SiLU)]
            body = nn.Sequential(
                *widen,
                convolution(wide, wide, kernel, step, groups=wide, activation=nn.SiLU),
                SqueezeExcite(wide, max(1, channels // 4)),
                convolution(wide, outputs, 1, activation=None),
            )
            layers.append(Shortcut(body) if step == 1 and channels == outputs else body)
            channels = outputs
    return nn.Sequential(*layers, convolution(channels, 1280, 1, activation=nn.SiLU), *classifier(1280, CLASSES, 0.2))


def vgg_small() -> Layer:
    """VGG-small for CIFAR-10."""
    layers, channels = list[Layer](), 3
    for width in VGG_CHANNELS:
        layers += [convolution(channels, width, 3), convolution(width, width, 3), nn.MaxPool2d(2)]
        channels = width
    return nn.Sequential(*layers, nn.Flatten(1), nn.Linear(channels * 16, 10))


def _separable(inputs: int, outputs: int, stride: int) -> Layer:
    """A depthwise 3x3 and a pointwise convolution."""
    return nn.Sequential(convolution(inputs, inputs, 3, stride, groups=inputs), convolution(inputs, outputs, 1))


def micronet_kws() -> Layer:
    """Keywords from 49x10 coefficients: a 10x4 stem, five separable layers, of which the first halves the map.

    The paper's map of 5x25 is 25x5 here, as the coefficients at hand are laid.
    """
    pairs = pairwise(KWS_CHANNELS)
    layers = [_separable(inputs, outputs, 1 if place else 2) for place, (inputs, outputs) in enumerate(pairs)]
    padded = nn.ZeroPad2d((1, 2, 4, 5))
    stem = [padded, nn.Conv2d(1, KWS_CHANNELS[0], (10, 4), bias=False), nn.BatchNorm2d(KWS_CHANNELS[0]), nn.ReLU()]
    return nn.Sequential(*stem, *layers, *classifier(KWS_CHANNELS[-1], 12))


def emnist() -> Layer:
    """Letters of 28x28: a 3x3 stem of stride 2, ten separable layers, and a classifier of 26."""
    sizes = zip(EMNIST_CHANNELS[:-1], EMNIST_CHANNELS[1:], EMNIST_STRIDES, strict=True)
    layers = [_separable(*size) for size in sizes]
    return nn.Sequential(convolution(1, EMNIST_CHANNELS[0], 3, 2), *layers, *classifier(EMNIST_CHANNELS[-1], 26))


class ChannelsLast(nn.Module):
    """Layers that take the channels as the last dimension."""

    def __init__(self, *layers: Layer) -> None:
        nn.Module.__init__(self)
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Map [frames, channels, rows, columns] to the same."""
        return self.layers(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class LayerScale(nn.Module):
    """Scales each channel, the last dimension, by a number that is learned."""

    def __init__(self, channels: int) -> None:
        nn.Module.__init__(self)
        # makes a block with random weights as large as what it is added to; training begins with next to nothing of it
        self.factors = nn.Parameter(5 * torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map [..., channels] to the same."""
        return x * self.factors


class MapMeans(nn.Module):
    """The mean of each map, as ConvNeXt writes it."""

    def forward(self, x: Tensor) -> Tensor:
        """Map [frames, channels, rows, columns] to [frames, channels]."""
        return x.mean((-2, -1))


def convnext_block() -> Layer:
    """A 4x4 stem of stride 4, one block of ConvNeXt, and a classifier."""
    inner = [nn.LayerNorm(96, 1e-6), nn.Linear(96, 384), nn.GELU(), nn.Linear(384, 96), LayerScale(96)]
    body = nn.Sequential(nn.Conv2d(96, 96, 7, padding=3, groups=96), ChannelsLast(*inner))
    stem = nn.Sequential(nn.Conv2d(3, 96, 4, 4), ChannelsLast(nn.LayerNorm(96, 1e-6)))
    head = [MapMeans(), nn.LayerNorm(96, 1e-6), nn.Linear(96, CLASSES)]
    return nn.Sequential(stem, Shortcut(body), *head)


def seeded(build: Any, seed: int = 0) -> Layer:
    """A network with the random weights of ``seed``, for inference."""
    torch.manual_seed(seed)
    return build().eval()
