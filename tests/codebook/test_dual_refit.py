"""The dual form of the refit finds the same table as the direct one, whatever the numbers of positions and entries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.codebook import one_hot
from pqc.codebook.bounds import Bounds
from pqc.codebook.dual_refit import DualRefit
from pqc.codebook.one_hot import predict
from pqc.codebook.refit import (
    LARGEST_WORK,
    MOST_FEATURES,
    TableRefit,
    affordable_positions,
    bounded_refit,
    refit_of,
    worthwhile_curvature,
)
from pqc.numerics.arrays import FloatArray, IntArray

Layer = tuple[IntArray, FloatArray, FloatArray]


def layer(seed: int, positions: int, subspaces: int, prototypes: int, outputs: int = 3) -> Layer:
    """Codes [positions, subspaces], a target [positions, outputs] and a prior table."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, prototypes, (positions, subspaces)).astype(np.uint8)
    return codes, random.normal(size=(positions, outputs)), random.normal(size=(subspaces, prototypes, outputs))


def direct(codes: IntArray, prototypes: int, target: FloatArray) -> TableRefit:
    equations = TableRefit(codes.shape[1], prototypes, target.shape[1])
    equations.add(codes, target)
    return equations


layers = st.builds(
    layer,
    st.integers(0, 10_000),
    positions=st.integers(1, 60),
    subspaces=st.integers(1, 12),
    prototypes=st.integers(1, 9),
)


@given(data=layers, ridge=st.sampled_from([0.02, 0.5, 10.0]))
def test_finds_what_the_direct_form_finds(data: Layer, ridge: float) -> None:
    codes, target, prior = data
    found = DualRefit(codes, prior.shape[1], target).solve(prior, ridge)
    wanted = direct(codes, prior.shape[1], target).solve(prior, ridge)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


@given(data=layers)
def test_behind_bounds_too(data: Layer) -> None:
    codes, target, prior = data
    equations = DualRefit(codes, prior.shape[1], target), direct(codes, prior.shape[1], target)
    found, wanted = (bounded_refit(one, codes, target, Bounds(0.0, 1.0), prior, 0.1, 2) for one in equations)
    np.testing.assert_allclose(predict(codes, *found), predict(codes, *wanted), rtol=1e-2, atol=1e-2)


def test_parts_give_the_same_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, target, prior = layer(3, 20, 7, 5)
    whole = DualRefit(codes, 5, target).solve(prior, 0.1)
    monkeypatch.setattr(one_hot, "ENTRIES_AT_ONCE", 250)
    for one, other in zip(DualRefit(codes, 5, target).solve(prior, 0.1), whole, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_another_ridge_is_another_solution() -> None:
    codes, target, prior = layer(4, 20, 7, 5)
    equations = DualRefit(codes, 5, target)
    weak, strong = (np.abs(equations.solve(prior, ridge)[0] - prior).max() for ridge in (0.1, 100.0))
    assert strong < weak / 10


def test_the_curvature_is_that_of_the_direct_form_and_for_few_bits_alone() -> None:
    codes, target, _ = layer(7, 20, 7, 5)
    dual, equations = DualRefit(codes, 5, target), direct(codes, 5, target)
    found, wanted = (worthwhile_curvature(form, 0.1, 7) for form in (dual, equations))
    assert found is not None
    assert wanted is not None
    assert np.array_equal(found.order, wanted.order)
    np.testing.assert_allclose(found.factor, wanted.factor)
    assert worthwhile_curvature(dual, 0.1, 8) is None
    assert worthwhile_curvature(equations, 0.1, 8) is not None


def test_refuses_what_does_not_belong_together() -> None:
    codes, target, prior = layer(5, 20, 7, 5)
    with pytest.raises(ValueError, match="refit of 0 positions"):
        DualRefit(codes[:0], 5, target[:0])
    equations = DualRefit(codes, 5, target)
    with pytest.raises(ValueError, match="19 new targets for 20 positions"):
        equations.retarget(codes, target[:19])
    with pytest.raises(ValueError, match="needs a positive ridge"):
        equations.solve(prior, 0.0)
    with pytest.raises(ValueError, match=r"needs a positive ridge and \(7, 5, 3\)"):
        equations.solve(prior[:6], 0.1)


def test_the_smaller_matrix_is_chosen() -> None:
    for positions, form in ((34, DualRefit), (35, TableRefit)):
        codes, target, _ = layer(6, positions, 7, 5)
        assert isinstance(refit_of(codes, 5, target), form)


@given(features=st.integers(1, 200_000), most=st.integers(1, 1 << 20))
def test_no_refit_takes_too_long(features: int, most: int) -> None:
    positions = affordable_positions(features, most)
    assert 1 <= positions <= most
    if features <= MOST_FEATURES:
        assert positions == most
        return
    assert positions**2 * (features + 8 * positions) <= LARGEST_WORK
    if positions < most:
        assert (positions + 1) ** 2 * (features + 8 * (positions + 1)) > LARGEST_WORK


@pytest.mark.parametrize(("channels", "prototypes", "length"), [(64, 16, 9), (64, 64, 9), (64, 64, 3)])
def test_small_networks_see_all_positions(channels: int, prototypes: int, length: int) -> None:
    assert affordable_positions(channels * 9 // length * prototypes, 65536) == 65536
