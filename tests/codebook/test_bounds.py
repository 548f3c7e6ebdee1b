"""What bounds behind a layer let through."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pqc.codebook.bounds import Bounds


def test_visible_changes_only_what_the_bounds_hide() -> None:
    target = np.array([[2.0, -1.0, -1.0, 0.5]])
    prediction = np.array([[-3.0, -5.0, 4.0, 4.0]])
    assert Bounds().visible(target, prediction).tolist() == target.tolist()
    assert Bounds(0.0).visible(target, prediction).tolist() == [[2.0, -5.0, 0.0, 0.5]]
    assert Bounds(0.0, 0.5).visible(target, prediction).tolist() == [[0.5, -5.0, 0.0, 4.0]]
    floor = np.array([[3.0, -2.0, 0.0, 1.0]])
    assert Bounds(floor).visible(target, prediction).tolist() == [[-3.0, -1.0, 0.0, 1.0]]


@given(seed=st.integers(0, 1000), first=st.integers(0, 9), count=st.integers(0, 9), free=st.booleans())
def test_a_part_of_the_bounds_bounds_that_part(seed: int, first: int, count: int, free: bool) -> None:
    random = np.random.default_rng(seed)
    target, prediction, floor = random.normal(size=(3, 9, 4))
    bounds = Bounds(floor, np.full((1, 1), 0.5) if free else 0.5)
    part = slice(first, first + count)
    expected = bounds.visible(target, prediction)[part]
    assert np.array_equal(bounds.part(part).visible(target[part], prediction[part]), expected)


@given(seed=st.integers(0, 1000))
def test_what_is_visible_looks_like_the_target_behind_the_bounds(seed: int) -> None:
    random = np.random.default_rng(seed)
    target, prediction = random.normal(size=(2, 20, 3)).astype(np.float32)
    visible = Bounds(-0.5, 0.5).visible(target, prediction)
    assert np.array_equal(np.clip(visible, -0.5, 0.5), np.clip(target, -0.5, 0.5))
    assert (np.abs(visible - prediction) <= np.abs(target - prediction)).all()
