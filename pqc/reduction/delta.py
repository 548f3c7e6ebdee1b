"""Delta debugging: the fewest items of a list that are still interesting.

The algorithm is ddmin of A. Zeller and R. Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, pairwise
from typing import TypeVar

Item = TypeVar("Item")


def minimized(items: Sequence[Item], interesting: Callable[[Sequence[Item]], bool]) -> list[Item]:
    """A part of ``items``, in their order, that is interesting and is not when any single item is left out.

    Args:
        items: all together they are interesting, which is not asked again.
        interesting: asked for parts of the items; if it says yes, it is asked for parts of that part from then on.
    """
    kept, parts = list(items), 2
    if not kept or interesting([]):
        return []
    while len(kept) >= 2:
        smaller = next((found for found in _smaller(kept, parts) if interesting(found[0])), None)
        if smaller is not None:
            kept, parts = smaller
        elif parts == len(kept):
            break
        else:
            parts = min(2 * parts, len(kept))
    return kept


def _smaller(kept: list[Item], parts: int) -> Iterator[tuple[list[Item], int]]:
    """The parts, then all but one of them, each with the number of parts to cut it into next."""
    edges = [len(kept) * part // parts for part in range(parts + 1)]
    cuts = list(pairwise(edges))
    alone = ((kept[begin:end], 2) for begin, end in cuts)
    # of two parts, each is all but the other
    without = ((kept[:begin] + kept[end:], parts - 1) for begin, end in cuts if parts > 2)
    for items, number in chain(alone, without):
        yield items, min(number, max(len(items), 1))
