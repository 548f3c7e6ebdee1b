"""Codes that a box of vectors can reach: no code that is met is missing, and one vector has one code."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.numerics.encode import Metric, nearest_prototype
from pqc.numerics.reachable import reachable_codes

METRICS = st.sampled_from(Metric)
SIZES = st.tuples(st.integers(1, 3), st.integers(1, 6), st.integers(1, 4))


@given(METRICS, SIZES, st.booleans(), st.integers(0, 99), st.integers(0, 40))
def test_every_code_that_is_met_is_reachable(
    metric: Metric, sizes: tuple[int, int, int], shared: bool, seed: int, width: int
) -> None:
    subspaces, prototypes, length = sizes
    random = np.random.default_rng(seed)
    codebook = random.integers(0, 30, (1 if shared else subspaces, prototypes, length)).astype(np.int32)
    low = random.integers(0, 30, (subspaces, length))
    high = low + random.integers(0, width + 1, low.shape)
    vectors = random.integers(low[:, :, None], high[:, :, None] + 1, (subspaces, length, 200)).astype(np.int32)
    codes = nearest_prototype(vectors[None], codebook, metric)[0]
    reachable = reachable_codes(low, high, codebook, metric)
    assert reachable.shape == (subspaces, prototypes)
    assert np.take_along_axis(reachable, codes.astype(np.int64), axis=1).all()


@given(METRICS, SIZES, st.integers(0, 99))
def test_a_box_of_one_vector_leaves_just_its_code(metric: Metric, sizes: tuple[int, int, int], seed: int) -> None:
    """Few values, so that ties are many."""
    subspaces, prototypes, length = sizes
    random = np.random.default_rng(seed)
    codebook = random.integers(0, 3, (subspaces, prototypes, length)).astype(np.int32)
    vector = random.integers(0, 3, (subspaces, length)).astype(np.int32)
    expected = nearest_prototype(vector[None, :, :, None], codebook, metric)[0]
    reachable = reachable_codes(vector, vector, codebook, metric)
    assert reachable.sum(axis=1).tolist() == [1] * subspaces
    np.testing.assert_array_equal(reachable.argmax(axis=1)[:, None], expected)


@pytest.mark.parametrize("metric", Metric)
def test_a_wide_box_reaches_all_prototypes_inside(metric: Metric) -> None:
    codebook = np.array([[[0, 0], [9, 9], [4, 5]]], np.int32)
    assert reachable_codes(np.array([[0, 0]]), np.array([[9, 9]]), codebook, metric).all()
    far = reachable_codes(np.array([[0, 0]]), np.array([[1, 1]]), codebook, metric)
    assert far.tolist() == [[True, False, False]]
