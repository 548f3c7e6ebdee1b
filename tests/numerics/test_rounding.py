"""Rounding shifts and wrapping against Python's integers."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pqc.numerics.rounding import shift_right_round_half_up, wrap

WIDE = st.integers(-(2**61), 2**61)


@given(st.lists(WIDE, min_size=1), st.integers(0, 40))
def test_shift_rounds_half_up(values: list[int], shift: int) -> None:
    found = shift_right_round_half_up(np.array(values, np.int64), shift)
    assert found.dtype == np.int64
    assert found.tolist() == [math.floor(Fraction(value, 2**shift) + Fraction(1, 2)) for value in values]


@given(st.lists(st.tuples(WIDE, st.integers(0, 40)), min_size=1))
def test_each_value_may_have_its_own_shift(pairs: list[tuple[int, int]]) -> None:
    values, shifts = np.array(pairs, np.int64).T
    found = shift_right_round_half_up(values, shifts)
    assert found.tolist() == [math.floor(Fraction(value, 2**shift) + Fraction(1, 2)) for value, shift in pairs]


def test_ties_go_up_on_both_sides_of_zero() -> None:
    assert shift_right_round_half_up(np.array([-6, -2, 2, 6]), 2).tolist() == [-1, 0, 1, 2]


def test_narrow_values_are_widened_before_half_is_added() -> None:
    for dtype in (np.uint8, np.int8, np.uint16, np.int16, np.int32):
        values = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max], dtype)
        expected = [(int(value) + 4) // 8 for value in values]
        assert shift_right_round_half_up(values, 3).tolist() == expected


def test_shift_leaves_its_operand_alone() -> None:
    values = np.array([5, 6], np.int64)
    shift_right_round_half_up(values, 1)
    shift_right_round_half_up(values, 0)[0] = 99
    assert values.tolist() == [5, 6]


@given(st.lists(WIDE, min_size=1), st.integers(1, 40))
def test_wrap_is_two_s_complement(values: list[int], bits: int) -> None:
    found = wrap(np.array(values, np.int64), bits).tolist()
    for value, wrapped in zip(values, found, strict=True):
        assert (value - wrapped) % 2**bits == 0
        assert -(2 ** (bits - 1)) <= wrapped < 2 ** (bits - 1)


def test_wrap_at_the_edges_of_every_accumulator() -> None:
    for bits in range(8, 33):
        half = 1 << (bits - 1)
        assert wrap(np.array([half - 1, half, -half, -half - 1]), bits).tolist() == [half - 1, -half, -half, half - 1]
