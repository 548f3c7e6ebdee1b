"""The page of networks says what was measured, row by row, and the samples are what they are said to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from network_list import NETWORKS
from network_runs import Setting, layers_of, settings_of
from network_samples import Samples, photographs
from networks import page, read_entries, rows
from other_quantizer import signal_to_noise
from photographs import photograph_pieces
from support.onnx_models import model, node, save

PAGE = Path(__file__).parents[2] / "docs" / "networks.md"


def test_the_committed_page_shows_what_was_measured() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(read_entries()), "run: python benchmarks/networks.py --only nothing"


def test_no_row_is_left_of_a_network_that_is_gone() -> None:
    assert set(read_entries()) <= {(network.name, setting.value) for network, setting in rows()}


def test_a_row_that_was_not_measured_and_one_that_was_refused() -> None:
    network = next(one for one in NETWORKS if one.name == "EfficientNet-B0")
    about = {"network": network.name, "weights": "random", "data": "8 pieces", "exporters": ["dynamo", "trace"]}
    entries = {(network.name, Setting.QUANTIZED.value): about | {"refused": "Sigmoid (65)"}}
    lines = page(entries).splitlines()
    assert sum("not measured" in line for line in lines) == len(rows()) - 1
    (line,) = (line for line in lines if "refused" in line)
    assert "| 8 pieces |  | refused: Sigmoid (65) |" in line


def test_onnxruntimes_own_quantizer_is_at_hand(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    constants = {"w": random.normal(size=(4, 4, 3, 3)).astype(np.float32)}
    network = save(model([node("Conv", ["x", "w"], ["y"], name="conv", pads=[1, 1, 1, 1])], constants), tmp_path)
    frames = random.normal(size=(4, 4, 6, 5)).astype(np.float32)
    calibration, tested = Samples("noise", frames, frames).write(tmp_path / "samples")
    assert 25 < signal_to_noise(network, calibration, tested, tmp_path) < 60


def test_training_is_measured_where_it_is_asked_for() -> None:
    trained = [network.name for network in NETWORKS if Setting.TRAINED in settings_of(network)]
    assert trained == ["DS-CNN (MLPerf Tiny)", "ResNet-8 (MLPerf Tiny)"]


def test_layers_are_counted_or_operators_named(tmp_path: Path) -> None:
    constants = {"w": np.ones((4, 4, 1, 1), np.float32)}
    convolutions = [node("Conv", ["x", "w"], ["a"], name="stem"), node("Conv", ["a", "w"], ["y"], name="body")]
    assert layers_of(save(model(convolutions, constants), tmp_path)) == [1, 1]
    unknown = [node("Det", ["x"], ["a"], name="first"), node("Det", ["a"], ["y"], name="second")]
    assert layers_of(save(model(unknown), tmp_path)) == "Det (2)"


def test_pieces_are_seeded_squares_that_differ() -> None:
    pieces = photograph_pieces(6, 32)
    assert (pieces.shape, pieces.dtype) == ((6, 3, 32, 32), np.uint8)
    assert (pieces == photograph_pieces(6, 32)).all()
    assert len({piece.tobytes() for piece in pieces}) == 6


@pytest.mark.parametrize(("side", "frames"), [(96, (100, 500)), (224, (8, 8))])
def test_large_images_are_few(side: int, frames: tuple[int, int]) -> None:
    found = photographs((3, side, side))
    assert (len(found.calibration), len(found.tested)) == frames


def test_samples_are_written_with_their_labels(tmp_path: Path) -> None:
    images, labels = np.zeros((2, 1, 2, 2), np.uint8), np.array([1, 0])
    plain, labelled = Samples("no labels", images, images), Samples("labels", images, images, labels, labels)
    for samples, names in ((plain, {"images"}), (labelled, {"images", "labels"})):
        for path in samples.write(tmp_path / samples.said):
            with np.load(path) as file:
                assert set(file.files) == names
