"""The networks in torch are those that they are named after, and both exporters write what pqc imports."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch_networks
from network_runs import layers_of
from paper_networks import EMNIST_CHANNELS, KWS_CHANNELS
from torch_export import Exporter, export_network
from training_recipes import see

from pqc.frontend import import_model
from pqc.interpreter.reference import run_reference
from pqc.training.torch_library import nn, torch

# as torchvision counts the parameters of its own
PUBLISHED = {
    torch_networks.resnet18: 11_689_512,
    torch_networks.resnet50: 25_557_032,
    torch_networks.mobilenet_v2: 3_504_872,
    torch_networks.efficientnet_b0: 5_288_548,
}


@pytest.mark.parametrize(("build", "parameters"), PUBLISHED.items())
def test_as_many_parameters_as_in_torchvision(build: Callable[[], Any], parameters: int) -> None:
    assert sum(parameter.numel() for parameter in build().parameters()) == parameters


def pointwise(network: Any) -> list[tuple[int, int]]:
    """Channels of the 1x1 convolutions."""
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    return [(layer.in_channels, layer.out_channels) for layer in layers if layer.kernel_size == (1, 1)]


def test_pointwise_layers_are_the_paper_s() -> None:
    pairs = list(pairwise(KWS_CHANNELS))
    assert pointwise(torch_networks.micronet_kws()) == pairs
    stages = [pair for stage in EMNIST_CHANNELS for pair in pairwise(stage)]
    assert pointwise(torch_networks.emnist()) == stages


@pytest.mark.parametrize("exporter", Exporter)
def test_both_exporters_write_what_is_imported(exporter: Exporter, tmp_path: Path) -> None:
    network, path = torch_networks.seeded(torch_networks.micronet_kws), tmp_path / "network.onnx"
    frames = np.random.default_rng(0).standard_normal((4, 1, 49, 10)).astype(np.float32)
    see(network, frames)
    export_network(network, frames.shape[1:], path, exporter)
    assert layers_of(path) == [5, 7]
    (found,) = run_reference(import_model(path).module, [frames])
    with torch.no_grad():
        expected = network(torch.from_numpy(frames)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_activations_of_random_weights_neither_vanish_nor_explode() -> None:
    network = torch_networks.seeded(torch_networks.vgg_small)
    frames = np.random.default_rng(0).random((8, 3, 32, 32)).astype(np.float32)
    see(network, frames)
    with torch.no_grad():
        logits = network(torch.from_numpy(frames))
    assert 0.05 < float(logits.std()) < 50


def test_the_same_seed_gives_the_same_weights() -> None:
    first, second = (torch_networks.seeded(torch_networks.micronet_kws).state_dict() for _ in range(2))
    assert all(bool((first[name] == second[name]).all()) for name in first)
