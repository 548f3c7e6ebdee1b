"""The networks of docs/networks.md, each with where it comes from and what it is tested on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import network_samples as samples
import numpy as np
import onnx
import onnx.helper
import torch_networks
from network_samples import Samples
from torch_export import Exporter, export_network
from training_recipes import see, train

from pqc.frontend.preprocessing import Preprocessing
from pqc.numerics.arrays import FloatArray
from pqc.training.torch_library import Layer, torch

Frame = tuple[int, int, int]

IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
"""What torchvision's networks expect."""

SEEN = 64
"""Frames that set batch normalization, at most."""

KEYWORD_TRAINING = ("--epochs", "40", "--batch-size", "128")
IMAGE_TRAINING = ("--epochs", "10", "--batch-size", "128", "--augment", "flip")
"""Options of `pqc train` that take some minutes."""

FILE = "file"
"""The exporter of networks that come as ONNX."""


@dataclass(frozen=True)
class Network:
    """A network: a ``file`` in the folder of reference networks, or what ``build`` makes in torch.

    One that is built has random weights, with batch normalization that has seen some of its samples, or is trained on
    them for so many ``epochs``.
    """

    name: str
    samples: Callable[[Path], Samples]
    file: str | None = None
    build: Callable[[], Layer] | None = None
    frame: Frame = (3, 224, 224)
    epochs: int = 0
    preprocessing: dict[str, list[float]] | None = None
    training: tuple[str, ...] = ()
    """Options of `pqc train`, where that is measured, too."""

    @property
    def weights(self) -> str:
        """Where they come from."""
        if self.file is not None:
            return "trained"
        return f"trained here for {self.epochs} epochs" if self.epochs else "random"

    @property
    def exporters(self) -> tuple[str, ...]:
        """What writes the file, the one that is measured first."""
        return (FILE,) if self.build is None else tuple(exporter.value for exporter in Exporter)

    def write(self, data: Path, folder: Path, exporter: str) -> Path:
        """The ONNX file; what was written before is taken again."""
        if self.build is None:
            return data / str(self.file)
        path = folder / f"{exporter}.onnx"
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            network = torch_networks.seeded(self.build)
            self._weigh(network, data, folder / "weights.pt")
            export_network(network, self.frame, path, Exporter(exporter))
            if self.preprocessing is not None:
                model = onnx.load_model_from_string(path.read_bytes())
                onnx.helper.set_model_props(model, {"preprocessing": json.dumps(self.preprocessing)})
                path.write_bytes(model.SerializeToString())
        return path

    def _weigh(self, network: Layer, data: Path, kept: Path) -> None:
        """Give the network its weights: those that another exporter's file has, where there is one."""
        if kept.exists():
            network.load_state_dict(torch.load(kept))
            return
        found = self.samples(data)
        if self.epochs:
            train(network, found, self.epochs)
        else:
            see(network, self._prepared(found))
        torch.save(network.state_dict(), kept)

    def _prepared(self, found: Samples) -> FloatArray:
        """Some frames as the network takes them."""
        some: FloatArray = found.calibration[:SEEN].astype(np.float32)
        if self.preprocessing is None:
            return some
        return Preprocessing(tuple(self.preprocessing["mean"]), tuple(self.preprocessing["std"])).apply(some)


def _imagenet(name: str, build: Callable[[], Layer]) -> Network:
    """A network for images of 224x224."""
    return Network(name, lambda _: samples.photographs((3, 224, 224)), build=build, preprocessing=IMAGENET)


NETWORKS = (
    Network("DS-CNN (MLPerf Tiny)", samples.keywords, "mlperf_dscnn_kws.onnx", training=KEYWORD_TRAINING),
    Network(
        "MobileNetV1-0.25 (MLPerf Tiny)",
        lambda _: samples.photographs((3, 96, 96)),
        "mlperf_mobilenetv1_025_vww96.onnx",
    ),
    Network("ResNet-8 (MLPerf Tiny)", samples.cifar10, "mlperf_resnet8_cifar10.onnx", training=IMAGE_TRAINING),
    Network("ResNet-20", samples.cifar10, "resnet20.onnx"),
    Network("MicroNet-KWS", samples.keywords, build=torch_networks.micronet_kws, frame=(1, 49, 10), epochs=40),
    Network("EMNIST", samples.letters, build=torch_networks.emnist, frame=(1, 28, 28), epochs=2),
    Network("VGG-small", samples.cifar10, build=torch_networks.vgg_small, frame=(3, 32, 32)),
    _imagenet("ResNet-18", torch_networks.resnet18),
    _imagenet("ResNet-50", torch_networks.resnet50),
    _imagenet("MobileNetV2", torch_networks.mobilenet_v2),
    _imagenet("EfficientNet-B0", torch_networks.efficientnet_b0),
    _imagenet("ConvNeXt block", torch_networks.convnext_block),
)
