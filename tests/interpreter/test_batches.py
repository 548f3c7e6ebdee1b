from __future__ import annotations

import numpy as np
import pytest

from pqc.interpreter.batches import grouped


@pytest.mark.parametrize(
    ("frames", "size", "groups"),
    [
        (4, 2, [[0, 1], [2, 3]]),
        (5, 2, [[0, 1], [2, 3], [4, 4]]),
        (1, 3, [[0, 0, 0]]),
        (3, 1, [[0], [1], [2]]),
    ],
)
def test_the_last_group_is_filled_up_with_the_last_frame(frames: int, size: int, groups: list[list[int]]) -> None:
    values = np.arange(frames, dtype=np.int16)[:, None] + np.array([0, 10], np.int16)
    found = grouped(values, size)
    assert found.dtype == np.int16
    assert found[..., 0].tolist() == groups
    assert (found[..., 1] == found[..., 0] + 10).all()
