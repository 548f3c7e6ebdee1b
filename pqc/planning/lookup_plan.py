"""Cutting a layer for the encode and lookup units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache

import numpy as np

from pqc.errors import ModelError
from pqc.isa.fields import Memory
from pqc.numerics.arrays import IntArray
from pqc.numerics.packing import packed_bytes
from pqc.planning.cut import Cut, even, parameter_bytes, pieces
from pqc.planning.nest import Nest
from pqc.planning.problem import Problem, check_kernel
from pqc.planning.search import solve
from pqc.planning.target_keys import Target
from pqc.planning.tiles import LayerShape, MapTile, Span, aligned, map_tiles, spans


@dataclass(frozen=True)
class PqShape:
    """A layer's product quantization.

    ``groups``: with channel grouping, into how many groups the channels fall; 0 with windows as subvectors.
    ``shared``: all subspaces have the same codebook. ``folded``: of the subspaces there were before, or with channel
    grouping of the groups, those that are not encoded; ``subspaces`` and ``groups`` count what is left.
    """

    subspaces: int
    prototypes: int
    length: int
    prototype_bits: int
    table_bits: int
    groups: int = 0
    shared: bool = False
    folded: tuple[int, ...] = ()

    @property
    def encoded(self) -> int:
        """Subspaces that are encoded at each position; with channel grouping, one for all taps."""
        return self.groups or self.subspaces

    @cached_property
    def numbers(self) -> tuple[int, ...]:
        """The numbers that the subspaces had before some were folded."""
        left_out = frozenset(self.folded)
        return tuple(n for n in range(self.encoded + len(left_out)) if n not in left_out)

    def gaps(self, subspaces: Span) -> int:
        """How many subspaces these span if some between them are folded; 0 if they follow each other."""
        spanned = self.numbers[subspaces.stop - 1] - self.numbers[subspaces.start] + 1
        return spanned if spanned > subspaces.size else 0

    def kept(self, subspaces: Span) -> IntArray:
        """For each subspace that these span, 1 if it is encoded and 0 if it is folded."""
        numbers = np.array(self.numbers[subspaces.start : subspaces.stop])
        flags = np.zeros(numbers[-1] - numbers[0] + 1, np.int32)
        flags[numbers - numbers[0]] = 1
        return flags

    def books(self, loaded: Sequence[Span]) -> int:
        """The codebooks of blocks of subspaces."""
        return 1 if self.shared else sum(block.size for block in loaded)

    def codebook_bytes(self, loaded: Sequence[Span]) -> int:
        """Bytes that are loaded for blocks of subspaces: codebooks, and behind them a bit a subspace where gaps are."""
        return self.gaps_offset(loaded, len(loaded))

    def gaps_offset(self, loaded: Sequence[Span], block: int) -> int:
        """Where, of what is loaded for some blocks, the bits of one of them begin."""
        bits = sum(packed_bytes(self.gaps(before), 1) for before in loaded[:block])
        return packed_bytes(self.books(loaded) * self.prototypes * self.length, self.prototype_bits) + bits

    @property
    def code_bytes(self) -> int:
        """Bytes of one code in a buffer."""
        return 1 if self.prototypes <= 256 else 2


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
    """A nest over blocks of outputs, map tiles and blocks of subspaces."""

    nest: Nest
    output_blocks: tuple[Span, ...]
    tiles: tuple[MapTile, ...]
    subspace_blocks: tuple[SubspaceBlock, ...]


def subspace_blocks(shape: LayerShape, pq: PqShape, size: int) -> tuple[SubspaceBlock, ...]:
    """Cut the subspaces in blocks of ``size``, with the channels that each of them reads."""
    if pq.groups:
        return tuple(SubspaceBlock(span, Span(0, shape.channels), 0) for span in spans(pq.subspaces, size))
    taps = shape.window.kernel[0] * shape.window.kernel[1]
    blocks: list[SubspaceBlock] = []
    for span in spans(pq.subspaces, size):
        first = pq.numbers[span.start] * pq.length
        last = min((pq.numbers[span.stop - 1] + 1) * pq.length, shape.channels * taps)
        channels = Span(first // taps, -(-last // taps))
        blocks.append(SubspaceBlock(span, channels, first - channels.start * taps))
    return tuple(blocks)


def lookup_problem(shape: LayerShape, pq: PqShape, target: Target, room: int, frames: int, spare: int = 0) -> Problem:
    """The search for a layer's nest.

    Args:
        shape: the layer.
        pq: its product quantization.
        target: what it is cut for.
        room: bytes that the activation buffer has left.
        frames: of a batch.
        spare: bytes of the table buffer that loads need not run ahead into.
    """
    lookup, encode = target.lookup, target.encode

    @cache
    def cut(outputs: int, subspaces: int) -> Cut:
        return _lookup_cut(shape, pq, target, outputs, subspaces)

    inner_step = lookup.subspace_lanes if pq.groups else max(lookup.subspace_lanes, encode.subspace_lanes)
    return Problem(
        shape,
        target,
        room,
        target.accumulator_bytes,
        shape.outputs,
        pq.subspaces,
        lookup.output_lanes,
        inner_step,
        cut,
        frames,
        code_map=pq.groups > 0,
        spare=spare,
    )


@lru_cache(maxsize=1024)
def search_lookup(shape: LayerShape, pq: PqShape, target: Target, room: int, frames: int, spare: int = 0) -> Nest:
    """The cheapest nest of a layer on the encode and lookup units; arguments as of :func:`lookup_problem`.

    Raises:
        DoesNotFitError: not even one output of one position from one subspace fits.
        ModelError: a kernel, stride, dilation or count beyond what an instruction holds.
    """
    check_kernel(shape)
    return solve(lookup_problem(shape, pq, target, room, frames, spare)).nest


def check_lookup(nest: Nest, shape: LayerShape, pq: PqShape, target: Target, room: int, frames: int) -> None:
    """Check a nest that was given.

    Raises:
        DoesNotFitError: it needs more than a buffer has.
        ModelError: a block or tile is larger than the layer, or the codes of a map are not to be kept.
    """
    if pq.groups and not nest.keep_codes:
        raise ModelError("schedule: keep_codes = false, allowed is true: channel grouping keeps the codes of a map")
    lookup_problem(shape, pq, target, room, frames).check(nest)


def plan_lookup(shape: LayerShape, pq: PqShape, nest: Nest) -> LookupPlan:
    """The blocks and tiles of a nest.

    Raises:
        ModelError: the nest asks for what there is not.
    """
    return LookupPlan(
        nest,
        spans(shape.outputs, nest.outputs),
        map_tiles(shape, nest.rows, nest.columns),
        subspace_blocks(shape, pq, nest.inputs),
    )


def _lookup_cut(shape: LayerShape, pq: PqShape, target: Target, outputs: int, subspaces: int) -> Cut:
    """The cut in blocks of ``outputs`` and ``subspaces``."""
    blocks = subspace_blocks(shape, pq, subspaces)
    again, kept, looked = _column_cycles(shape, pq, target, outputs, subspaces)
    output_blocks = -(-shape.outputs // outputs)
    loads = codebook_loads(pq, blocks, target)
    codebook = [pq.codebook_bytes(load) for load in loads]
    tables = [packed_bytes(block.subspaces.size * pq.prototypes * outputs, pq.table_bits) for block in blocks]
    return Cut(
        outputs=outputs,
        channels=max(block.channels.size for block in blocks),
        inputs=subspaces,
        output_blocks=output_blocks,
        input_blocks=len(blocks),
        codebook_bytes=aligned(max(codebook)),
        table_bytes=aligned(max(tables)),
        all_codebook_bytes=sum(map(aligned, codebook)),
        all_table_bytes=sum(map(aligned, tables)),
        # with channel grouping, the codes of the zero subvectors lie behind the parameters
        parameter_bytes=aligned(parameter_bytes(outputs) + pq.groups * pq.code_bytes),
        codebook_traffic=pq.codebook_bytes([block for load in loads for block in load]),
        table_traffic=packed_bytes(pq.subspaces * pq.prototypes * shape.outputs, pq.table_bits)
        + parameter_bytes(shape.outputs),
        slab_channels=shape.channels if pq.groups else sum(block.channels.size for block in blocks),
        column_cycles=again,
        kept_cycles=kept,
        later_cycles=looked * (output_blocks - 1) // output_blocks,
        code_bytes=pq.encoded * pq.code_bytes,
        codebooks_stay=codebooks_stay(pq, target),
    )


def codebooks_stay(pq: PqShape, target: Target) -> bool:
    """Whether a layer's codebooks take no more than half of their buffer, so that they stay while it runs."""
    return 2 * aligned(pq.codebook_bytes([Span(0, pq.encoded)])) <= target.buffer_bytes(Memory.CODEBOOK)


