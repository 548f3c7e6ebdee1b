"""Training on the digits network: it gets better, goes on where it was stopped, and gives what the machine gives."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.command_line import pqc
from support.compiled import float_outputs
from xdsl.dialects.builtin import ModuleOp

from pqc.api import CompileRequest
from pqc.compilation import fitted_model
from pqc.data import Dataset, load_dataset
from pqc.dialects.pq import ConvolutionOp
from pqc.errors import ModelError
from pqc.export.exporter import export_model
from pqc.frontend import import_model
from pqc.interpreter.reference import run_reference
from pqc.numerics.arrays import AnyArray
from pqc.passes.attributes import ERROR, MEASUREMENTS, main_of
from pqc.passes.constants import constant_array
from pqc.passes.options import PqOptions
from pqc.passes.text import module_text
from pqc.planning.target import load_target
from pqc.report.float_model import FloatModel
from pqc.training.network import Network
from pqc.training.options import TrainOptions
from pqc.training.torch_library import torch
from pqc.training.train import TrainRequest, TrainResult, chosen_device, train_model
from pqc.training.trainer import clearly_less
from pqc.training.write_back import write_back

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits"
MODEL = EXAMPLE / "digits.onnx"


class Silent:
    """Counts the steps; asks to stop after ``limit`` of them."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit, self.steps, self.start = limit, 0, 0

    def started(self, done: int, total: int) -> None:
        self.start = done

    def stepped(self, done: int, total: int) -> None:
        self.steps += 1

    def measured(self, record: dict[str, object]) -> None:
        assert record

    def interrupted(self) -> bool:
        return self.limit is not None and self.steps >= self.limit


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("digits")
    subprocess.run([sys.executable, EXAMPLE / "data.py", folder], check=True)
    return load_dataset(folder / "calibration.npz", {"input": (1, 8, 8)})


def request(data: Dataset, folder: Path, *, seed: int = 0, labels: bool = True, **quantized: Any) -> TrainRequest:
    settings: dict[str, Any] = {"length": 9, "images": 256, "tune": 0} | quantized
    pq = PqOptions(**settings)
    calibration = data.prepare(None, 0, 256)
    shown = data if labels else Dataset(data.origin, data.arrays, None)
    return TrainRequest(
        CompileRequest(MODEL, load_target("pqa"), pq, calibration),
        shown,
        TrainOptions(epochs=4, batch=64, learning_rate=5e-3, seed=seed),
        folder,
    )


def trained(given: TrainRequest, watcher: Silent | None = None) -> TrainResult:
    silent = watcher or Silent()
    return train_model(given, ("input",), silent, silent.interrupted)


