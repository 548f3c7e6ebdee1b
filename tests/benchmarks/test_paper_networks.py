"""The paper's networks as ONNX: their layers are those of the paper's sweep, and both pqc and onnxruntime take them."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from paper_networks import NETWORKS, PaperNetwork

from pqc.estimation import EstimatedLayer, estimate_model
from pqc.frontend import import_model
from pqc.interpreter.reference import run_reference
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target
from pqc.report.float_model import FloatModel


@pytest.fixture(params=sorted(NETWORKS))
def network(request: pytest.FixtureRequest) -> PaperNetwork:
    return NETWORKS[request.param]


@pytest.fixture
def model(network: PaperNetwork, tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(network.build().SerializeToString())
    return path


def layers(model: Path, network: PaperNetwork) -> tuple[EstimatedLayer, ...]:
    return estimate_model(model, load_target("pqa"), PqOptions(include=network.include)).layers


def test_layers_are_those_of_the_sweep(shared: Path, network: PaperNetwork, model: Path) -> None:
    with (shared / "paper_cycles.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["network"] == network.name]
    shapes = {int(row["layer"]): tuple(int(row[n]) for n in ("Cin", "Cout", "H", "W", "stride")) for row in rows}
    found = [(layer.channels, layer.quantized.outputs, *layer.size, layer.stride) for layer in layers(model, network)]
    assert found == [shapes[index] for index in range(len(shapes))]


def test_numbers_of_layers(network: PaperNetwork, model: Path) -> None:
    assert len(layers(model, network)) == {"ResNet-20": 18, "kws": 5, "EMNIST": 10}[network.name]


def test_onnxruntime_computes_the_same(network: PaperNetwork, model: Path) -> None:
    frames = np.random.default_rng(0).standard_normal((2, *network.frame)).astype(np.float32)
    (found,) = run_reference(import_model(model).module, [frames])
    expected = FloatModel(model).run({"input": frames})["output"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    # a network whose activations die or explode would say nothing about integers
    assert 0.01 < expected.std() < 1000


def test_the_same_weights_every_time(network: PaperNetwork) -> None:
    assert network.build().SerializeToString() == network.build().SerializeToString()
