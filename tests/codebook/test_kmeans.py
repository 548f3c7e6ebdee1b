"""K-means: never worse than what it starts from, deterministic, at home with few distinct vectors."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.codebook import kmeans
from pqc.codebook.kmeans import fit_codebook, weight_metric, whitening
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.element import Element

UI8 = Element(8, signed=False)
SI4 = Element(4, signed=True)


def quantization_error(vectors: IntArray, codebook: IntArray) -> FloatArray:
    """Mean squared distance of each subspace's vectors from their nearest prototype."""
    difference = vectors[:, :, None, :].astype(np.float64) - codebook[:, None, :, :]
    return np.square(difference).sum(axis=3).min(axis=2).mean(axis=1)


def random_vectors(seed: int, subspaces: int, samples: int, length: int) -> IntArray:
    random = np.random.default_rng(seed)
    centers = random.integers(0, 256, (subspaces, 1 + samples // 10, length))
    chosen = centers[:, random.integers(centers.shape[1], size=samples)]
    return np.clip(chosen + random.normal(0, 9, chosen.shape).astype(np.int64), 0, 255).astype(np.uint8)


@given(
    seed=st.integers(0, 2**32 - 1),
    subspaces=st.integers(1, 4),
    samples=st.integers(1, 200),
    length=st.integers(1, 9),
    prototypes=st.integers(1, 20),
)
def test_error_is_below_what_random_prototypes_give_on_average(
    seed: int, subspaces: int, samples: int, length: int, prototypes: int
) -> None:
    # on average: k-means ends in a local optimum, which a single lucky draw of a few prototypes can beat
    vectors = random_vectors(seed, subspaces, samples, length)
    codebook = fit_codebook(vectors, prototypes, UI8, seed)
    assert codebook.shape == (subspaces, prototypes, length)
    assert codebook.dtype == np.uint8
    draws = np.random.default_rng(seed + 1).integers(0, 256, (20, subspaces, prototypes, length)).astype(np.uint8)
    average = np.mean([quantization_error(vectors, draw) for draw in draws], axis=0)
    rounding = length / 4  # the means are rounded, each element by at most a half
    assert (quantization_error(vectors, codebook) <= average + rounding).all()


def test_the_iterations_lower_the_error() -> None:
    vectors = random_vectors(11, 6, 3000, 4)
    errors = [quantization_error(vectors, fit_codebook(vectors, 16, UI8, 0, count)).sum() for count in (0, 1, 3, 15)]
    assert all(later < earlier for earlier, later in pairwise(errors))


@given(seed=st.integers(0, 1000), distinct=st.integers(1, 6), prototypes=st.integers(6, 16))
def test_few_distinct_vectors_are_all_met_exactly(seed: int, distinct: int, prototypes: int) -> None:
    random = np.random.default_rng(seed)
    kinds = random.choice(256, size=(3, distinct, 4), replace=False).astype(np.uint8)
    vectors = kinds[:, np.arange(90) % distinct]
    assert (quantization_error(vectors, fit_codebook(vectors, prototypes, UI8, seed)) == 0).all()


def test_a_dead_channel_has_only_zeros() -> None:
    vectors = random_vectors(0, 3, 100, 9)
    vectors[1] = 0
    assert not fit_codebook(vectors, 16, UI8, 0)[1].any()


def test_one_rare_vector_far_away_gets_a_prototype() -> None:
    vectors = np.zeros((1, 5000, 3), np.uint8)
    vectors[0, 17] = 255
    vectors[0, 100:2000] = 1
    codebook = fit_codebook(vectors, 3, UI8, 0)
    assert {tuple(row) for row in codebook[0].tolist()} == {(0, 0, 0), (1, 1, 1), (255, 255, 255)}


@given(seed=st.integers(0, 1000))
def test_same_seed_same_codebook(seed: int) -> None:
    vectors = random_vectors(seed, 3, 300, 5)
    metric = weight_metric(np.random.default_rng(seed).normal(size=(7, 15)), 3, 5)
    first = fit_codebook(vectors, 8, UI8, seed, metric=metric)
    assert np.array_equal(first, fit_codebook(vectors.copy(), 8, UI8, seed, metric=metric.copy()))


def test_a_subspace_does_not_depend_on_its_neighbours() -> None:
    vectors = random_vectors(3, 4, 300, 5)
    assert np.array_equal(fit_codebook(vectors, 8, UI8, 5)[:2], fit_codebook(vectors[:2], 8, UI8, 5))


@given(
    seed=st.integers(0, 1000),
    subspaces=st.integers(1, 12),
    samples=st.integers(1, 120),
    prototypes=st.integers(1, 12),
)
def test_subspaces_clustered_together_give_what_each_gives_alone(
    seed: int, subspaces: int, samples: int, prototypes: int
) -> None:
    vectors = random_vectors(seed, subspaces, samples, 4)
    vectors[0] = vectors[0, 0]  # this one has found its centers at once
    metric = weight_metric(np.random.default_rng(seed).normal(size=(5, 4 * subspaces)), subspaces, 4)
    together = fit_codebook(vectors, prototypes, UI8, seed, metric=metric)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kmeans, "SAMPLES_AT_ONCE", 1)
        alone = fit_codebook(vectors, prototypes, UI8, seed, metric=metric)
    assert np.array_equal(together, alone)


def test_signed_narrow_elements_stay_in_range() -> None:
    vectors = np.random.default_rng(0).integers(-8, 8, (2, 400, 3)).astype(np.int8)
    codebook = fit_codebook(vectors, 16, SI4, 0)
    assert codebook.dtype == np.int8
    assert -8 <= int(codebook.min()) < 0 < int(codebook.max()) <= 7


def test_the_metric_decides_which_direction_is_told_apart() -> None:
    random = np.random.default_rng(1)
    vectors = np.stack([random.integers(0, 256, 4000), random.integers(0, 40, 4000)], axis=1)[None].astype(np.uint8)
    plain = fit_codebook(vectors, 4, UI8, 0)[0].astype(np.int64)
    second = fit_codebook(vectors, 4, UI8, 0, metric=np.array([[[0.0, 0.0], [0.0, 1.0]]]))[0].astype(np.int64)
    assert np.ptp(plain[:, 0]) > 4 * np.ptp(plain[:, 1])
    assert np.ptp(second[:, 1]) > 20
    assert np.ptp(second[:, 0]) < np.ptp(plain[:, 0]) / 2


@given(seed=st.integers(0, 1000), outputs=st.integers(1, 6))
def test_weight_metric_is_what_the_outputs_change(seed: int, outputs: int) -> None:
    random = np.random.default_rng(seed)
    weight = random.normal(size=(outputs, 7))
    factor = random.normal(size=(outputs, outputs))
    metric, measured = weight_metric(weight, 3, 3), weight_metric(weight, 3, 3, factor @ factor.T)
    difference = random.normal(size=9)
    difference[7:] = 0
    for s in range(3):
        part = np.zeros(9)
        part[s * 3 : s * 3 + 3] = difference[s * 3 : s * 3 + 3]
        change, own = weight @ part[:7], part[s * 3 : s * 3 + 3]
        assert np.isclose(own @ metric[s] @ own, np.square(change).sum())
        assert np.isclose(own @ measured[s] @ own, np.square(factor.T @ change).sum())


def test_whitening_factors_the_metric_and_survives_zero() -> None:
    metric = np.stack([np.diag([4.0, 2.0, 6.0]), np.zeros((3, 3))])
    factors = whitening(metric).astype(np.float64)
    assert np.allclose(factors[0] @ factors[0].T, metric[0] / 4)
    assert np.allclose(factors[1] @ factors[1].T, np.eye(3))


def test_refuses_nothing() -> None:
    with pytest.raises(ValueError, match="0 samples into 4 prototypes"):
        fit_codebook(np.zeros((1, 0, 3), np.uint8), 4, UI8, 0)
    with pytest.raises(ValueError, match="into 0 prototypes"):
        fit_codebook(np.zeros((1, 5, 3), np.uint8), 0, UI8, 0)
