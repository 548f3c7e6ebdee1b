"""One way to cut a layer in blocks and tiles, and the sizes that come into question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pqc.isa.parameters import PARAMETER_BYTES
from pqc.planning.nest import Nest

BIAS_BYTES = 4

PIECES = 8
"""A map axis is cut in up to so many pieces, and then in the fewest that fit."""


@dataclass(frozen=True)
class Cut:
    """One way to cut a layer's outputs and inputs in blocks; the map is cut separately.

    Bytes in a buffer are aligned. ``*_bytes`` are those of the largest block, ``all_*_bytes`` those of all blocks of
    inputs with one block of outputs; traffic counts bytes in DRAM, each once.
    """

    outputs: int
    """Output channels of a block."""
    channels: int
    """Input channels of the largest slab."""
    inputs: int
    """Subspaces or input channels that accumulate in one step."""
    output_blocks: int
    input_blocks: int
    codebook_bytes: int
    table_bytes: int
    all_codebook_bytes: int
    all_table_bytes: int
    parameter_bytes: int
    """Table buffer bytes of bias and parameters of the largest block of outputs."""
    codebook_traffic: int
    table_traffic: int
    slab_channels: int
    """Input channels loaded for all blocks of inputs."""
    column_cycles: int
    """Compute cycles of one output position, with codes computed again for every block of outputs."""
    kept_cycles: int = 0
    """The same with codes computed once."""
    later_cycles: int = 0
    """Lookup cycles of one output position for all blocks of outputs but the first, which computes the codes."""
    code_bytes: int = 0
    """Bytes that the kept codes of one position take; 0: there are none to keep."""
    codebooks_stay: bool = False
    """Codebooks are loaded once and stay until the layer is done, because they take no more than half of the buffer."""


@dataclass(frozen=True)
class Choice:
    """A cut with the rest of the nest."""

    cut: Cut
    rows: int
    columns: int
    tiles: int
    resident: bool
    keep_codes: bool

    @property
    def nest(self) -> Nest:
        """The nest alone."""
        return Nest(
            self.cut.outputs, self.cut.inputs, self.rows, self.columns, self.tiles, self.resident, self.keep_codes
        )


def parameter_bytes(outputs: int) -> int:
    """Bytes of the bias (four an output) and the requantization parameters (eight an output)."""
    return BIAS_BYTES * outputs + PARAMETER_BYTES * outputs


def largest(total: int, fits: Callable[[int], bool]) -> int:
    """The largest n in [1, total] that fits, 0 if not even 1 does; ``fits`` never turns true again as n grows."""
    if fits(total):
        return total
    low, high = 0, total
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def even(total: int, size: int) -> int:
    """The smallest size that cuts ``total`` in no more pieces than ``size`` does."""
    return -(-total // -(-total // size))


def block_sizes(total: int, step: int) -> list[int]:
    """Sizes of blocks, descending: all, then evened-out powers of two of the lanes, then below one lane."""
    found = {total}
    size = step
    while size < total:
        found.add(size)
        size *= 2
    size = min(step, total)
    while size > 1:
        size //= 2
        found.add(size)
    return sorted(found, reverse=True)


def piece_sizes(total: int, most: int) -> list[int]:
    """Sizes, at most ``most``, that cut ``total`` in different numbers of pieces; descending."""
    if most == 0:
        return []
    fewest = -(-total // most)
    return sorted({-(-total // pieces) for pieces in range(fewest, max(fewest, PIECES) + 1)}, reverse=True)


def pieces(total: int, size: int) -> tuple[tuple[int, int], ...]:
    """The pieces that ``total`` falls in, as (size, how many)."""
    whole, rest = divmod(total, size)
    return ((size, whole), (rest, 1)) if rest else ((size, whole),)
