"""Weights on grids of powers of two: close to what they were, and the same integers on every target."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pqc.codebook.weights import on_powers_of_two
from pqc.numerics.element import Element
from pqc.numerics.quantization import quantize_weights

U8 = Element(8, False)


@given(st.integers(0, 1000), st.integers(3, 8), st.integers(-8, 2), st.sampled_from([None, 0.25, 4.0]))
def test_quantizing_changes_nothing_any_more(seed: int, bits: int, exponent: int, result: float | None) -> None:
    rng, scale = np.random.default_rng(seed), 2.0**exponent
    spread = np.exp2(rng.uniform(-4, 4, (5, 1, 1, 1)))
    weight = (rng.normal(size=(5, 2, 3, 3)) * spread).astype(np.float32)
    # a bias of up to a thousand units, whatever the unit
    bias = (rng.normal(size=5) * 300 * scale * np.abs(weight).max(axis=(1, 2, 3)) / 2**bits).astype(np.float32)
    rounded, start = on_powers_of_two(weight, bias, bits, scale)
    found = quantize_weights(rounded, start, bits, U8, scale, result)
    step = (found.scale / scale)[:, None, None, None]
    np.testing.assert_array_equal(found.weight * step, rounded)
    np.testing.assert_array_equal(found.bias * found.scale, start)
    largest = np.abs(weight).max(axis=(1, 2, 3))
    finest = 2 * largest / (2 ** (bits - 1) - 1)
    assert (np.abs(rounded - weight).max(axis=(1, 2, 3)) <= finest / 2 * (1 + 1e-6)).all()
    assert (np.abs(start - bias) <= finest * scale / 2 * (1 + 1e-6)).all()


def test_rounding_again_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    first = on_powers_of_two(rng.normal(size=(4, 7)), rng.normal(size=4), 6, 0.125)
    again = on_powers_of_two(*first, 6, 0.125)
    np.testing.assert_array_equal(again[0], first[0])
    np.testing.assert_array_equal(again[1], first[1])


def test_an_output_without_weights_keeps_its_bias() -> None:
    weight, bias = on_powers_of_two(np.zeros((1, 3)), np.array([0.25]), 8, 1.0)
    assert (weight.tolist(), bias.tolist()) == ([[0.0, 0.0, 0.0]], [0.25])
