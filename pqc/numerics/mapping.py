"""Functions of one number as tables: each integer is replaced by the entry that it has."""

from __future__ import annotations

import numpy as np

from pqc.numerics.arrays import IntArray
from pqc.numerics.element import Element


def map_elements(x: IntArray, table: IntArray, first: int, element: Element) -> IntArray:
    """``table[c, x - first]`` for each element of ``x``, stored as ``element``.

    Args:
        x: [frames, planes, ...].
        table: [1 or planes, entries], one row for all planes or one for each.
        first: the element whose entry is the first one.
        element: the type of the result, which holds every entry.

    Raises:
        IndexError: an element has no entry.
    """
    places = x.astype(np.int64) - first
    least, most = int(places.min()), int(places.max())
    if not 0 <= least <= most < table.shape[1]:
        wrong = least if least < 0 else most
        raise IndexError(f"element {wrong + first}, the table has entries for {first} to {first + table.shape[1] - 1}")
    stored = table.astype(element.storage)
    if len(stored) == 1:
        return stored[0][places]
    planes = np.arange(len(stored)).reshape(-1, *[1] * (x.ndim - 2))
    return stored[planes, places]
