"""Which positions are looked at, and that their subvectors are those that the encode unit will see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.codebook import sampling
from pqc.codebook.sampling import at_positions, sample_by_shares, sample_positions, sample_vectors
from pqc.numerics.encode import starts_of, subvectors
from pqc.numerics.grouping import Cut, Grouping
from pqc.numerics.window import Window


@given(
    frames=st.integers(1, 20), columns=st.integers(1, 50), count=st.integers(1, 1200), seed=st.integers(0, 2**32 - 1)
)
def test_positions_are_distinct_ascending_and_spread(frames: int, columns: int, count: int, seed: int) -> None:
    positions = sample_positions(frames, columns, count, seed)
    assert len(positions) == min(count, frames * columns)
    assert (np.diff(positions) > 0).all()
    assert 0 <= positions[0] <= positions[-1] < frames * columns
    each = np.bincount(positions // columns, minlength=frames)
    assert each.max() - each.min() <= 1
    assert np.array_equal(positions, sample_positions(frames, columns, count, seed))


def test_refuses_nothing_to_choose_from() -> None:
    with pytest.raises(ValueError, match="0 frames"):
        sample_positions(0, 4, 3, 0)


@given(size=st.integers(1, 1000), count=st.integers(1, 3000), seed=st.integers(0, 2**32 - 1))
def test_positions_are_taken_by_their_shares(size: int, count: int, seed: int) -> None:
    shares = np.random.default_rng(seed).exponential(size=size).astype(np.float32)
    positions = sample_by_shares(shares, count, seed)
    assert len(positions) == count
    assert (np.diff(positions) >= 0).all()
    wanted = count * shares / shares.sum()
    often = np.bincount(positions, minlength=size)
    # each part of equal size has one: a position spans some whole parts and pieces of two more
    assert (np.abs(often - wanted) < 2.001).all()
    assert np.array_equal(positions, sample_by_shares(shares, count, seed))


def test_equal_shares_take_each_position_once() -> None:
    assert sample_by_shares(np.ones(6, np.float32), 6, 0).tolist() == [0, 1, 2, 3, 4, 5]


def test_refuses_no_shares() -> None:
    with pytest.raises(ValueError, match="3 of 0 positions"):
        sample_by_shares(np.zeros(0, np.float32), 3, 0)


def test_vectors_are_those_of_the_encoder() -> None:
    random = np.random.default_rng(0)
    x = random.integers(0, 256, (5, 3, 6, 7)).astype(np.uint8)
    window = Window((3, 3), (2, 1), (1, 1, 1, 1))
    positions = sample_positions(5, 21, 40, 1)
    expected = subvectors(x, window, 4, starts_of(0, 4, 7))
    found = sample_vectors(x, window, Cut.of(Grouping.WINDOW, 3, window, 4), positions)
    assert found.shape == (7, 40, 4)
    for index, position in enumerate(positions):
        assert np.array_equal(found[:, index], expected[position // 21, :, :, position % 21])


@pytest.mark.parametrize("grouping", Grouping)
@given(seed=st.integers(0, 1000), length=st.integers(1, 7), stride=st.integers(1, 3), elements=st.integers(1, 200))
def test_vectors_are_those_of_whole_maps(
    grouping: Grouping, seed: int, length: int, stride: int, elements: int
) -> None:
    random = np.random.default_rng(seed)
    x = random.integers(0, 256, (6, 5, 7, 4)).astype(np.uint8)
    window = Window((3, 2), (stride, 1), (1, 0, 2, 1), (2, 1))
    cut = Cut.of(grouping, 5, window, length)
    whole = cut.subvectors(x, window)
    positions = random.permutation(6 * whole.shape[3])[:50]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "ELEMENTS_AT_ONCE", elements)
        found = sample_vectors(x, window, cut, positions)
    frames, columns = np.divmod(positions, whole.shape[3])
    assert np.array_equal(found, whole[frames, :, :, columns].transpose(1, 0, 2))


def test_at_positions_takes_rows() -> None:
    x = np.arange(24).reshape(2, 3, 4)
    assert at_positions(x, np.array([1, 6])).tolist() == [x[0, :, 1].tolist(), x[1, :, 2].tolist()]