def group_blocks(pq: PqShape, target: Target) -> tuple[Span, ...]:
    """With channel grouping, the groups that are encoded at a time: all whose codebooks fit."""
    if pq.shared:
        return spans(pq.groups, pq.groups)
    one = packed_bytes(pq.prototypes * pq.length, pq.prototype_bits)
    room = target.buffer_bytes(Memory.CODEBOOK) - (packed_bytes(pq.numbers[-1] + 1, 1) if pq.folded else 0)
    fitting = max(1, min(pq.groups, room // max(one, 1)))
    return spans(pq.groups, even(pq.groups, fitting))


def codebook_loads(pq: PqShape, blocks: tuple[SubspaceBlock, ...], target: Target) -> list[list[Span]]:
    """For each load of codebooks, the blocks of subspaces that are encoded with them."""
    encoded = list(group_blocks(pq, target)) if pq.groups else [block.subspaces for block in blocks]
    return [encoded] if pq.shared else [[span] for span in encoded]


def _column_cycles(
    shape: LayerShape, pq: PqShape, target: Target, outputs: int, subspaces: int
) -> tuple[int, int, int]:
    """Cycles of one output position: encoding for each block of outputs, encoding once, and lookups alone."""
    encode, lookup = target.encode, target.lookup
    match = -(-pq.length // encode.length_lanes) * -(-pq.prototypes // encode.prototype_lanes)
    looked = sum(
        -(-o // lookup.output_lanes) * -(-s // lookup.subspace_lanes) * output_count * subspace_count
        for o, output_count in pieces(shape.outputs, outputs)
        for s, subspace_count in pieces(pq.subspaces, subspaces)
    )
    if pq.groups:
        stride_rows, stride_columns = shape.window.strides
        encoded = match * -(-pq.groups // encode.subspace_lanes) * stride_rows * stride_columns
        return max(encoded, looked), max(encoded, looked), looked
    encoded = sum(match * -(-s // encode.subspace_lanes) * count for s, count in pieces(pq.subspaces, subspaces))
    again = sum(
        max(match * -(-s // encode.subspace_lanes), -(-o // lookup.output_lanes) * -(-s // lookup.subspace_lanes))
        * output_count
        * subspace_count
        for o, output_count in pieces(shape.outputs, outputs)
        for s, subspace_count in pieces(pq.subspaces, subspaces)
    )
    return again, max(encoded, looked), looked
