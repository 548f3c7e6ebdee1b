"""The options of a compilation: how many frames are looked at."""

from __future__ import annotations

import pytest

from pqc.passes.options import PqOptions


@pytest.mark.parametrize(
    ("shape", "frames"),
    [((64,), 1024), ((1, 49, 10), 1024), ((3, 32, 32), 1024), ((3, 96, 96), 697), ((3, 224, 224), 128)],
)
def test_large_frames_are_few_where_nobody_says_how_many(shape: tuple[int, ...], frames: int) -> None:
    assert PqOptions().frames_of([shape]) == frames
    assert PqOptions().frames_of([shape, (1, 8, 8)]) == frames
    assert PqOptions(images=5000).frames_of([shape]) == 5000
