"""The benchmark of keyword spotting: what it takes, and that what is tested is never calibrated on."""

from __future__ import annotations

from pathlib import Path

import click
import keyword_spotting
import numpy as np
import pytest
from click.testing import CliRunner
from keyword_spotting import main, pair, top1
from support.network import Network
from support.onnx_models import save

from pqc.passes.options import PqOptions


def test_two_numbers_with_a_slash() -> None:
    assert pair("16/4") == (16, 4)
    for wrong in ("16", "16/", "/4", "16/x"):
        with pytest.raises(click.BadParameter, match="two numbers"):
            pair(wrong)


def test_without_the_data_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PQC_SHARED", str(tmp_path))
    result = CliRunner().invoke(main, ["16/4"])
    assert result.exit_code == 2
    assert "is no folder" in result.output


def test_the_tested_samples_play_no_part_in_the_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(0)
    network.take((2, 6, 6))
    first = network.add("Conv", ["input0", network.weights(4, 2, 3, 3), network.weights(4)], (4, 4, 4))
    network.give(network.add("Conv", [first, network.weights(3, 4, 4, 4), network.weights(3)], (3, 1, 1)))
    model = save(network.proto, tmp_path)
    samples = np.random.default_rng(1).normal(size=(12, 2, 6, 6)).astype(np.float32)
    labels = np.zeros(12, np.int64)
    seen: list[int] = []
    compile_model = keyword_spotting.compile_model

    def watched(request: keyword_spotting.CompileRequest) -> object:
        assert request.calibration is not None
        seen.extend(
            int(np.flatnonzero((samples == frame).all(axis=(1, 2, 3)))[0]) for frame in request.calibration["input0"]
        )
        return compile_model(request)

    monkeypatch.setattr(keyword_spotting, "compile_model", watched)
    share = top1(model, PqOptions(4, 4), samples, labels, slice(0, 8), slice(8, 12))
    assert seen == list(range(8))
    assert share in (0.0, 0.25, 0.5, 0.75, 1.0)
