"""Bit packing against a string of bits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.numerics.packing import pack, packed_bytes, unpack


@st.composite
def packable(draw: st.DrawFn) -> tuple[list[int], int, bool]:
    bits, signed = draw(st.integers(1, 31) | st.sampled_from([8, 16])), draw(st.booleans())
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    values = st.integers(low, high) | st.sampled_from([low, high])
    return draw(st.lists(values, max_size=40)), bits, signed


@given(packable())
def test_the_least_significant_bit_comes_first_without_gaps(case: tuple[list[int], int, bool]) -> None:
    values, bits, _ = case
    number = sum((value % 2**bits) << (bits * index) for index, value in enumerate(values))
    size = packed_bytes(len(values), bits)
    assert pack(np.array(values, np.int64), bits).tobytes() == number.to_bytes(size, "little")


@given(packable(), st.integers(0, 3))
def test_unpack_inverts_pack_at_any_address(case: tuple[list[int], int, bool], offset: int) -> None:
    values, bits, signed = case
    around = np.full(offset, 0xA5, np.uint8)
    memory = np.concatenate([around, pack(np.array(values, np.int64), bits), around])
    found = unpack(memory[offset:], len(values), bits, signed)
    assert found.dtype == np.int32
    assert found.tolist() == values


def test_rows_are_packed_one_behind_the_other() -> None:
    rows = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)
    np.testing.assert_array_equal(pack(rows, 3), pack(rows.reshape(-1), 3))


@pytest.mark.parametrize(("value", "bits"), [(16, 4), (-9, 4), (2, 1)])
def test_values_that_do_not_fit_are_refused(value: int, bits: int) -> None:
    with pytest.raises(ValueError, match=f"do not fit {bits} bits"):
        pack(np.array([0, value]), bits)
