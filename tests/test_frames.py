"""How many frames are calibrated on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pqc.frames import frames_with

sizes = st.integers(1, 3000)


@given(positions=st.integers(1, 1 << 24), shapes=st.lists(st.tuples(sizes, sizes, sizes), min_size=1))
def test_just_enough_frames_between_the_bounds(positions: int, shapes: list[tuple[int, int, int]]) -> None:
    count = frames_with(positions, shapes, 3, 500)
    largest = max(rows * columns for _, rows, columns in shapes)
    assert 3 <= count <= 500
    assert count * largest >= positions or count == 500
    assert (count - 1) * largest < positions or count == 3
