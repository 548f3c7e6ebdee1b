"""A position that was drawn several times is one row that counts as often: same result, less work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.codebook import layer as layer_module
from pqc.codebook import linear_refit
from pqc.codebook.bounds import Bounds
from pqc.codebook.dual_refit import DualRefit
from pqc.codebook.fit_options import FitOptions
from pqc.codebook.importance import Importance
from pqc.codebook.kmeans import fit_codebook
from pqc.codebook.layer import LayerShape, fit_layer
from pqc.codebook.linear_refit import refit_weights
from pqc.codebook.refit import Refit, TableRefit, bounded_refit, refit_of
from pqc.codebook.rows import LayerData, Rows, rows_at
from pqc.codebook.scatter import scatter
from pqc.codebook.tune import TuneOptions, tune_codebook
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Codebooks, Cut, Grouping
from pqc.numerics.window import Window, patches

UI8 = Element(8, signed=False)
WINDOW = Window((3, 3), (1, 1), (1, 1, 1, 1))
SHAPE = LayerShape(8, 9, UI8, 0, Metric.L2, 8, 16)
OPTIONS = FitOptions(kmeans_samples=900, refit_positions=4000, tuning_positions=700, tuning_steps=8)
FRAMES, COLUMNS = 6, 64


def few_positions() -> LayerData:
    """A layer of few positions, of which some matter much more than others."""
    random = np.random.default_rng(0)
    x = random.integers(0, 255, (FRAMES, 4, 8, 8)).astype(np.uint8)
    weight = random.normal(size=(6, 36))
    target = weight @ (patches(x, WINDOW).reshape(FRAMES, 36, COLUMNS) * 0.02)
    matters = random.exponential(size=(FRAMES, COLUMNS)).astype(np.float32) ** 2
    importance = Importance(matters, np.eye(6))
    return LayerData(x, 0.02, WINDOW, weight, target, UI8, low=0.0, importance=importance)


def repeated(data: LayerData, cut: Cut, positions: IntArray) -> Rows:
    """As ``rows_at``, but each draw is a row of its own."""
    rows = rows_at(data, cut, positions)
    again = np.repeat(np.arange(len(rows.times)), rows.times)
    vectors, frames, once = rows.vectors[:, again], rows.frames[again], np.ones(len(again), np.int64)
    return Rows(once, frames, vectors, rows.target[again], rows.bounds.part(again))


def drawn(seed: int, positions: int = 40, prototypes: int = 4) -> tuple[IntArray, FloatArray, FloatArray, IntArray]:
    """Codes [positions, 9], a target, a prior table, and how often each position was drawn."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, prototypes, (positions, 9)).astype(np.uint8)
    times: IntArray = random.integers(1, 6, positions)
    return codes, random.normal(size=(positions, 3)), random.normal(size=(9, prototypes, 3)), times


def direct(codes: IntArray, prototypes: int, target: FloatArray, times: IntArray | None = None) -> TableRefit:
    equations = TableRefit(codes.shape[1], prototypes, target.shape[1])
    equations.add(codes, target, times)
    return equations


