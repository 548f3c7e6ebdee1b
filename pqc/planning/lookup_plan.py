"""Cutting a layer for the encode and lookup units."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache

from pqc.numerics.packing import packed_bytes
from pqc.planning.search import Cut, Problem, check_kernel, parameter_bytes, pieces, table_bytes
from pqc.planning.target_keys import Target
from pqc.planning.tiles import LayerShape, MapTile, Span, aligned, map_tiles, spans


@dataclass(frozen=True)
class PqShape:
    """A layer's product quantization."""

    subspaces: int
    prototypes: int
    length: int
    prototype_bits: int
    table_bits: int


@dataclass(frozen=True)
class SubspaceBlock:
    """Subspaces that are encoded and looked up together.

    ``channels`` are the input channels that hold their elements of the flattened (channel, row, column) windows;
    ``first_element`` counts from the first element of the first of these channels.
    """

    subspaces: Span
    channels: Span
    first_element: int


@dataclass(frozen=True)
class LookupPlan:
    """For each block of outputs, for each map tile, for each block of subspaces: load, encode, look up."""

    output_blocks: tuple[Span, ...]
    tiles: tuple[MapTile, ...]
    subspace_blocks: tuple[SubspaceBlock, ...]


def subspace_blocks(shape: LayerShape, pq: PqShape, size: int) -> tuple[SubspaceBlock, ...]:
    """Cut the subspaces in blocks of ``size``, with the channels that each of them reads."""
    taps = shape.window.kernel[0] * shape.window.kernel[1]
    blocks: list[SubspaceBlock] = []
    for span in spans(pq.subspaces, size):
        first, last = span.start * pq.length, min(span.stop * pq.length, shape.channels * taps)
        channels = Span(first // taps, -(-last // taps))
        blocks.append(SubspaceBlock(span, channels, first - channels.start * taps))
    return tuple(blocks)


@lru_cache(maxsize=1024)
def plan_lookup(shape: LayerShape, pq: PqShape, target: Target) -> LookupPlan:
    """Cut a layer for the encode and lookup units.

    Raises:
        DoesNotFitError: not even one output of one position from one subspace fits.
        ModelError: a kernel, stride, dilation or count beyond what an instruction holds.
    """
    check_kernel(shape)

    @cache
    def cut(outputs: int, subspaces: int) -> Cut:
        return _lookup_cut(shape, pq, target, outputs, subspaces)

    best = Problem(shape, target, target.accumulator_bytes, shape.outputs, pq.subspaces, cut).solve()
    return LookupPlan(
        spans(shape.outputs, best.cut.outputs),
        map_tiles(shape, best.rows, best.columns),
        subspace_blocks(shape, pq, best.cut.inputs),
    )


def _lookup_cut(shape: LayerShape, pq: PqShape, target: Target, outputs: int, subspaces: int) -> Cut:
    """The cut in blocks of ``outputs`` and ``subspaces``."""
    blocks = subspace_blocks(shape, pq, subspaces)
    encode, lookup = target.encode, target.lookup
    match = -(-pq.length // encode.length_lanes) * -(-pq.prototypes // encode.prototype_lanes)
    cycles = sum(
        max(match * -(-s // encode.subspace_lanes), -(-o // lookup.output_lanes) * -(-s // lookup.subspace_lanes))
        * output_count
        * subspace_count
        for o, output_count in pieces(shape.outputs, outputs)
        for s, subspace_count in pieces(pq.subspaces, subspaces)
    )
    output_blocks = -(-shape.outputs // outputs)
    # The codebooks are needed again for every block of outputs.
    codebooks = packed_bytes(pq.subspaces * pq.prototypes * pq.length, pq.prototype_bits) * output_blocks
    tables = packed_bytes(pq.subspaces * pq.prototypes * shape.outputs, pq.table_bits)
    parameters = parameter_bytes(shape.outputs)
    resident = len(blocks) == 1
    return Cut(
        outputs=outputs,
        channels=max(block.channels.size for block in blocks),
        inputs=subspaces,
        codebook_bytes=aligned(packed_bytes(subspaces * pq.prototypes * pq.length, pq.prototype_bits)),
        table_bytes=table_bytes(subspaces * pq.prototypes * outputs, pq.table_bits, outputs),
        resident_bytes=parameters + (codebooks + tables if resident else 0),
        tile_bytes=0 if resident else codebooks + tables,
        slab_channels=sum(block.channels.size for block in blocks) * output_blocks,
        column_cycles=cycles,
        steps=len(blocks) * output_blocks,
    )
