"""Tables as integers: no sum overflows, rounding is bounded, powers of two where only shifts exist."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pqc.codebook.bias import correct_bias
from pqc.codebook.table import COARSER, QuantizedTable, largest_step, plain_table, quantize_table
from pqc.errors import ModelError
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.lookup import largest_sum, lookup


def random_table(seed: int, subspaces: int, spread: float) -> tuple[FloatArray, FloatArray]:
    random = np.random.default_rng(seed)
    size = np.exp(random.normal(0, spread, (subspaces, 1, 6)))
    return random.normal(size=(subspaces, 8, 6)) * size, random.normal(size=6) * 10


def real_sums(quantized: QuantizedTable, codes: IntArray) -> FloatArray:
    """What the lookup unit gives, in real units, [positions, outputs]."""
    sums = lookup(codes.T[None], quantized.table, quantized.bias[:, None].astype(np.int32), 16)
    return sums[0].T * quantized.scale


@given(
    seed=st.integers(0, 10_000),
    subspaces=st.integers(1, 300),
    spread=st.floats(0, 2),
    table_bits=st.integers(2, 8),
    accumulator_bits=st.integers(12, 20),
    power_of_two=st.booleans(),
)
def test_no_sum_overflows(
    seed: int, subspaces: int, spread: float, table_bits: int, accumulator_bits: int, power_of_two: bool
) -> None:
    table, bias = random_table(seed, subspaces, spread)
    output_scale = 1e6 if power_of_two else None
    quantized = quantize_table(table, bias, table_bits, accumulator_bits, output_scale)
    limit = (1 << accumulator_bits - 1) - 1
    assert (largest_sum(quantized.table, quantized.bias) <= limit).all()
    assert np.abs(quantized.table).max() <= (1 << table_bits - 1) - 1
    assert quantized.table.dtype == np.int8
    assert quantized.bias.dtype == np.int32
    assert ((quantized.margin > 0) & (quantized.margin <= 1)).all()
    if output_scale is not None:
        exponents = np.log2(output_scale / quantized.scale)
        assert np.array_equal(exponents, np.round(exponents))
        assert (exponents >= 0).all()


@given(seed=st.integers(0, 10_000), subspaces=st.integers(1, 100))
def test_rounding_is_at_most_half_a_unit_per_entry(seed: int, subspaces: int) -> None:
    table, bias = random_table(seed, subspaces, 0.5)
    quantized = quantize_table(table, bias, 8, 24)
    codes = np.random.default_rng(seed).integers(0, 8, (50, subspaces)).astype(np.uint8)
    wide = lookup(codes.T[None], quantized.table, quantized.bias[:, None].astype(np.int32), 24)[0].T * quantized.scale
    exact = bias + sum(table[s][codes[:, s]] for s in range(subspaces))
    assert (np.abs(wide - exact) <= quantized.scale * (subspaces + 1) / 2 * (1 + 1e-9)).all()


def test_what_all_prototypes_share_costs_no_precision() -> None:
    table, bias = random_table(1, 5, 0.0)
    shifted = table + np.arange(5)[:, None, None] * 1000.0
    plain, moved = quantize_table(table, bias, 8, 24), quantize_table(shifted, bias - 10_000, 8, 24)
    assert np.allclose(plain.scale, moved.scale)
    assert np.array_equal(plain.table, moved.table)


def test_channels_of_zeros_are_allowed() -> None:
    quantized = quantize_table(np.zeros((4, 8, 3)), np.array([0.0, 1.0, -1.0]), 8, 16)
    assert not quantized.table.any()
    assert (quantized.scale > 0).all()
    assert np.allclose(quantized.bias * quantized.scale, [0, 1, -1], atol=1e-3)


def test_a_left_shift_has_a_limit() -> None:
    table = np.array([[[1000.0], [-1000.0]]])
    assert quantize_table(table, np.zeros(1), 8, 16, 1.0).scale == 8
    with pytest.raises(ModelError, match=r"allows at most 2\^14 times"):
        quantize_table(10_000 * table, np.zeros(1), 8, 16, 1.0)


@given(seed=st.integers(0, 1000))
def test_plain_table_with_every_prototype_hit_is_the_exact_product(seed: int) -> None:
    random = np.random.default_rng(seed)
    weight, codebook = random.normal(size=(4, 7)), random.normal(size=(3, 2, 3))
    codebook[2, :, 1:] = random.normal(size=(2, 2))  # padding may hold anything
    table = plain_table(weight, codebook)
    assert table.shape == (3, 2, 4)
    window = np.concatenate([codebook[0, 1], codebook[1, 0], codebook[2, 1]])[:7]
    assert np.allclose(table[0, 1] + table[1, 0] + table[2, 1], weight @ window, atol=1e-5)


@given(seed=st.integers(0, 1000))
def test_bias_correction_takes_the_mean_error_away(seed: int) -> None:
    table, bias = random_table(seed, 40, 0.5)
    codes = np.random.default_rng(seed).integers(0, 8, (200, 40)).astype(np.uint8)
    exact = bias + sum(table[s][codes[:, s]] for s in range(40))
    quantized = quantize_table(table, bias, 4, 16)
    before = exact.mean(axis=0) - real_sums(quantized, codes).mean(axis=0)
    corrected = correct_bias(quantized, before, 16)
    assume((largest_sum(corrected.table, corrected.bias) < 32767).all())
    after = exact.mean(axis=0) - real_sums(corrected, codes).mean(axis=0)
    assert (np.abs(after) <= corrected.scale / 2 * (1 + 1e-6)).all()


def test_bias_correction_never_overflows() -> None:
    table, bias = random_table(0, 40, 0.5)
    quantized = quantize_table(table, bias, 8, 13)
    corrected = correct_bias(quantized, np.full(6, 1e9), 13)
    assert (largest_sum(corrected.table, corrected.bias) == 4095).all()
    assert np.allclose(corrected.margin, 1 / 4096)


@given(
    seed=st.integers(0, 10_000),
    elements=st.integers(1, 60),
    length=st.integers(1, 20),
    table_bits=st.integers(2, 8),
    accumulator_bits=st.integers(12, 20),
)
def test_no_scale_is_beyond_the_largest_step(
    seed: int, elements: int, length: int, table_bits: int, accumulator_bits: int
) -> None:
    random = np.random.default_rng(seed)
    weight, bias = random.normal(size=(5, elements)), random.normal(size=5) * 10
    codebook = random.uniform(-3, 3, (-(-elements // length), 4, length)).astype(np.float32)
    table = plain_table(weight, codebook)
    found = quantize_table(table, bias, table_bits, accumulator_bits).scale
    assert found.max() <= largest_step(weight, bias, 3.0, length, table_bits, accumulator_bits) * COARSER
