"""Least-squares refit of tables: exact where it can be, the prior where nothing is known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.codebook import one_hot
from pqc.codebook.bounds import Bounds
from pqc.codebook.metrics import rows
from pqc.codebook.one_hot import predict
from pqc.codebook.refit import TableRefit, bounded_refit
from pqc.numerics.arrays import FloatArray, IntArray


def layer(seed: int, positions: int = 600) -> tuple[IntArray, FloatArray, FloatArray]:
    """Codes [positions, 3], a table [3, 4, 5] and a bias [5]."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, (positions, 3)).astype(np.uint8)
    return codes, random.normal(size=(3, 4, 5)), random.normal(size=5)


@given(seed=st.integers(0, 10_000))
def test_recovers_what_a_table_can_represent(seed: int) -> None:
    codes, table, bias = layer(seed)
    target = predict(codes, table, bias)
    equations = TableRefit(3, 4, 5)
    equations.add(codes[:100], target[:100])
    equations.add(codes[100:], target[100:])
    found = equations.solve(np.zeros((3, 4, 5)), 1e-7)
    assert np.allclose(predict(codes, *found), target, atol=1e-3)


@given(seed=st.integers(0, 10_000))
def test_a_strong_ridge_gives_the_prior_and_a_free_bias(seed: int) -> None:
    codes, table, bias = layer(seed)
    target = predict(codes, table, bias)
    prior = np.random.default_rng(seed + 1).normal(size=(3, 4, 5))
    equations = TableRefit(3, 4, 5)
    equations.add(codes, target)
    far, near = (np.abs(equations.solve(prior, ridge)[0] - prior).max() for ridge in (1.0, 1000.0))
    assert near < far / 100
    found, free = equations.solve(prior, 1e7)
    assert np.allclose(found, prior, atol=1e-5)
    assert np.allclose(predict(codes, found, free).mean(axis=0), target.mean(axis=0), atol=1e-4)


def test_entries_that_no_position_uses_keep_the_prior() -> None:
    codes, table, bias = layer(3)
    codes = np.minimum(codes, 2).astype(np.uint8)
    prior = np.random.default_rng(4).normal(size=(3, 4, 5))
    equations = TableRefit(3, 4, 5)
    equations.add(codes, predict(codes, table, bias))
    found, _ = equations.solve(prior, 0.01)
    assert np.allclose(found[:, 3], prior[:, 3])
    assert not np.allclose(found[:, :3], prior[:, :3], atol=0.01)


def test_is_the_regularized_least_squares_solution() -> None:
    codes, table, bias = layer(5, positions=50)
    random = np.random.default_rng(6)
    target = predict(codes, table, bias) + random.normal(size=(50, 5)).astype(np.float32)
    prior = random.normal(size=(3, 4, 5))
    equations = TableRefit(3, 4, 5)
    equations.add(codes, target)
    found, free = equations.solve(prior, 0.3)

    def cost(candidate: FloatArray, offset: FloatArray) -> float:
        error = np.square(predict(codes, candidate, offset) - target).sum()
        return float(error + 0.3 * 50 / 4 * np.square(candidate - prior).sum())

    least = cost(found, free)
    for _ in range(50):
        step = random.normal(size=(3, 4, 5)) * 0.02
        assert cost(found + step, free + random.normal(size=5) * 0.02) > least


def test_new_targets_give_the_same_as_starting_again() -> None:
    codes, table, bias = layer(7)
    first, second = predict(codes, table, bias), predict(codes, -table, bias + 1)
    again, fresh = TableRefit(3, 4, 5), TableRefit(3, 4, 5)
    again.add(codes, first)
    again.solve(table, 0.1)
    again.retarget(codes, second)
    fresh.add(codes, second)
    for left, right in zip(again.solve(table, 0.1), fresh.solve(table, 0.1), strict=True):
        assert np.allclose(left, right, atol=1e-4)


