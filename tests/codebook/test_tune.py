"""Tuned prototypes: the layer's result gets better, on the grid, the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from pqc.codebook.bounds import Bounds
from pqc.codebook.kmeans import fit_codebook
from pqc.codebook.one_hot import predict
from pqc.codebook.refit import TableRefit
from pqc.codebook.rows import Rows
from pqc.codebook.table import plain_table
from pqc.codebook.tune import TuneOptions, tune_codebook
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, nearest_prototype

UI8 = Element(8, signed=False)
OPTIONS = TuneOptions(steps=60, batch=512)


def layer(seed: int) -> tuple[IntArray, FloatArray, FloatArray]:
    """Correlated vectors [4, 4000, 6], weights [8, 24] and the exact outputs [4000, 8]."""
    random = np.random.default_rng(seed)
    mixed = random.normal(size=(4000, 10)) @ random.normal(size=(10, 24))
    x = np.clip(np.floor(60 + 18 * mixed), 0, 255).astype(np.uint8)
    weight = random.normal(size=(8, 24)) * 0.02 * np.exp(random.normal(size=24))
    target = (x - 60.0) @ weight.T
    return np.ascontiguousarray(x.reshape(4000, 4, 6).transpose(1, 0, 2)), weight, target


def as_rows(vectors: IntArray, target: FloatArray, floor: float = 0.0) -> Rows:
    """Each position once."""
    once = np.ones(len(target), np.int64)
    return Rows(once, np.zeros(len(target), np.int64), vectors, target, Bounds(floor))


def error_behind_relu(codebook: IntArray, vectors: IntArray, weight: FloatArray, target: FloatArray) -> float:
    """Of the best table for these prototypes."""
    codes = nearest_prototype(vectors.transpose(0, 2, 1)[None], codebook, Metric.L2)[0].T
    equations = TableRefit(4, codebook.shape[1], 8)
    equations.add(codes, target)
    prediction = predict(codes, *equations.solve(plain_table(weight, codebook), 0.01))
    return float(np.square(prediction - Bounds(0.0).visible(target, prediction)).mean())


@pytest.mark.parametrize("seed", range(3))
def test_lowers_the_error_behind_the_relu(seed: int) -> None:
    vectors, weight, target = layer(seed)
    start = fit_codebook(vectors, 8, UI8, 0)
    prior = plain_table(weight, start)
    tuned = tune_codebook(start, as_rows(vectors, target), prior, 0.01, UI8, 0, OPTIONS)
    assert tuned.shape == start.shape
    assert tuned.dtype == np.uint8
    before, after = (error_behind_relu(codebook, vectors, weight, target) for codebook in (start, tuned))
    assert after < 0.95 * before


def test_errors_are_measured_by_the_metric_of_the_outputs() -> None:
    vectors, weight, target = layer(4)
    start = fit_codebook(vectors, 8, UI8, 0)
    prior = plain_table(weight, start)

    def tuned(outputs: FloatArray | None) -> IntArray:
        return tune_codebook(start, as_rows(vectors, target, -np.inf), prior, 0.01, UI8, 0, OPTIONS, outputs)

    assert np.array_equal(tuned(np.eye(8)), tuned(None))
    first = np.zeros((8, 8))
    first[0, 0] = 8.0

    def error_of_first(codebook: IntArray) -> float:
        codes = nearest_prototype(vectors.transpose(0, 2, 1)[None], codebook, Metric.L2)[0].T
        equations = TableRefit(4, 8, 8)
        equations.add(codes, target)
        prediction = predict(codes, *equations.solve(plain_table(weight, codebook), 0.01))
        return float(np.square(prediction - target)[:, 0].mean())

    assert error_of_first(tuned(first)) < 0.9 * error_of_first(tuned(None))


def test_taps_share_what_they_learn() -> None:
    vectors, weight, target = layer(3)
    seen = vectors.reshape(2, 2, 4000, 6).transpose(1, 0, 2, 3).reshape(2, 8000, 6)
    start = fit_codebook(np.ascontiguousarray(seen), 8, UI8, 0)
    prior = plain_table(weight, np.tile(start, (2, 1, 1)))
    tuned = tune_codebook(start, as_rows(vectors, target), prior, 0.01, UI8, 0, OPTIONS)
    assert tuned.shape == start.shape
    before, after = (
        error_behind_relu(np.tile(codebook, (2, 1, 1)), vectors, weight, target) for codebook in (start, tuned)
    )
    assert after < 0.95 * before


def test_same_arguments_same_codebook_and_the_first_is_untouched() -> None:
    vectors, weight, target = layer(5)
    start = fit_codebook(vectors, 8, UI8, 0)
    kept = start.copy()
    prior = plain_table(weight, start)
    first, second = (
        tune_codebook(start, as_rows(vectors, target, -np.inf), prior, 0.01, UI8, 7, TuneOptions(steps=5))
        for _ in range(2)
    )
    assert np.array_equal(first, second)
    assert np.array_equal(start, kept)
    assert not np.array_equal(first, start)


def test_dead_subspaces_and_no_steps_leave_everything() -> None:
    vectors, weight, target = layer(6)
    vectors[2] = 0
    start = fit_codebook(vectors, 8, UI8, 0)
    prior = plain_table(weight, start)
    assert not tune_codebook(start, as_rows(vectors, target), prior, 0.01, UI8, 0, TuneOptions(steps=3))[2].any()
    assert np.array_equal(
        tune_codebook(start, as_rows(vectors, target), prior, 0.01, UI8, 0, TuneOptions(steps=0)), start
    )


def test_refuses_what_does_not_belong_together() -> None:
    vectors, weight, target = layer(6)
    start = fit_codebook(vectors, 8, UI8, 0)
    with pytest.raises(ValueError, match="do not belong together"):
        tune_codebook(start, as_rows(vectors[:, 1:], target), plain_table(weight, start), 0.01, UI8, 0, OPTIONS)
    with pytest.raises(ValueError, match="do not belong together"):
        tune_codebook(start[:3], as_rows(vectors, target), plain_table(weight, start), 0.01, UI8, 0, OPTIONS)
