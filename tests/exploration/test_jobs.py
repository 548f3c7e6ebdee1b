"""The pieces of work, against the compiler and the machine themselves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.sweeps import write_network

import pqc
from pqc.codebook.metrics import normalized_error
from pqc.compilation import CompileRequest, compile_model
from pqc.errors import ModelError
from pqc.exploration.jobs import EvaluateJob, FitJob, MeasureJob, evaluate, fit, measure, table_bytes
from pqc.exploration.sources import Sources
from pqc.numerics.arrays import FloatArray
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target
from pqc.report.compare import top1
from pqc.report.float_model import FloatModel
from pqc.report.layers import LayerFacts

OPTIONS = PqOptions(prototypes=8, images=16)


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    return write_network(tmp_path_factory.mktemp("network"))


@pytest.fixture(scope="module")
def fitted(sources: Sources, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fits") / "one"
    assert fit(FitJob(folder, sources, OPTIONS, load_target("pqa"))) == {}
    return folder


def images(path: Path | None) -> FloatArray:
    assert path is not None
    return np.load(path)["images"].astype(np.float32)


@pytest.mark.parametrize("name", ["pqa", "tiny"])
def test_figures_are_those_of_the_compiler(name: str, sources: Sources, fitted: Path) -> None:
    target = load_target(name)
    calibration = {"x": images(sources.calibration)}
    report = compile_model(CompileRequest(sources.model, target, OPTIONS, calibration)).report
    found = measure(MeasureJob(fitted, target))
    assert found["cycles"] == report["cycles"]["steady_state"]
    assert found["latency"] == report["cycles"]["latency"]
    assert found["pq_cycles"] == report["cycles"]["pq"]
    assert found["microseconds"] == pytest.approx(report["cycles"]["steady_state"] / 300)
    assert found["area_clb"] == report["area_clb"]
    assert found["instructions"] == report["instructions"]
    # The only product-quantized layer: 4 channels of 3x3 in subvectors of 9, 8 prototypes, 6 outputs, a byte each.
    assert found["table_bytes"] == 4 * 8 * 6


def test_table_bytes_are_whole() -> None:
    assert table_bytes(LayerFacts("a", subspaces=3, prototypes=5, outputs=7, table_bits=3)) == 40


def test_evaluation_is_what_the_program_gives(sources: Sources, fitted: Path) -> None:
    assert sources.evaluation is not None
    labelled = np.load(sources.evaluation)
    inputs = {"x": labelled["images"].astype(np.float32)}
    program = pqc.compile(
        sources.model, calibration=images(sources.calibration), target="tiny", prototypes=8, images=16
    )
    outputs, exact = program.run(inputs)["y"], FloatModel(sources.model).run(inputs)["y"]
    for target in ("pqa", "tiny"):
        found = evaluate(EvaluateJob(fitted, load_target(target), sources))
        assert found["evaluated"] == 40
        assert found["accuracy"] == top1(outputs, labelled["labels"])
        assert found["error"] == pytest.approx(normalized_error(outputs, exact), rel=1e-4)


def test_evaluation_without_labels_and_without_any_data(sources: Sources, fitted: Path) -> None:
    target = load_target("pqa")
    unlabelled = evaluate(EvaluateJob(fitted, target, replace(sources, evaluation=None)))
    assert (unlabelled["evaluated"], unlabelled["accuracy"]) == (24, None)
    assert 0 < unlabelled["error"] < 1
    synthetic = evaluate(EvaluateJob(fitted, target, Sources(sources.model)))
    assert synthetic["error"] != unlabelled["error"]
    limited = evaluate(EvaluateJob(fitted, target, replace(sources, images=7)))
    assert limited["evaluated"] == 7


def test_frames_that_are_all_alike_have_a_finite_error(sources: Sources, fitted: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "same.npz", images=np.ones((3, 3, 8, 8)))
    found = evaluate(EvaluateJob(fitted, load_target("pqa"), replace(sources, evaluation=tmp_path / "same.npz")))
    assert 0 < found["error"] < 1


def test_what_cannot_be_done_is_an_answer(sources: Sources, fitted: Path, tmp_path: Path) -> None:
    impossible = FitJob(tmp_path / "none", sources, replace(OPTIONS, exclude=("nothing",)), load_target("pqa"))
    assert "no layer's node name matches 'nothing'" in fit(impossible)["refused"]
    assert list(tmp_path.iterdir()) == []
    small = load_target("pqa", ["buffers.codebook=0.0625"])
    assert "conv2" in measure(MeasureJob(fitted, small))["refused"]


def test_a_fit_that_somebody_else_has_done_meanwhile_is_kept(sources: Sources, fitted: Path) -> None:
    before = sorted(fitted.rglob("*"))
    assert fit(FitJob(fitted, sources, OPTIONS, load_target("tiny"))) == {}
    assert sorted(fitted.parent.iterdir()) == [fitted]
    assert sorted(fitted.rglob("*")) == before


def test_a_machine_that_does_not_see_the_folder(sources: Sources, tmp_path: Path) -> None:
    job = FitJob(tmp_path / "elsewhere" / "one", sources, OPTIONS, load_target("pqa"))
    with pytest.raises(ModelError, match="elsewhere: not there; all machines must see this folder"):
        fit(job)
    with pytest.raises(ModelError, match=r"quantized\.mlir: cannot be read"):
        measure(MeasureJob(tmp_path / "elsewhere" / "one", load_target("pqa")))