def test_parts_give_the_same_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, table, bias = layer(8)
    target = predict(codes, table, bias)
    whole = TableRefit(3, 4, 5)
    whole.add(codes, target)
    monkeypatch.setattr(one_hot, "ENTRIES_AT_ONCE", 100)
    parts = TableRefit(3, 4, 5)
    parts.add(codes, target)
    assert np.allclose(predict(codes, table, bias), target)
    for left, right in zip(whole.solve(table * 0, 0.1), parts.solve(table * 0, 0.1), strict=True):
        assert np.allclose(left, right, atol=1e-4)


@given(seed=st.integers(0, 1000), shortcut=st.booleans(), high=st.sampled_from([3.0, np.inf]))
def test_the_visible_error_never_grows_with_the_rounds(seed: int, shortcut: bool, high: float) -> None:
    codes, table, bias = layer(seed, positions=200)
    random = np.random.default_rng(seed + 1)
    target = (np.square(predict(codes, table, bias)) - 3 + random.normal(size=(200, 5))).astype(np.float32)
    residual = random.normal(size=(200, 5)) if shortcut else np.zeros((1, 1))
    floor, ceiling = -residual, high - residual
    prior = np.zeros((3, 4, 5))
    costs: list[float] = []
    for rounds in range(5):
        equations = TableRefit(3, 4, 5)
        equations.add(codes, target)
        found, free = bounded_refit(equations, codes, target, Bounds(floor, ceiling), prior, 0.01, rounds)
        prediction = predict(codes, found, free)
        visible = np.where(target <= floor, np.maximum(prediction - floor, 0), prediction - target)
        visible = np.where(target >= ceiling, np.minimum(prediction - ceiling, 0), visible)
        costs.append(float(np.square(visible).sum() + 0.01 * 200 / 4 * np.square(found).sum()))
    assert all(later <= earlier + 1e-4 * costs[0] for earlier, later in pairwise(costs))


@pytest.mark.parametrize("entries", [100, 1 << 24])
def test_visible_targets_are_those_next_to_the_prediction(entries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(one_hot, "ENTRIES_AT_ONCE", entries)
    codes, table, bias = layer(11)
    target = predict(codes, -table, bias)
    bounds = Bounds(np.random.default_rng(12).normal(size=target.shape), 2.0)
    equations, expected = TableRefit(3, 4, 5), bounds.visible(target, predict(codes, table, bias))
    equations.add(codes, target)
    assert np.allclose(equations.visible(codes, target, bounds, table, bias), expected, atol=1e-5)
    equations.retarget_visible(codes, target, bounds, table, bias)
    found = equations.solve(table, 0.1)
    equations.retarget(codes, expected)
    for left, right in zip(found, equations.solve(table, 0.1), strict=True):
        assert np.allclose(left, right, atol=1e-4)


def test_predict_adds_up_table_entries() -> None:
    codes, table, bias = layer(9, positions=20)
    expected = bias + sum(table[s][codes[:, s]] for s in range(3))
    assert np.allclose(predict(codes, table, bias), expected, atol=1e-5)


def test_rows_puts_positions_first() -> None:
    x = np.arange(24).reshape(2, 3, 4)
    assert rows(x).shape == (8, 3)
    assert rows(x)[5].tolist() == x[1, :, 1].tolist()


def test_refuses_what_does_not_belong_together() -> None:
    codes, table, bias = layer(10)
    target = predict(codes, table, bias)
    equations = TableRefit(3, 4, 5)
    with pytest.raises(ValueError, match="at least one position"):
        equations.solve(table, 0.1)
    with pytest.raises(ValueError, match=r"must be \[positions, 3\]"):
        equations.add(codes[:, :2], target)
    with pytest.raises(ValueError, match="code 4, allowed are 0 to 3"):
        equations.add(codes + np.uint8(1), target)
    equations.add(codes, target)
    with pytest.raises(ValueError, match="599 new targets for 600 positions"):
        equations.retarget(codes[1:], target[1:])
    with pytest.raises(ValueError, match="599 new targets for 600 positions"):
        equations.retarget_visible(codes[1:], target[1:], Bounds(), table, bias)
    with pytest.raises(ValueError, match="a positive ridge"):
        equations.solve(table, 0.0)
