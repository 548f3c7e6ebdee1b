"""The loop nest of a layer that accumulates: in which order its blocks and tiles follow each other.

A pass is a set of map tiles whose accumulators are all there at a time, so that a table is loaded once for all of them:

    without ``keep_codes``                      with ``keep_codes``
    for each block of outputs:                  for each pass:
      for each pass:                              for each block of outputs:
        for each block of inputs:                   for each block of inputs:
          for each tile of the pass                   for each tile of the pass

Kept codes are written to the activation buffer by the first block of outputs and looked up by all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Annotated, TypeAlias

from pydantic import Field
from pydantic.dataclasses import dataclass as checked_dataclass

from pqc.planning.target_keys import FORBID_EXTRA
from pqc.planning.tiles import MapTile, Span

Count: TypeAlias = Annotated[int, Field(strict=True, ge=1)]
Flag: TypeAlias = Annotated[bool, Field(strict=True)]


@checked_dataclass(frozen=True, config=FORBID_EXTRA)
class Nest:
    """How a layer is cut and in which order it runs.

    ``outputs`` and ``inputs`` are the sizes of blocks (inputs are subspaces or channels), ``rows`` and ``columns``
    those of a map tile; ``tiles`` of them make a pass. ``resident``: tables stay on chip from pass to pass instead of
    being loaded again. ``keep_codes``: codes stay in the activation buffer from one block of outputs to the next.
    """

    outputs: Count
    inputs: Count
    rows: Count
    columns: Count
    tiles: Count
    resident: Flag = False
    keep_codes: Flag = False


@dataclass(frozen=True)
class Step:
    """One tile of one frame with one block of outputs and one block of inputs.

    ``first`` and ``last``: of the blocks of inputs that accumulate. ``turn`` numbers the pass; ``seen`` are the input
    rows that the pass's tiles of this frame see.
    """

    turn: int
    frame: int
    tile: MapTile
    outputs: Span
    input_block: int
    first: bool
    last: bool
    seen: Span


def walk(
    nest: Nest, output_blocks: Sequence[Span], input_blocks: int, tiles: Sequence[MapTile], frames: int
) -> Iterator[Step]:
    """All steps, in the order of the nest."""
    places = list(product(range(frames), tiles))
    turns = [places[start : start + nest.tiles] for start in range(0, len(places), nest.tiles)]
    outer: Iterator[tuple[int, Span]]
    if nest.keep_codes:
        outer = product(range(len(turns)), output_blocks)
    else:
        outer = ((turn, outputs) for outputs, turn in product(output_blocks, range(len(turns))))
    seen = [_seen_rows(places) for places in turns]
    last = input_blocks - 1
    for turn, outputs in outer:
        for block, (frame, tile) in product(range(input_blocks), turns[turn]):
            yield Step(turn, frame, tile, outputs, block, block == 0, block == last, seen[turn][frame])


def _seen_rows(places: Sequence[tuple[int, MapTile]]) -> dict[int, Span]:
    """By frame, the input rows that some tiles see."""
    found: dict[int, Span] = {}
    for frame, tile in places:
        rows = tile.source_rows
        before = found.get(frame, rows)
        found[frame] = Span(min(before.start, rows.start), max(before.stop, rows.stop))
    return found