@pytest.fixture(scope="session")
def result(data: Dataset, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    return trained(request(data, tmp_path_factory.mktemp("run")))


def test_it_gets_better(result: TrainResult) -> None:
    assert result.finished
    assert result.before is not None
    assert result.after is not None
    assert result.after.error < result.before.error


def test_training_never_gives_a_worse_network_than_fitting(data: Dataset, tmp_path: Path) -> None:
    given = request(data, tmp_path)
    wild = replace(given, options=replace(given.options, epochs=0.5, learning_rate=1.0))
    found = trained(wild)
    assert found.best_step == 0
    assert found.after == found.before
    # the layers that multiply are on the grids of training
    fitted, _ = fitted_model(on_shifts(wild))
    write_back(Network(fitted, rounded=True, temperature=0.3))
    images = data.prepare(None, 0, 64)["input"]
    np.testing.assert_array_equal(float_outputs(found.module, images), float_outputs(fitted, images))


def test_tables_as_they_were_fitted_are_kept(data: Dataset, tmp_path: Path) -> None:
    fitted, _ = fitted_model(on_shifts(request(data, tmp_path, prototype_bits=6, table_bits=5)))
    expected = fitted.clone()
    write_back(Network(fitted, rounded=True, temperature=0.3))
    for before, after in zip(tables_of(expected), tables_of(fitted), strict=True):
        np.testing.assert_array_equal(before, after)


def tables_of(module: ModuleOp) -> list[AnyArray]:
    """The real tables of the product-quantized layers: entries times steps."""
    layers = [op for op in main_of(module).body.block.ops if isinstance(op, ConvolutionOp)]
    return [constant_array(op.table) * constant_array(op.step) for op in layers]


def on_shifts(given: TrainRequest) -> CompileRequest:
    """What the layers of a run are fitted by: on scales that are powers of two."""
    assert given.compile.target is not None
    return replace(given.compile, target=replace(given.compile.target, requantize="shift"))


def test_what_was_measured_of_the_fitted_layers_is_not_said_of_the_trained_ones(
    result: TrainResult, data: Dataset, tmp_path: Path
) -> None:
    def measured(module: ModuleOp) -> list[str]:
        return [
            name for op in main_of(module).body.block.ops for name in op.attributes if name in (ERROR, MEASUREMENTS)
        ]

    fitted, _ = fitted_model(request(data, tmp_path).compile)
    assert measured(fitted)
    assert not measured(result.module)


def test_stopped_and_continued_it_ends_with_the_same_network(
    result: TrainResult, data: Dataset, tmp_path: Path
) -> None:
    given = request(data, tmp_path / "run")
    stopped = trained(given, Silent(7))
    assert not stopped.finished
    again = Silent()
    assert module_text(trained(given, again).module) == module_text(result.module)
    assert again.start == 7


def test_another_seed_ends_elsewhere(result: TrainResult, data: Dataset, tmp_path: Path) -> None:
    assert module_text(trained(request(data, tmp_path, seed=1)).module) != module_text(result.module)


def test_labels_say_how_good_it_is_and_nothing_else(result: TrainResult, data: Dataset, tmp_path: Path) -> None:
    found = trained(request(data, tmp_path, labels=False))
    assert result.after is not None
    assert found.after is not None
    assert result.after.top1 is not None
    assert found.after.top1 is None
    assert found.after.error == result.after.error


@pytest.mark.parametrize(
    "quantized", [{}, {"grouping": "channel", "length": 4}, {"prototype_bits": 6, "table_bits": 5}]
)
def test_torch_the_onnx_file_and_the_reference_compute_the_same_bits(
    data: Dataset, tmp_path: Path, quantized: dict[str, Any]
) -> None:
    found = trained(request(data, tmp_path / "run", **quantized), Silent(3))
    path = tmp_path / "model.pq.onnx"
    path.write_bytes(export_model(found.module).SerializeToString())
    frames = data.prepare(None, 0, 100)["input"]
    (by_torch,) = Network(found.module, rounded=True)([torch.from_numpy(frames)])
    (by_reference,) = run_reference(import_model(path).module, [frames])
    by_runtime = FloatModel(path).run({"input": frames})["logits"]
    assert np.array_equal(by_reference, by_runtime)
    assert np.array_equal(by_reference, by_torch.detach().numpy())


def test_another_run_is_not_overwritten(data: Dataset, tmp_path: Path) -> None:
    trained(request(data, tmp_path / "run"), Silent(1))
    with pytest.raises(ModelError, match="holds a run with another options"):
        trained(request(data, tmp_path / "run", seed=1))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("keep me")
    with pytest.raises(ModelError, match="holds no training run, and is not empty"):
        trained(request(data, tmp_path / "mine"))


def test_a_damaged_state_is_refused(data: Dataset, tmp_path: Path) -> None:
    trained(request(data, tmp_path), Silent(1))
    (tmp_path / "state.pt").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"state\.pt: is damaged; delete"):
        trained(request(data, tmp_path))


def test_a_device_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ModelError, match="--device abacus: not available"):
        chosen_device("abacus")
    assert chosen_device("cpu") == torch.device("cpu")


@pytest.mark.e2e
def test_the_command_writes_a_model_that_compiles_without_calibration(data: Dataset, tmp_path: Path) -> None:
    assert data.labels is not None
    np.savez(tmp_path / "train.npz", images=data.arrays["input"], labels=data.labels)
    output = tmp_path / "digits.pq.onnx"
    words = ("train", MODEL, "--data", tmp_path / "train.npz", "-o", output, "--epochs", "1", "--images", "128")
    first = pqc(*words, "--json")
    assert first.code == 0, first.talk
    assert '"after"' in first.text
    program = tmp_path / "digits.bin"
    compiled = pqc("compile", output, "-o", program)
    assert compiled.code == 0, compiled.talk
    assert "synthetic" not in compiled.talk
    assert pqc("run", program).code == 0
    assert main_of(import_model(output).module) is not None


def test_what_is_better_by_chance_is_not_better() -> None:
    random = np.random.default_rng(0)
    known = random.random(1000) + 1
    assert not clearly_less(known, known)
    assert not clearly_less(known + random.normal(size=1000) * 0.01, known)
    assert clearly_less(known - 0.01 + random.normal(size=1000) * 0.01, known)
    assert not clearly_less(known + 0.01, known)
