"""Large tables: solved step by step as a factor would have it, at any number of threads the same."""

from __future__ import annotations

import numpy as np
import pytest

from pqc.codebook import iterative_solver, normal_matrix, refit
from pqc.codebook.iterative_solver import IterativeSolver
from pqc.codebook.one_hot import one_hot, predict
from pqc.codebook.positive_solver import PositiveSolver
from pqc.codebook.refit import DualRefit, TableRefit, refit_of
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.workers import worker_threads

PULL = 8.0


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(iterative_solver, "BLOCK", 32)


def codes_of(seed: int, positions: int = 3000) -> IntArray:
    """Codes [positions, 20] below 8 that go together."""
    random = np.random.default_rng(seed)
    common = random.normal(size=(positions, 3)) @ random.normal(size=(3, 20))
    seen = common + random.normal(size=common.shape)
    return np.clip(np.floor(seen + 4), 0, 7).astype(np.uint8)


def system(seed: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A gram matrix, the counts on its diagonal, and a right side of 5 columns."""
    codes = codes_of(seed)
    rows = one_hot(codes, 8)
    gram = rows.T @ rows
    centered = rows - rows.mean(axis=0)
    target = np.random.default_rng(seed + 1).normal(size=(len(codes), 5)) + codes[:, :5]
    return gram, np.diagonal(gram), centered.T.astype(np.float64) @ target


def test_comes_as_close_as_the_tolerance_says() -> None:
    gram, counts, right = system(0)
    whole = gram.astype(np.float64) - np.outer(counts, counts) / 3000 + PULL * np.eye(len(gram))
    found = IterativeSolver(gram, counts, 3000, PULL).solve(right)
    left = np.linalg.norm(right - whole @ found, axis=0) / np.linalg.norm(right, axis=0)
    assert (left < 1.1 * iterative_solver.TOLERANCE).all()
    exact = PositiveSolver(whole).solve(right)
    assert np.abs(found - exact).max() < 0.05 * np.abs(exact).max()


def test_a_right_side_like_the_last_one_takes_fewer_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    gram, counts, right = system(1)
    solver = IterativeSolver(gram, counts, 3000, PULL)
    first = solver.solve(right)
    monkeypatch.setattr(iterative_solver, "MOST_STEPS", 0)
    assert np.array_equal(solver.solve(right), first)
    assert not IterativeSolver(gram, counts, 3000, PULL).solve(right).any()


def test_a_right_side_of_zeros_has_zeros_for_its_solution() -> None:
    gram, counts, right = system(2)
    right[:, 3] = 0
    found = IterativeSolver(gram, counts, 3000, PULL).solve(right)
    assert not found[:, 3].any()
    assert found[:, 2].any()


def test_threads_do_not_change_a_bit() -> None:
    gram, counts, right = system(3)
    alone = IterativeSolver(gram, counts, 3000, PULL).solve(right)
    with worker_threads(3):
        shared = IterativeSolver(gram, counts, 3000, PULL).solve(right)
    assert np.array_equal(alone, shared)


@pytest.mark.parametrize("limits", [("MOST_EXACT",), ("MOST_EXACT", "MOST_FACTORED")])
def test_large_tables_are_fitted_as_small_ones_are(limits: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    codes = codes_of(4)
    random = np.random.default_rng(5)
    prior, bias = random.normal(size=(20, 8, 5)), random.normal(size=5)
    target = predict(codes, random.normal(size=(20, 8, 5)), bias)
    equations = TableRefit(20, 8, 5)
    equations.add(codes, target)
    exact = predict(codes, *equations.solve(prior, 0.01))
    for limit in limits:
        monkeypatch.setattr(normal_matrix, limit, 100)
    monkeypatch.setattr(iterative_solver, "TOLERANCE", 1e-5)
    equations = TableRefit(20, 8, 5)
    equations.add(codes, target)
    assert np.abs(predict(codes, *equations.solve(prior, 0.01)) - exact).max() < 0.02


def test_large_tables_with_still_fewer_positions_are_counted_in_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, target = codes_of(6)[:150], np.zeros((150, 5), np.float32)
    assert isinstance(refit_of(codes, 8, target), DualRefit)
    monkeypatch.setattr(normal_matrix, "MOST_FACTORED", 100)
    assert isinstance(refit_of(codes, 8, target), TableRefit)
    assert isinstance(refit_of(codes[:100], 8, target[:100]), DualRefit)
    monkeypatch.setattr(refit, "MOST_FEATURES", 159)
    assert isinstance(refit_of(codes, 8, target), DualRefit)
