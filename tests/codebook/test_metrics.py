"""How far results are from what they should be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.codebook import metrics
from pqc.codebook.metrics import normalized_error, normalized_map_error, rows
from pqc.numerics.element import dequantize


def test_normalized_error() -> None:
    target = np.random.default_rng(0).normal(size=(500, 3)) + 5
    assert normalized_error(target, target) == 0
    assert np.isclose(normalized_error(np.broadcast_to(target.mean(axis=0), target.shape), target), 1)
    assert normalized_error(np.ones((2, 2)), np.ones((2, 2))) == 0


def test_what_does_not_vary_is_measured_by_its_size() -> None:
    constant = np.full((3, 2), 0.1, np.float32)
    assert np.isclose(normalized_error(1.5 * constant, constant), 0.25)
    assert np.isclose(normalized_map_error(np.full((1, 2, 3), 15, np.uint8), 0.01, constant.T[None]), 0.25)
    assert normalized_error(np.zeros((2, 2)), np.zeros((2, 2))) == 0
    assert normalized_error(np.ones((2, 2)), np.zeros((2, 2))) == 1


@given(seed=st.integers(0, 1000), frames=st.integers(1, 9), elements=st.integers(1, 400))
def test_of_maps_is_that_of_their_positions(seed: int, frames: int, elements: int) -> None:
    random = np.random.default_rng(seed)
    actual = random.integers(0, 256, (frames, 4, 10)).astype(np.uint8)
    target = random.normal(1, 1, (frames, 4, 10)).astype(np.float32)
    wanted = normalized_error(rows(dequantize(actual, 0.01)), rows(target))
    assert normalized_map_error(actual, 0.01, target) == wanted
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "ELEMENTS_AT_ONCE", elements)
        assert np.isclose(normalized_map_error(actual, 0.01, target), wanted, rtol=1e-12)


def test_rows_are_positions() -> None:
    x = np.arange(24).reshape(2, 3, 4)
    assert rows(x).tolist()[:2] == [[0, 4, 8], [1, 5, 9]]
    assert np.array_equal(rows(x)[4], x[1, :, 0])
