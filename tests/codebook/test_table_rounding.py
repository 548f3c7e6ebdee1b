"""Rounding whole tables: what it costs is what is said, and less than rounding each entry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.codebook import rounding
from pqc.codebook.one_hot import predict
from pqc.codebook.refit import TableRefit
from pqc.codebook.rounding import Curvature, nearest_plane, round_table
from pqc.codebook.table import QuantizedTable, quantize_table
from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.numerics.lookup import largest_sum

SUBSPACES, PROTOTYPES, OUTPUTS = 12, 8, 5
RIDGE = 0.02


def positive_factor(random: np.random.Generator, size: int) -> FloatArray:
    """The Cholesky factor of a random positive definite matrix."""
    rows = random.normal(size=(2 * size, size)) + random.normal(size=(2 * size, 1))
    return np.linalg.cholesky(rows.T @ rows)


def curvature_of(equations: TableRefit) -> Curvature:
    """That of few enough equations."""
    found = equations.curvature(RIDGE)
    assert found is not None
    return found


class Layer:
    """Codes that hang together, as those of an image do, and a fitted table."""

    def __init__(self, seed: int = 0, positions: int = 3000) -> None:
        random = np.random.default_rng(seed)
        mood = random.normal(size=(positions, 1))
        seen = mood + 0.7 * random.normal(size=(positions, SUBSPACES))
        self.codes: IntArray = np.digitize(seen, np.linspace(-1.5, 2, PROTOTYPES - 1)).astype(np.uint8)
        truth = random.normal(size=(SUBSPACES, PROTOTYPES, OUTPUTS)) ** 3
        self.target = predict(self.codes, truth, random.normal(size=OUTPUTS))
        self.equations = TableRefit(SUBSPACES, PROTOTYPES, OUTPUTS)
        self.equations.add(self.codes, self.target)
        self.table, self.bias = self.equations.solve(np.zeros(truth.shape), RIDGE)
        self.curvature: Curvature = curvature_of(self.equations)

    def error(self, quantized: QuantizedTable) -> FloatArray:
        """Mean squared error of the layer's results, by output."""
        result = predict(self.codes, quantized.table * quantized.scale, quantized.bias * quantized.scale)
        return np.square(result - self.target).mean(axis=0)


@given(st.integers(1, 60), st.integers(0, 100), st.integers(2, 8), st.sampled_from([1, 7, 128]))
def test_the_cost_is_that_of_the_integers(size: int, seed: int, bits: int, block: int) -> None:
    random = np.random.default_rng(seed)
    factor, low, high = positive_factor(random, size), -(1 << bits - 1), (1 << bits - 1) - 1
    values = random.normal(size=(size, 3)) * high
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounding, "BLOCK", block)
        integers, cost = nearest_plane(values, factor, low, high)
    assert np.array_equal(integers, np.floor(integers))
    assert low <= integers.min() <= integers.max() <= high
    np.testing.assert_allclose(cost, np.square(factor.T @ (values - integers)).sum(axis=0), rtol=1e-6, atol=1e-9)


@given(st.integers(2, 40), st.integers(0, 100))
def test_no_term_is_off_by_more_than_half_a_step(size: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    factor = positive_factor(random, size)
    values = random.normal(size=(size, 3)) * 10
    integers, _ = nearest_plane(values, factor, -(1 << 30), 1 << 30)
    terms = factor.T @ (values - integers)
    assert (np.abs(terms) <= np.diagonal(factor)[:, None] * (0.5 + 1e-6)).all()


def test_entries_that_know_nothing_of_each_other_are_rounded_each() -> None:
    values = np.random.default_rng(0).normal(size=(50, 4)) * 5
    integers, _ = nearest_plane(values, np.diag(np.arange(1.0, 51.0)), -8, 7)
    assert np.array_equal(integers, np.clip(np.floor(values + 0.5), -8, 7))


@pytest.mark.parametrize("bits", [3, 4, 5, 8])
@pytest.mark.parametrize("power_of_two_of", [None, 0.25])
def test_the_sum_is_closer_than_with_each_entry_rounded(bits: int, power_of_two_of: float | None) -> None:
    layer = Layer()
    each = layer.error(quantize_table(layer.table, layer.bias, bits, 32, power_of_two_of))
    whole = layer.error(round_table(layer.table, layer.bias, layer.curvature, bits, 32, power_of_two_of))
    exact = np.square(predict(layer.codes, layer.table, layer.bias) - layer.target).mean(axis=0)
    # at 8 bits the bias, rounded too, weighs as much as the table
    assert (whole - exact).sum() < (0.7 if bits < 8 else 1) * (each - exact).sum()


def test_scales_on_a_target_that_shifts_are_powers_of_two() -> None:
    layer = Layer()
    ratio = round_table(layer.table, layer.bias, layer.curvature, 5, 16, 0.3).scale / 0.3
    assert np.array_equal(np.log2(ratio), np.round(np.log2(ratio)))


def test_largest_entries_are_cut_off_where_that_costs_less() -> None:
    table = np.random.default_rng(0).normal(size=(SUBSPACES, PROTOTYPES, OUTPUTS))
    table[3, 0], table[3, 1] = 20, -20
    entries = SUBSPACES * PROTOTYPES
    weights = np.ones(entries)
    # the two large entries are hardly ever looked up
    weights[3 * PROTOTYPES : 3 * PROTOTYPES + 2] = 1e-3
    curvature = Curvature(np.arange(entries), np.diag(weights), np.full(entries, 1 / PROTOTYPES))
    rounded = round_table(table, np.zeros(OUTPUTS), curvature, 5, 32)
    assert (rounded.scale < 0.6 * quantize_table(table, np.zeros(OUTPUTS), 5, 32).scale).all()
    assert (rounded.table[3, 0] == 15).all()


@pytest.mark.parametrize("accumulator_bits", [8, 10, 16])
@pytest.mark.parametrize("power_of_two_of", [None, 1.0])
def test_sums_are_proven_to_fit(accumulator_bits: int, power_of_two_of: float | None) -> None:
    layer = Layer()
    form = (8, accumulator_bits, power_of_two_of)
    rounded = round_table(layer.table, layer.bias + 20, layer.curvature, *form)
    reach: AnyArray = largest_sum(rounded.table, rounded.bias)
    limit = 1 << accumulator_bits - 1
    assert (reach < limit).all()
    np.testing.assert_allclose(rounded.margin, 1 - reach / limit)


def test_the_same_equations_give_the_same_curvature_after_solving_again() -> None:
    layer = Layer()
    first = layer.curvature
    layer.equations.solve(np.zeros(layer.table.shape), RIDGE)
    again = curvature_of(layer.equations)
    assert np.array_equal(first.order, again.order)
    assert np.array_equal(first.factor, again.factor)
    np.testing.assert_allclose(first.used.reshape(SUBSPACES, PROTOTYPES).sum(axis=1), 1)
