"""Integers for property tests: seeded arrays of an element type, among them the extreme ones, and strategies."""

from __future__ import annotations

from enum import Enum

import numpy as np
from hypothesis import strategies as st

from pqc.numerics.arrays import IntArray
from pqc.numerics.element import Element
from pqc.numerics.window import Window


class Spread(Enum):
    """Where values lie."""

    ANYWHERE = "anywhere"
    EXTREMES = "extremes"
    NEAR_ZERO = "near zero"


def array(element: Element, shape: tuple[int, ...], seed: int, spread: Spread = Spread.ANYWHERE) -> IntArray:
    """An array of ``element`` in its storage type; equal arguments give equal arrays."""
    rng = np.random.default_rng(seed)
    if spread is Spread.EXTREMES:
        values = rng.choice([element.minimum, element.maximum], shape)
    elif spread is Spread.NEAR_ZERO:
        values = rng.integers(max(-2, element.minimum), min(2, element.maximum), shape, endpoint=True)
    else:
        values = rng.integers(element.minimum, element.maximum, shape, endpoint=True)
    return values.astype(element.storage)


SEEDS = st.integers(0, 2**32 - 1)
SPREADS = st.sampled_from(Spread)
ELEMENTS = st.builds(Element, st.integers(2, 16), st.booleans())
STORED = st.sampled_from([Element(bits, signed) for bits in (8, 16) for signed in (False, True)])
"""The element types that fill their storage."""

_SMALL = st.integers(1, 3)
_PADS = st.integers(0, 3)
WINDOWS = st.builds(
    Window,
    st.tuples(_SMALL, _SMALL),
    st.tuples(_SMALL, _SMALL),
    st.tuples(_PADS, _PADS, _PADS, _PADS),
    st.tuples(_SMALL, _SMALL),
)


def tap(x: IntArray, window: Window, place: tuple[int, int, int, int], at: tuple[int, int], fill: int = 0) -> int:
    """What tap ``place`` = (frame, channel, kernel row, kernel column) of the window ``at`` (row, column) reads."""
    frame, channel, i, j = place
    row = at[0] * window.strides[0] + i * window.dilations[0] - window.pads[0]
    column = at[1] * window.strides[1] + j * window.dilations[1] - window.pads[1]
    inside = 0 <= row < x.shape[2] and 0 <= column < x.shape[3]
    return int(x[frame, channel, row, column]) if inside else fill


def taps(
    x: IntArray, window: Window, frame: int, channels: range, at: tuple[int, int], fill: int | None = 0
) -> list[int]:
    """All taps of one window in (channel, row, column) order; with ``fill`` None only those inside the map."""
    outside = 1 << 40
    places = [(frame, c, i, j) for c in channels for i in range(window.kernel[0]) for j in range(window.kernel[1])]
    values = [tap(x, window, place, at, outside if fill is None else fill) for place in places]
    return [value for value in values if value != outside]
