from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pqc.isa.parameters import PARAMETER_BYTES, pack_parameters, unpack_parameters


def array(*values: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array(values, np.int64)


@given(
    st.lists(
        st.tuples(st.integers(0, 65535), st.integers(0, 40), st.integers(-(1 << 31), (1 << 31) - 1)),
        min_size=1,
        max_size=9,
    )
)
def test_round_trip(records: list[tuple[int, int, int]]) -> None:
    multiplier, shift, residual = (np.array(column, np.int64) for column in zip(*records, strict=True))
    data = pack_parameters(multiplier, shift, residual)
    assert len(data) == PARAMETER_BYTES * len(records)
    for found, expected in zip(unpack_parameters(data), (multiplier, shift, residual), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_layout() -> None:
    data = pack_parameters(array(0x1234), array(7), array(-2))
    assert data == bytes([0xFE, 0xFF, 0xFF, 0xFF, 0x34, 0x12, 7, 0])
    assert pack_parameters(array(1), array(2))[:4] == bytes(4)


@pytest.mark.parametrize(
    ("multiplier", "shift", "residual", "message"),
    [
        (array(1 << 16), array(0), array(0), r"multiplier in \[65536, 65536\], allowed is \[0, 65535\]"),
        (array(1), array(41), array(0), r"shift in \[41, 41\], allowed is \[0, 40\]"),
        (array(1), array(1), array(1 << 31), "residual_multiplier in"),
        (array(1), array(1, 2), array(0), r"shift has shape \(2,\), allowed is \(1,\)"),
    ],
)
def test_what_does_not_fit_is_refused(
    multiplier: np.ndarray[tuple[int], np.dtype[np.int64]],
    shift: np.ndarray[tuple[int], np.dtype[np.int64]],
    residual: np.ndarray[tuple[int], np.dtype[np.int64]],
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        pack_parameters(multiplier, shift, residual)
