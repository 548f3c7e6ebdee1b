"""Table lookup against Python's integers, wrapping included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.integers import SEEDS, SPREADS, Spread, array

from pqc.numerics import lookup as lookup_module
from pqc.numerics.arrays import IntArray
from pqc.numerics.element import Element
from pqc.numerics.lookup import largest_sum, lookup
from pqc.numerics.rounding import wrap


def looped(codes: IntArray, table: IntArray, start: IntArray, bits: int) -> IntArray:
    frames, subspaces, columns = codes.shape
    result = np.empty((frames, table.shape[2], columns), np.int64)
    initial = np.broadcast_to(start, result.shape)
    for n, o, m in np.ndindex(*result.shape):
        total = sum(int(table[s, codes[n, s, m], o]) for s in range(subspaces)) + int(initial[n, o, m])
        result[n, o, m] = (total + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)
    return result


@given(
    st.integers(8, 32),
    st.integers(2, 16),
    st.tuples(st.integers(1, 2), st.integers(1, 5), st.integers(1, 3)),
    st.sampled_from([1, 2, 5, 16, 130, 300]),
    st.integers(1, 3),
    SEEDS,
    SPREADS,
)
def test_sums_of_table_entries_wrap_at_the_accumulator(
    accumulator_bits: int,
    table_bits: int,
    shape: tuple[int, int, int],
    prototypes: int,
    outputs: int,
    seed: int,
    spread: Spread,
) -> None:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, prototypes, shape).astype(np.uint8 if prototypes <= 256 else np.uint16)
    table = array(Element(table_bits, True), (shape[1], prototypes, outputs), seed + 1, spread)
    held = 2 ** (accumulator_bits - 1)
    bias = rng.integers(-held, held, (outputs, 1)).astype(np.int32)
    found = lookup(codes, table, bias, accumulator_bits)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, looped(codes, table, bias, accumulator_bits))
    # a second part goes on from what the first one left
    again = lookup(codes, table, found, accumulator_bits)
    np.testing.assert_array_equal(again, looped(codes, table, found, accumulator_bits))
    np.testing.assert_array_equal(found, lookup(codes, table.astype(np.int32), bias, accumulator_bits))


@pytest.mark.parametrize("bits", range(8, 33))
def test_one_beyond_the_largest_sum_is_the_smallest(bits: int) -> None:
    largest = 2 ** (bits - 1) - 1
    table = np.array([[[1], [-1]]], np.int8)
    codes = np.array([[[0, 1]]], np.uint8)
    start = np.array([[[largest, -largest - 1]]], np.int32)
    assert lookup(codes, table, start, bits).tolist() == [[[-largest - 1, largest]]]


@pytest.mark.parametrize("subspaces", [1, 2, 3, 6, 7])
@pytest.mark.parametrize("bits", [12, 16, 24, 32])
def test_pairs_of_subspaces_give_what_single_ones_do(
    subspaces: int, bits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = array(Element(4, False), (2, subspaces, 9), 0)
    table = array(Element(16, True), (subspaces, 16, 5), 1, Spread.EXTREMES)
    bias = array(Element(16, True), (5, 1), 2).astype(np.int32)
    paired = lookup(codes, table, bias, bits)
    monkeypatch.setattr(lookup_module, "_PAIRED_ENTRIES", 0)
    np.testing.assert_array_equal(lookup(codes, table, bias, bits), paired)


@given(SEEDS, st.integers(1, 6), st.integers(2, 16), SPREADS)
def test_largest_sum_is_reached_and_never_passed(seed: int, subspaces: int, bits: int, spread: Spread) -> None:
    table = array(Element(bits, True), (subspaces, 3, 2), seed, spread)
    bias = array(Element(16, True), (2,), seed + 1).astype(np.int32)
    limit = largest_sum(table, bias)
    expected = [
        sum(max(abs(int(entry)) for entry in table[s, :, o]) for s in range(subspaces)) + abs(int(bias[o]))
        for o in range(2)
    ]
    assert limit.tolist() == expected
    every = np.array(np.meshgrid(*[range(3)] * subspaces)).reshape(1, subspaces, -1).astype(np.uint8)
    sums = lookup(every, table, bias[:, None], 32)
    assert (np.abs(sums).max(axis=(0, 2)) <= limit).all()
    bits_needed = int(limit.max()).bit_length() + 1
    np.testing.assert_array_equal(wrap(sums, max(8, bits_needed)), sums)
