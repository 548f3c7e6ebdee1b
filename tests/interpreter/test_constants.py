"""Constants are prepared once."""

from __future__ import annotations

import numpy as np

from pqc.interpreter.constants import Constants, unpacked
from pqc.numerics.packing import pack


def test_equal_keys_share_what_was_made_first() -> None:
    constants, made = Constants(), list[str]()

    def make(what: str) -> list[str]:
        made.append(what)
        return [what]

    first = constants.once(("table", b"\x01"), lambda: make("first"))
    assert constants.once(("table", bytes([1])), lambda: make("second")) is first
    assert constants.once(("table", b"\x02"), lambda: make("third")) == ["third"]
    assert made == ["first", "third"]


def test_unpacked_has_the_shape_that_was_packed() -> None:
    values = np.random.default_rng(0).integers(-8, 8, (2, 3, 5))
    assert unpacked(pack(values, 4), 4, (2, 3, 5), True).tolist() == values.tolist()
