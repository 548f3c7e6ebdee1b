"""`pqc.torch`: layers for a training loop of one's own, and what is exported of a network of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.runtimes import check_onnx, run_onnx

from pqc.api import compile as compile_file
from pqc.errors import ModelError
from pqc.frontend import import_model
from pqc.frontend.preprocessing import Preprocessing
from pqc.interpreter.reference import run_reference
from pqc.passes.attributes import main_of
from pqc.passes.given_grids import are_all_given
from pqc.passes.value_ranges import group_values
from pqc.torch import PQConv2d, PQLinear, export
from pqc.training.torch_library import Layer, Tensor, functional, nn, torch


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


class Small(nn.Module):
    """A conventional stem, a residual block of two product-quantized convolutions, and a classifier."""

    def __init__(self, **options: Any) -> None:
        nn.Module.__init__(self)
        self.stem = nn.Conv2d(1, 6, 3, padding=1)
        self.first = PQConv2d(6, 6, 3, padding=1, bias=False, prototypes=8, **options)
        self.norm = nn.BatchNorm2d(6)
        self.second = PQConv2d(6, 6, 3, stride=2, padding=1, prototypes=8, **options)
        self.shortcut = nn.Conv2d(6, 6, 1, stride=2)
        self.classifier = PQLinear(6 * 16, 4, prototypes=8, length=4)

    def forward(self, x: Tensor) -> Tensor:
        start = functional.relu(self.stem(x))
        body = functional.relu(self.norm(self.first(start)))
        end = functional.relu(self.second(body) + self.shortcut(start))
        return self.classifier(torch.flatten(end, 1))

    def prepare(self, x: Tensor) -> None:
        """Initialize each layer with what it sees."""
        with torch.no_grad():
            start = functional.relu(self.stem(x))
            self.first.initialize(start)
            body = functional.relu(self.norm(self.first(start)))
            self.second.initialize(body)
            end = functional.relu(self.second(body) + self.shortcut(start))
            self.classifier.initialize(torch.flatten(end, 1))


def data(count: int = 256) -> tuple[Tensor, Tensor]:
    """Images of one of four corners."""
    labels = torch.arange(count) % 4
    x = torch.randn(count, 1, 8, 8) * 0.3
    for index, label in enumerate(labels.tolist()):
        row, column = 4 * (label // 2), 4 * (label % 2)
        x[index, 0, row : row + 4, column : column + 4] += 1
    return x, labels


def train(model: Layer, x: Tensor, labels: Tensor, steps: int = 80) -> list[float]:
    optimizer: Any = torch.optim.Adam(model.parameters(), lr=0.02)
    losses: list[float] = []
    for step in range(steps):
        part = slice(64 * step % 256, 64 * step % 256 + 64)
        loss = functional.cross_entropy(model(x[part]), labels[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


OPTIONS: dict[str, dict[str, Any]] = {
    "window": {},
    "channel": {"grouping": "channel", "length": 3},
    "few bits": {"prototype_bits": 4, "table_bits": 5, "activation_bits": 6, "metric": "l1"},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
def test_a_network_is_trained_exported_executed_and_compiled(options: dict[str, Any], tmp_path: Path) -> None:
    x, labels = data()
    model = Small(**options)
    model.prepare(x)
    losses = train(model, x, labels)
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])

    path = tmp_path / "small.pq.onnx"
    export(model, x, path, preprocessing=Preprocessing((0.5,), (0.25,)))
    assert model.training
    made = onnx.load_model_from_string(path.read_bytes())
    check_onnx(made)
    kinds = [node.op_type for node in made.graph.node if "Convolution" in node.op_type]
    assert len(kinds) == 3
    assert [entry.key for entry in made.metadata_props] == ["preprocessing"]

    frames = x.numpy()
    (found,) = run_onnx(made, {"input": frames})
    module = import_model(path).module
    block = main_of(module).body.block
    np.testing.assert_array_equal(run_reference(module, [frames])[0], found)
    assert not are_all_given(block, group_values(block))  # only what is fused needs none of its own

    model.eval()
    with torch.no_grad():
        wanted = model(x).numpy()
    error = np.square(found - wanted).sum() / np.square(wanted - wanted.mean()).sum()
    assert error < 0.05
    program = compile_file(path)
    assert program.contents.provenance["calibration"] == "none"
    outputs = program.run({"input": frames}, preprocess=False)["output"]
    assert np.square(outputs - found).sum() / np.square(found - found.mean()).sum() < 0.01


def test_the_layers_compute_what_their_nodes_say(tmp_path: Path) -> None:
    """What a layer gives in torch lies on the grid that it is exported with, so that nothing is left to round."""
    x = torch.randn(20, 3, 6, 5).clamp(-2, 2)
    layer = PQConv2d(3, 5, (3, 2), stride=(2, 1), padding=1, length=4, prototypes=6, table_bits=4)
    layer.initialize(x)
    with torch.no_grad():
        wanted = layer(x).numpy()
    export(layer, x, tmp_path / "layer.onnx")
    module = import_model(tmp_path / "layer.onnx").module
    (found,) = run_reference(module, [x.numpy()])
    # the outputs are on a grid of 16 bits, finer than the steps of the sums
    np.testing.assert_allclose(found, wanted, atol=np.abs(wanted).max() * 2.0**-14)


def test_a_layer_takes_the_place_of_torch_s_own() -> None:
    x = torch.randn(64, 4, 9, 9).relu()
    conv = nn.Conv2d(4, 5, 3, stride=2, padding=(1, 0))
    layer = PQConv2d.from_conv(conv, x, prototypes=64, length=3)
    linear = nn.Linear(12, 3)
    features = torch.randn(500, 12)
    product = PQLinear.from_linear(linear, features, prototypes=64, length=2)
    with torch.no_grad():
        for found, wanted in ((layer(x), conv(x)), (product(features), linear(features))):
            assert found.shape == wanted.shape
            assert float((found - wanted).square().mean() / wanted.var()) < 0.1


def test_what_is_learned_is_saved_and_loaded() -> None:
    x = torch.randn(16, 2, 5, 5)
    first, second = (PQConv2d(2, 3, 3) for _ in range(2))
    parameters = list(first.parameters())
    first.initialize(x)
    assert [id(one) for one in parameters] == [id(one) for one in first.parameters()]
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(x), second(x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"prototypes": 1}, "prototypes = 1, allowed are 2 to 4096"),
        ({"prototype_bits": 9}, "prototype_bits = 9, allowed are 2 to 8"),
        ({"grouping": "pixel"}, "grouping 'pixel', allowed are window, channel"),
        ({"metric": "cosine"}, "metric 'cosine', allowed are l2, l1, linf"),
        ({"codebooks": 3}, "'codebooks' is no option; they are prototypes, length"),
    ],
)
def test_options_that_do_not_exist_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ModelError, match=f"^{message}"):
        PQConv2d(2, 3, 3, **options)


def test_layers_that_cannot_be_are_refused() -> None:
    x = torch.randn(4, 4, 5, 5)
    with pytest.raises(ModelError, match="a convolution of one group that pads with a number of zeros"):
        PQConv2d.from_conv(nn.Conv2d(4, 4, 3, groups=2), x)
    with pytest.raises(ModelError, match=r"input \[4, 4, 5, 5\], it must be \[frames, 3, height, width\]"):
        PQConv2d(3, 2, 3).initialize(x)
    with pytest.raises(ModelError, match="is initialized with frames of finite numbers"):
        PQConv2d(4, 2, 3).initialize(x * torch.inf)
    with pytest.raises(ModelError, match="not initialized: call initialize with what it will see"):
        PQConv2d(4, 2, 3)(x)
    with pytest.raises(ModelError, match=r"input \[4, 4, 5, 5\], it must be \[frames, features\]"):
        PQLinear(4, 2)(x)


def test_a_model_that_pqc_does_not_compile_is_refused(tmp_path: Path) -> None:
    layer = PQConv2d(1, 2, 3)
    layer.initialize(torch.randn(4, 1, 6, 6))
    model = nn.Sequential(layer, nn.LogSoftmax(1))
    with pytest.raises(ModelError, match=r"\(LogSoftmax\): the operator is not supported; leave it out"):
        export(model, torch.randn(4, 1, 6, 6), tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_without_torch_one_sentence_says_what_is_missing() -> None:
    script = "import sys; sys.modules['torch'] = None; import pqc, pqc.cli.main\ntry:\n import pqc.torch\n"
    script += "except ImportError as error:\n print(error)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout == "pqc.torch needs torch, which is not installed: pip install 'pqc[train]'\n"
