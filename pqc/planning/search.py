"""The search that all layers share: which cut of a layer fits the buffers and costs the fewest cycles.

The space is all combinations of block sizes, tile sizes, tiles a pass and what stays on chip. Sizes of blocks are
whole numbers of lanes, doubled from one to the next, and all that there is; sizes of tiles are those that cut the map
in different numbers of pieces. The best choice of that space is found: what is left out cannot be better, because its
compute cycles alone exceed the best cost so far.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from pqc.errors import ModelError
from pqc.isa.fields import Memory
from pqc.numerics.packing import packed_bytes
from pqc.planning.nest import Nest
from pqc.planning.target_keys import Target
from pqc.planning.tiles import COUNT_LIMIT, WINDOW_LIMIT, DoesNotFitError, LayerShape, aligned, axis_tiles, slab_size

BUFFERS = (Memory.ACTIVATION, Memory.CODEBOOK, Memory.TABLE, Memory.ACCUMULATOR)

BIAS_BYTES = 4
PARAMETER_BYTES = 8

PIECES = 8
"""A map axis is cut in up to so many pieces, and then in the fewest that fit."""

Cost: TypeAlias = tuple[int, int, int]
"""Cycles, DRAM bytes, instructions."""


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


@dataclass(frozen=True)
class Problem:
    """A layer to cut for a target; ``accumulator_bytes`` is 0 where there are no accumulators.

    ``cut(m, n)`` blocks the outputs by m of ``outer`` and the inputs by n of ``inner``; ``outer_step`` and
    ``inner_step`` are the lanes that work on them at a time. ``room`` is what the activation buffer has left.
    """

    shape: LayerShape
    target: Target
    room: int
    accumulator_bytes: int
    outer: int
    inner: int
    outer_step: int
    inner_step: int
    cut: Callable[[int, int], Cut]
    frames: int = 1
    code_map: bool = False
    """Whether windows slide over a map of codes, which then always lies in the activation buffer."""
    spare: int = 0
    """Bytes of the table buffer that loads need not run ahead into, because the network as a whole has room to."""

    def capacity(self, memory: Memory) -> int:
        """Bytes that the layer can use of a buffer."""
        return self.room if memory is Memory.ACTIVATION else self.target.buffer_bytes(memory)

    def needs(self, choice: Choice) -> tuple[int, int, int, int]:
        """Bytes of BUFFERS that the working set takes, every region aligned."""
        shape, cut, positions = self.shape, choice.cut, choice.rows * choice.columns
        slab_rows = slab_size(shape.window, 0, shape.height, choice.rows)
        slab_columns = slab_size(shape.window, 1, shape.width, choice.columns)
        activation = (
            aligned(cut.channels * slab_rows * slab_columns * shape.source_bytes)
            + aligned(cut.outputs * positions * shape.residual_bytes)
            + aligned(cut.outputs * positions * shape.destination_bytes)
        )
        if choice.keep_codes:
            activation += self._code_buffer_bytes(choice)
        tables, codebooks = cut.table_bytes, cut.codebook_bytes
        parameters = cut.parameter_bytes
        if choice.resident:
            blocks = cut.output_blocks if choice.keep_codes else 1
            tables, parameters = cut.all_table_bytes * blocks, parameters * blocks
        if choice.resident or cut.codebooks_stay:
            codebooks = cut.all_codebook_bytes
        accumulator = choice.tiles * aligned(cut.outputs * positions * self.accumulator_bytes)
        return activation, codebooks, tables + parameters, accumulator

    def _code_buffer_bytes(self, choice: Choice) -> int:
        """Bytes of the codes that a pass keeps: of its output positions, or of the input map that its windows see."""
        shape, cut = self.shape, choice.cut
        if not self.code_map:
            return (
                choice.tiles
                * cut.input_blocks
                * aligned(-(-choice.rows * choice.columns * cut.code_bytes // cut.input_blocks))
            )
        across, down = -(-shape.columns // choice.columns), -(-shape.rows // choice.rows)
        rows = choice.rows * min(down, -(-choice.tiles // across))
        frames = -(-choice.tiles // (across * down))
        return frames * aligned(slab_size(shape.window, 0, shape.height, rows) * shape.width * cut.code_bytes)

    def fits(self, choice: Choice) -> bool:
        """Whether the working set fits, and every count its instruction field."""
        shape, cut = self.shape, choice.cut
        slab_rows = slab_size(shape.window, 0, shape.height, choice.rows)
        slab_columns = slab_size(shape.window, 1, shape.width, choice.columns)
        counts = (cut.outputs, cut.channels, cut.inputs, choice.rows, choice.columns, slab_rows, slab_columns)
        return max(counts) <= COUNT_LIMIT and all(
            need <= self.capacity(memory) for memory, need in zip(BUFFERS, self.needs(choice), strict=True)
        )

    def map_tiles(self, choice: Choice) -> int:
        """Tiles of all frames."""
        return self.frames * -(-self.shape.rows // choice.rows) * -(-self.shape.columns // choice.columns)

    def cost(self, choice: Choice) -> Cost:
        """Cycles, DRAM bytes and steps.

        Layers overlap, so that any unit may turn out to be the one that all wait for: the cycles of transfers and of
        computation both count. Where they cannot overlap for want of room, the shorter one counts twice. A step costs
        a cycle, because a lookup starts one column behind its encode.
        """
        cut, target = choice.cut, self.target
        tiles = self.map_tiles(choice)
        moved = self._traffic(choice, tiles)
        steps = tiles * cut.output_blocks * cut.input_blocks
        transfer = -(-8 * moved // target.bits_per_cycle) + steps * target.dram.latency_cycles
        positions = self.frames * self.shape.rows * self.shape.columns
        compute = (cut.kept_cycles if choice.keep_codes else cut.column_cycles) * positions
        lost = self._recycling(choice) + self._handover(choice, tiles) + steps
        if choice.keep_codes and not self.code_map:
            # the first lookup waits for a tile of codes, and the last pass encodes nothing for most of its lookups
            lost += choice.rows * choice.columns * (1 + choice.tiles * cut.later_cycles)
        if not self._overlaps(choice, tiles):
            lost += min(transfer, compute)
        return transfer + compute + lost, moved, steps

    def _traffic(self, choice: Choice, tiles: int) -> int:
        """DRAM bytes moved."""
        shape, cut = self.shape, choice.cut
        turns = -(-tiles // choice.tiles)
        again = 1 if choice.resident else turns
        blocks = 1 if choice.keep_codes else cut.output_blocks
        codebooks = 1 if cut.codebooks_stay else again * blocks
        rows = axis_tiles(shape.window, 0, shape.height, shape.rows, choice.rows)
        columns = axis_tiles(shape.window, 1, shape.width, shape.columns, choice.columns)
        slab = sum(tile.source.size for tile in rows) * sum(tile.source.size for tile in columns)
        positions = shape.rows * shape.columns
        return (
            cut.table_traffic * again
            + cut.codebook_traffic * codebooks
            + self.frames * slab * cut.slab_channels * blocks * shape.source_bytes
            + self.frames * shape.outputs * positions * (shape.residual_bytes + shape.destination_bytes)
        )

    def _overlaps(self, choice: Choice, tiles: int) -> bool:
        """Whether there is room to load, compute and finish at a time: for two of whatever comes and goes."""
        needs = self.needs(choice)
        stay = choice.resident or choice.cut.codebooks_stay
        twice = (True, not stay, not choice.resident, choice.tiles == 1)
        if tiles * choice.cut.input_blocks * choice.cut.output_blocks == 1:
            return True
        return all(
            need * (1 + double) <= self.capacity(memory)
            for memory, need, double in zip(BUFFERS, needs, twice, strict=True)
        )

    def _recycling(self, choice: Choice) -> int:
        """Cycles lost because the place of a table is free only when all tiles are through with it.

        The buffer holds whole blocks, and loads run ahead by all but the one in use. The part of the buffer that is
        left does not help: as far as it is not spare, it delays that part of the layer's load.
        """
        cut, capacity = choice.cut, self.capacity(Memory.TABLE)
        held = (cut.all_table_bytes if choice.resident else cut.table_bytes) + cut.parameter_bytes
        idle = max(0, capacity - max(capacity // max(held, 1) - 1, 0) * held - self.spare)
        load = -(-8 * cut.table_traffic // self.target.bits_per_cycle)
        return load * min(idle, capacity) // capacity

    def _handover(self, choice: Choice, tiles: int) -> int:
        """Cycles that the next layer waits for the last tile to leave the accumulators.

        It waits for it in its last but one tile. Until then it has computed all others, and if it is strided, at a
        quarter of this layer's pace.
        """
        positions = choice.rows * choice.columns
        cut = choice.cut
        compute = cut.column_cycles * positions // (cut.input_blocks * cut.output_blocks)
        finish = -(-cut.outputs * positions // self.target.vector.lanes)
        # a short layer behind a long one has less to do meanwhile
        lost = max(0, finish - max(tiles - 2, 0) * compute // 4) + finish // 8
        if choice.rows == self.shape.rows:
            # a tile sees all rows, so that it waits for the last tile of the layer before, a quarter of its map
            lost += -(-self.shape.outputs * positions // self.target.vector.lanes) // 4
        return lost

    def solve(self) -> Choice:
        """The cheapest choice.

        Raises:
            DoesNotFitError: not even the smallest tile fits.
            ModelError: the layer has a size that no instruction can hold.
        """
        check_window(self.shape)
        best: tuple[Cost, Choice] | None = None
        for cut in self._cuts():
            if best is not None and self._bound(cut) > best[0][0]:
                continue
            for choice in self._choices(cut):
                cost = self.cost(choice)
                if best is None or cost < best[0]:
                    best = cost, choice
        if best is not None:
            return best[1]
        columns = self.shape.columns if self.code_map else 1
        needs = self.needs(Choice(self.cut(1, 1), 1, columns, 1, resident=False, keep_codes=self.code_map))
        for memory, need in zip(BUFFERS, needs, strict=True):
            if need > self.capacity(memory):
                raise DoesNotFitError(memory, need, self.capacity(memory))
        raise ModelError(f"a tile of one output position has a count above {COUNT_LIMIT}, which no instruction holds")

    def check(self, nest: Nest, blocks: tuple[int, int] | None = None) -> None:
        """Check a nest that was given; ``blocks`` are the arguments of ``cut`` where they are not its sizes.

        Raises:
            DoesNotFitError: it needs more than a buffer has.
            ModelError: a block or tile is larger than the layer.
        """
        shape = self.shape
        limits = {"rows": shape.rows, "columns": shape.columns}
        if blocks is None:
            limits |= {"outputs": self.outer, "inputs": self.inner}
        for name, limit in limits.items():
            if getattr(nest, name) > limit:
                raise ModelError(f"schedule: {name} = {getattr(nest, name)}, allowed are 1 to {limit}")
        cut = self.cut(*(blocks or (nest.outputs, nest.inputs)))
        keep = nest.keep_codes or self.code_map
        choice = Choice(cut, nest.rows, nest.columns, nest.tiles, nest.resident, keep)
        for memory, need in zip(BUFFERS, self.needs(choice), strict=True):
            if need > self.capacity(memory):
                raise DoesNotFitError(memory, need, self.capacity(memory), "the schedule")

    def _bound(self, cut: Cut) -> int:
        """No choice with this cut takes fewer cycles."""
        cycles = min(cut.column_cycles, cut.kept_cycles) if cut.code_bytes else cut.column_cycles
        return cycles * self.frames * self.shape.rows * self.shape.columns

    def _cuts(self) -> Iterator[Cut]:
        """Pairs of block sizes, large ones first."""
        for m in block_sizes(self.outer, self.outer_step):
            for n in block_sizes(self.inner, self.inner_step):
                yield self.cut(m, n)

    def _choices(self, cut: Cut) -> Iterator[Choice]:
        """Everything that fits with a cut of outputs and inputs."""
        for resident in (False, True):
            for keep_codes in self._code_choices(cut):
                for columns in self._column_sizes(cut):
                    yield from self._tilings(cut, columns, resident, keep_codes)

    def _code_choices(self, cut: Cut) -> tuple[bool, ...]:
        """Whether codes are kept: a map of codes always, codes of windows only if another block of outputs follows."""
        if self.code_map:
            return (True,)
        return (False, True) if cut.code_bytes and cut.output_blocks > 1 else (False,)

    def _column_sizes(self, cut: Cut) -> list[int]:
        """Columns of a tile: whole rows where one row fits, else what fits; maps of few rows may be cut in columns."""

        def one(columns: int) -> Choice:
            return Choice(cut, 1, columns, 1, resident=False, keep_codes=self.code_map)

        if self.code_map or (self.shape.rows >= PIECES and self.fits(one(self.shape.columns))):
            return [self.shape.columns]
        return piece_sizes(self.shape.columns, largest(self.shape.columns, lambda n: self.fits(one(n))))

    def _tilings(self, cut: Cut, columns: int, resident: bool, keep_codes: bool) -> Iterator[Choice]:
        def one(rows: int, tiles: int = 1) -> Choice:
            return Choice(cut, rows, columns, tiles, resident, keep_codes)

        most = largest(self.shape.rows, lambda n: self.fits(one(n)))
        for rows in piece_sizes(self.shape.rows, most):
            total = self.map_tiles(one(rows))
            tiles = largest(total, lambda n, rows=rows: self.fits(one(rows, n)))
            if tiles and not (resident and tiles == total):
                yield one(rows, even(total, tiles))


def parameter_bytes(outputs: int) -> int:
    """Bytes of the bias (four an output) and the requantization parameters (eight an output)."""
    return BIAS_BYTES * outputs + PARAMETER_BYTES * outputs


def table_bytes(entries: int, bits: int) -> int:
    """Table buffer bytes of one block of packed entries."""
    return aligned(packed_bytes(entries, bits))


def check_kernel(shape: LayerShape) -> None:
    """Refuse a convolution's kernel beyond an instruction's fields.

    Raises:
        ModelError: it is.
    """
    if max(shape.window.kernel) > WINDOW_LIMIT:
        raise ModelError(f"kernel = {list(shape.window.kernel)}, allowed are at most {WINDOW_LIMIT}")


def check_window(shape: LayerShape) -> None:
    """Refuse strides, dilations and pads beyond an instruction's fields.

    Raises:
        ModelError: one is.
    """
    for name in ("strides", "dilations", "pads"):
        values: tuple[int, ...] = getattr(shape.window, name)
        if max(values) > WINDOW_LIMIT:
            raise ModelError(f"{name} = {list(values)}, allowed are at most {WINDOW_LIMIT}")


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
