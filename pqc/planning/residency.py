"""Which activation tensors stay on chip from the layer that makes them to the last one that reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pqc.planning.tiles import aligned

WORKING_ROWS = 8
"""So many rows of a tensor that is not on chip find room beside those that are."""


@dataclass(frozen=True)
class Resident:
    """A tensor that could stay on chip, all frames of a batch together.

    Steps number the network's operations; the tensor is made in step ``first`` and read for the last time in
    ``last``. ``traffic`` are the DRAM bytes that are saved if it stays.
    """

    label: str
    size: int
    rows: int
    first: int
    last: int
    traffic: int

    @property
    def working_bytes(self) -> int:
        """Bytes that a part of it takes that passes through the buffer."""
        return aligned(-(-self.size * min(WORKING_ROWS, self.rows) // self.rows))


@dataclass(frozen=True)
class Residency:
    """What stays on chip, and what that leaves of the buffer in each step."""

    labels: frozenset[str]
    room: tuple[int, ...]


def choose_residents(
    tensors: Sequence[Resident], steps: int, capacity: int, wanted: frozenset[str] | None = None
) -> Residency:
    """The tensors that stay on chip, those first that save most traffic for the bytes and steps they occupy.

    ``wanted`` limits the choice to these labels. In each step, what does not stay must find room for some of its rows,
    or for half of the buffer if that is less.
    """
    used, passing = [0] * steps, [0] * steps
    for tensor in tensors:
        for step in {tensor.first, tensor.last}:
            passing[step] += tensor.working_bytes
    chosen: set[str] = set()
    order = sorted(tensors, key=lambda t: (-t.traffic / (t.size * (t.last - t.first + 1)), t.first, t.label))
    for tensor in order:
        if wanted is not None and tensor.label not in wanted:
            continue
        span = range(tensor.first, tensor.last + 1)
        ends = {tensor.first, tensor.last}
        size = aligned(tensor.size)
        if all(
            used[step] + size + min(passing[step] - tensor.working_bytes * (step in ends), capacity // 2) <= capacity
            for step in span
        ):
            chosen.add(tensor.label)
            for step in span:
                used[step] += size
                passing[step] -= tensor.working_bytes * (step in ends)
    return Residency(frozenset(chosen), tuple(capacity - bytes_used for bytes_used in used))
