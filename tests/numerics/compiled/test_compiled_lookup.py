"""Compiled lookups against their definition, wrapping included."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.integers import SEEDS, SPREADS, Spread, array

from pqc.isa.access import accumulator_bytes
from pqc.numerics.element import Element
from pqc.numerics.kernels import NUMPY, Kernels, compiled_kernels


@given(
    st.integers(2, 32),
    st.integers(2, 16),
    st.tuples(st.integers(1, 3), st.integers(1, 6), st.sampled_from([1, 7, 127, 128, 129])),
    st.sampled_from([1, 2, 16, 256, 300]),
    st.sampled_from([1, 15, 16, 17, 32, 33, 70]),
    st.booleans(),
    SEEDS,
    SPREADS,
)
def test_sums_are_those_of_the_definition(
    accumulator_bits: int,
    table_bits: int,
    shape: tuple[int, int, int],
    prototypes: int,
    outputs: int,
    first: bool,
    seed: int,
    spread: Spread,
) -> None:
    """Every width of the accumulators, one block of outputs and several, from the bias or from earlier sums."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, prototypes, shape).astype(np.uint8 if prototypes <= 256 else np.uint16)
    table = array(Element(table_bits, True), (shape[1], prototypes, outputs), seed + 1, spread).astype(np.int32)
    held = 1 << (accumulator_bits - 1)
    kind = f"<i{accumulator_bytes(accumulator_bits)}"
    before = rng.integers(-held, held, (shape[0], outputs, shape[2])).astype(kind)
    bias = rng.integers(-held, held, outputs).astype(np.int32) if first else None
    found, expected = before.copy(), before.copy()
    compiled_kernels().accumulator(table, accumulator_bits)(found, codes, bias)
    NUMPY.accumulator(table, accumulator_bits)(expected, codes, bias)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kernels", [NUMPY, compiled_kernels()], ids=["numpy", "numba"])
def test_a_code_of_no_prototype_is_refused_and_nothing_is_added(kernels: Kernels) -> None:
    table = np.ones((2, 3, 4), np.int32)
    codes = np.zeros((2, 2, 200), np.uint8)
    codes[1, 1, 199] = 3
    accumulators = np.zeros((2, 4, 200), np.int16)
    with pytest.raises(IndexError, match="code 3, the table has 3 prototypes"):
        kernels.accumulator(table, 16)(accumulators, codes, None)
    assert not accumulators.any()


def test_codes_may_lie_in_any_order() -> None:
    table = array(Element(8, True), (3, 4, 5), 0).astype(np.int32)
    codes = np.random.default_rng(0).integers(0, 4, (2, 9, 3)).astype(np.uint8).transpose(0, 2, 1)
    found, expected = np.zeros((2, 5, 9), np.int16), np.zeros((2, 5, 9), np.int16)
    compiled_kernels().accumulator(table, 16)(found, codes, None)
    NUMPY.accumulator(table, 16)(expected, codes, None)
    np.testing.assert_array_equal(found, expected)