@pytest.mark.parametrize("form", [direct, DualRefit])
@given(seed=st.integers(0, 10_000))
def test_least_squares(form: type[DualRefit], seed: int) -> None:
    codes, target, prior, times = drawn(seed)
    again = np.repeat(np.arange(len(times)), times)

    def solved(equations: Refit, codes: IntArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
        return bounded_refit(equations, codes, target, Bounds(0.0), prior, 0.1, 2)

    found = solved(form(codes, 4, target, times), codes, target)
    wanted = solved(form(codes[again], 4, target[again]), codes[again], target[again])
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("positions", [20, 80])
def test_the_curvature(positions: int) -> None:
    codes, target, _, times = drawn(1, positions)
    again = np.repeat(np.arange(len(times)), times)
    found = refit_of(codes, 4, target, times).curvature(0.1)
    wanted = direct(codes[again], 4, target[again]).curvature(0.1)
    assert found is not None
    assert wanted is not None
    assert np.array_equal(found.order, wanted.order)
    np.testing.assert_allclose(found.factor, wanted.factor)
    np.testing.assert_allclose(found.used, wanted.used)


@given(seed=st.integers(0, 1000))
def test_prototypes(seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors, times = random.integers(0, 256, (3, 120, 4)).astype(np.uint8), random.integers(1, 5, 120)
    found = fit_codebook(vectors, 6, UI8, seed, times=times)
    again = fit_codebook(vectors.repeat(times, axis=1), 6, UI8, seed)
    # sums of float32 numbers in another order
    assert np.abs(found.astype(int) - again).max() <= 1


def test_tuned_prototypes() -> None:
    data = few_positions()
    cut = Cut.of(Grouping.WINDOW, 4, WINDOW, 9)
    positions = data.positions(700, 1)
    start = fit_codebook(rows_at(data, cut, positions).vectors, 8, UI8, 0)
    prior = np.zeros((4, 8, 6))
    one, other = (
        tune_codebook(start, rows, prior, 0.1, UI8, 5, TuneOptions(steps=6))
        for rows in (rows_at(data, cut, positions), repeated(data, cut, positions))
    )
    assert np.array_equal(one, other)
    assert not np.array_equal(one, start)


def test_scatter() -> None:
    codes, _, _, times = drawn(2)
    vectors = np.random.default_rng(3).integers(0, 256, (9, 40, 2)).astype(np.uint8)
    metric = np.stack([np.eye(2)] * 9)
    again = np.repeat(np.arange(40), times)
    once = np.ones(len(again), np.int64)
    expected = scatter(vectors[:, again], codes[again], 4, metric, once)
    assert scatter(vectors, codes, 4, metric, times) == pytest.approx(expected)


@pytest.mark.parametrize(
    "shape",
    [SHAPE, replace(SHAPE, length=2, grouping=Grouping.CHANNEL), replace(SHAPE, codebooks=Codebooks.SHARED)],
    ids=["windows", "channels", "shared"],
)
def test_a_layer(shape: LayerShape, monkeypatch: pytest.MonkeyPatch) -> None:
    data = few_positions()
    found = fit_layer(data, shape, OPTIONS)
    monkeypatch.setattr(layer_module, "rows_at", repeated)
    expected = fit_layer(data, shape, OPTIONS)
    assert np.array_equal(found.codebook, expected.codebook)
    np.testing.assert_allclose(found.step, expected.step, rtol=1e-2)
    real, wanted = found.table * found.step, expected.table * expected.step
    # entries on the edge between two integers are rounded either way
    assert np.abs(real - wanted).max() <= 2.1 * expected.step.max()


def test_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = few_positions()
    data, bias = replace(exact, target=exact.target * 1.5 + 0.2), np.zeros(6, np.float32)
    found = refit_weights(data, bias, 1, OPTIONS)
    monkeypatch.setattr(linear_refit, "rows_at", repeated)
    for one, other in zip(found, refit_weights(data, bias, 1, OPTIONS), strict=True):
        # sums of float32 numbers that are far from their mean
        np.testing.assert_allclose(one, other, atol=5e-3)
    assert np.abs(found[1]).min() > 0.1


@pytest.mark.parametrize(
    "shape", [SHAPE, replace(SHAPE, grouping=Grouping.CHANNEL, length=2)], ids=["window", "channel"]
)
def test_no_step_sees_more_rows_than_there_are_positions(shape: LayerShape, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[Rows] = []
    solved: list[int] = []

    def rows(data: LayerData, cut: Cut, positions: IntArray) -> Rows:
        looked_at.append(rows_at(data, cut, positions))
        return looked_at[-1]

    def refit(codes: IntArray, prototypes: int, target: FloatArray, times: IntArray) -> Refit:
        solved.append(len(codes))
        assert times.sum() == OPTIONS.refit_positions
        return refit_of(codes, prototypes, target, times)

    monkeypatch.setattr(layer_module, "rows_at", rows)
    monkeypatch.setattr(layer_module, "refit_of", refit)
    fit_layer(few_positions(), shape, OPTIONS)
    # k-means, unless it looks at pixels, tuning, and the refit
    assert len(looked_at) == (3 if shape.grouping is Grouping.WINDOW else 2)
    assert max(solved + [len(one.target) for one in looked_at]) <= FRAMES * COLUMNS
    assert max(one.vectors.shape[1] for one in looked_at) <= FRAMES * COLUMNS
