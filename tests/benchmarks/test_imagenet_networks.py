"""The networks that the benchmarks compile are what they are named after."""

from __future__ import annotations

import importlib
from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx.numpy_helper
import pytest
from imagenet_networks import CLASSES, NETWORKS, SIDE, write_networks

# convolutions, of them depthwise, additions, and parameters with each bias in place of a batch normalization
FACTS = {
    "resnet18": (20, 0, 8, 11_684_712),
    "mobilenet_v2": (52, 17, 10, 3_487_816),
    "resnet50": (53, 0, 16, 25_530_472),
}


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_networks(tmp_path_factory.mktemp("imagenet"))


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_and_parameters(name: str) -> None:
    graph = NETWORKS[name]().graph
    constants = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    kinds = Counter(node.op_type for node in graph.node)
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    depthwise = [node for node in convolutions if constants[node.input[1]].shape[1:] == (1, 3, 3)]
    parameters = sum(prod(array.shape) for array in constants.values() if array.ndim)
    assert (len(convolutions), len(depthwise), kinds["Add"], parameters) == FACTS[name]
    assert kinds["Gemm"] == kinds["GlobalAveragePool"] == 1


@pytest.mark.parametrize(("name", "millions"), [("resnet18", 11.7), ("mobilenet_v2", 3.5)])
def test_as_many_parameters_as_published(name: str, millions: float) -> None:
    assert round(FACTS[name][3] / 1e6, 1) == millions


def test_as_many_parameters_as_in_torchvision() -> None:
    # there each of the 26,560 channels has a scale and an offset, here a bias
    assert FACTS["resnet50"][3] + 26_560 == 25_557_032


@pytest.mark.parametrize("name", NETWORKS)
def test_onnxruntime_takes_them_and_activations_stay_sane(name: str, paths: dict[str, Path]) -> None:
    runtime: Any = importlib.import_module("onnxruntime")
    session = runtime.InferenceSession(str(paths[name]), providers=["CPUExecutionProvider"])
    image = np.random.default_rng(0).normal(size=(1, 3, SIDE, SIDE)).astype(np.float32)
    (logits,) = session.run(["logits"], {"input": image})
    assert logits.shape == (1, CLASSES)
    assert 0.1 < float(logits.std()) < 100


def test_the_same_seed_writes_the_same_file(paths: dict[str, Path]) -> None:
    assert paths["mobilenet_v2"].read_bytes() == NETWORKS["mobilenet_v2"]().SerializeToString()
