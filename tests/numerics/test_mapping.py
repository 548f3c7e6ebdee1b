"""Functions by tables, against indexing element by element."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.integers import SEEDS

from pqc.numerics.element import Element
from pqc.numerics.mapping import map_elements


@given(SEEDS, st.integers(1, 10), st.booleans(), st.booleans(), st.sampled_from([(), (2, 3)]))
def test_each_element_becomes_its_entry(
    seed: int, bits: int, signed: bool, by_plane: bool, rest: tuple[int, ...]
) -> None:
    rng, element, result = np.random.default_rng(seed), Element(bits, signed), Element(8, True)
    table = rng.integers(-128, 128, (3 if by_plane else 1, 1 << bits)).astype(np.int8)
    x = rng.integers(element.minimum, element.maximum, (2, 3, *rest), endpoint=True).astype(element.storage)
    found = map_elements(x, table, element.minimum, result)
    assert found.dtype == result.storage
    for place in np.ndindex(x.shape):
        assert found[place] == table[place[1] if by_plane else 0, int(x[place]) - element.minimum]


@pytest.mark.parametrize("element", [-3, 2])
def test_an_element_without_an_entry_is_refused(element: int) -> None:
    with pytest.raises(IndexError, match=f"element {element}, the table has entries for -2 to 1"):
        map_elements(np.array([[0, element]], np.int8), np.zeros((1, 4), np.int8), -2, Element(8, True))
