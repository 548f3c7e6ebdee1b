"""The search that all layers share: which cut of a layer fits the buffers and costs the fewest cycles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pqc.errors import ModelError
from pqc.isa.fields import Memory
from pqc.numerics.packing import packed_bytes
from pqc.planning.target_keys import Target
from pqc.planning.tiles import COUNT_LIMIT, WINDOW_LIMIT, DoesNotFitError, LayerShape, aligned, axis_tiles, slab_size

BUFFERS = (Memory.ACTIVATION, Memory.CODEBOOK, Memory.TABLE, Memory.ACCUMULATOR)

BIAS_BYTES = 4
PARAMETER_BYTES = 8

CANDIDATES = 6
"""How many sizes are tried along one direction, from the largest that fits downwards."""


@dataclass(frozen=True)
class Cut:
    """One way to cut a layer's outputs and inputs in blocks; the map is cut separately.

    The first fields are what the largest block holds at a time; the others are totals over all blocks, for the cost.
    """

    outputs: int
    """Output channels of a block."""
    channels: int
    """Input channels of a slab."""
    codebook_bytes: int
    table_bytes: int
    inputs: int
    """Subspaces or input channels that accumulate in one step."""
    resident_bytes: int
    """Bytes loaded once, however many map tiles there are."""
    tile_bytes: int
    """Bytes loaded again for every map tile."""
    slab_channels: int
    """Input channels loaded for every map tile."""
    column_cycles: int
    """Compute cycles for one output position."""
    steps: int
    """Compute instructions for every map tile."""


@dataclass(frozen=True)
class Choice:
    """The best cut, and the rows and columns of its map tiles."""

    cut: Cut
    rows: int
    columns: int


@dataclass(frozen=True)
class Problem:
    """A layer to cut for a target; ``accumulator_bytes`` is 0 where there are no accumulators.

    ``cut(m, n)`` blocks the outputs by m, at most ``outer``, and the inputs by n, at most ``inner``; what it needs
    grows with both.
    """

    shape: LayerShape
    target: Target
    accumulator_bytes: int
    outer: int
    inner: int
    cut: Callable[[int, int], Cut]

    def needs(self, cut: Cut, rows: int, columns: int) -> tuple[int, int, int, int]:
        """Bytes of BUFFERS that a tile's working set takes, every region aligned."""
        shape, positions = self.shape, rows * columns
        slab_rows = slab_size(shape.window, 0, shape.height, rows)
        slab_columns = slab_size(shape.window, 1, shape.width, columns)
        activation = (
            aligned(cut.channels * slab_rows * slab_columns * shape.source_bytes)
            + aligned(cut.outputs * positions * shape.residual_bytes)
            + aligned(cut.outputs * positions * shape.destination_bytes)
        )
        accumulator = aligned(cut.outputs * positions * self.accumulator_bytes)
        return activation, cut.codebook_bytes, cut.table_bytes, accumulator

    def encodable(self, cut: Cut, rows: int, columns: int) -> bool:
        """Whether all counts fit their instruction fields."""
        shape = self.shape
        slab_rows = slab_size(shape.window, 0, shape.height, rows)
        slab_columns = slab_size(shape.window, 1, shape.width, columns)
        return max(cut.outputs, cut.channels, cut.inputs, rows, columns, slab_rows, slab_columns) <= COUNT_LIMIT

    def fits(self, cut: Cut, rows: int, columns: int, share: int) -> bool:
        """Whether a tile's working set fits in one ``share``-th of every buffer."""
        needs = self.needs(cut, rows, columns)
        return self.encodable(cut, rows, columns) and all(
            need <= self.target.buffer_bytes(memory) // share for memory, need in zip(BUFFERS, needs, strict=True)
        )

    def cost(self, choice: Choice, share: int) -> tuple[int, int, int]:
        """Cycles, DRAM bytes and instructions; with room for two tiles, loads run beside the computation."""
        shape, cut = self.shape, choice.cut
        rows = axis_tiles(shape.window, 0, shape.height, shape.rows, choice.rows)
        columns = axis_tiles(shape.window, 1, shape.width, shape.columns, choice.columns)
        tiles = len(rows) * len(columns)
        slab = sum(tile.source.size for tile in rows) * sum(tile.source.size for tile in columns)
        positions = shape.rows * shape.columns
        moved = cut.resident_bytes + tiles * cut.tile_bytes + cut.slab_channels * slab * shape.source_bytes
        moved += shape.outputs * positions * (shape.residual_bytes + shape.destination_bytes)
        steps = cut.steps * tiles
        transfer = -(-8 * moved // self.target.bits_per_cycle) + steps * self.target.dram.latency_cycles
        compute = cut.column_cycles * positions
        return max(transfer, compute) if share > 1 else transfer + compute, moved, steps

    def choices(self, share: int) -> Iterator[Choice]:
        """Everything worth comparing that fits in one ``share``-th of every buffer."""
        for m in sizes(self.outer, lambda m: self.fits(self.cut(m, 1), 1, 1, share)):
            yield from self._input_choices(m, share)

    def _input_choices(self, m: int, share: int) -> Iterator[Choice]:
        for n in sizes(self.inner, lambda n: self.fits(self.cut(m, n), 1, 1, share)):
            yield from self._map_choices(self.cut(m, n), share)

    def _map_choices(self, cut: Cut, share: int) -> Iterator[Choice]:
        for columns in sizes(self.shape.columns, lambda n: self.fits(cut, 1, n, share)):
            yield Choice(cut, self._most_rows(cut, columns, share), columns)

    def _most_rows(self, cut: Cut, columns: int, share: int) -> int:
        rows = largest(self.shape.rows, lambda n: self.fits(cut, n, columns, share))
        return even(self.shape.rows, rows)

    def solve(self) -> Choice:
        """The cheapest choice: with half of every buffer, so that tiles overlap, or with all of it.

        Raises:
            DoesNotFitError: not even the smallest tile fits.
            ModelError: the layer has a size that no instruction can hold.
        """
        check_window(self.shape)
        best: tuple[tuple[int, int, int], Choice] | None = None
        for share in (2, 1):
            for choice in self.choices(share):
                cost = self.cost(choice, share)
                if best is None or cost < best[0]:
                    best = cost, choice
        if best is not None:
            return best[1]
        needs = self.needs(self.cut(1, 1), 1, 1)
        for memory, need in zip(BUFFERS, needs, strict=True):
            if need > self.target.buffer_bytes(memory):
                raise DoesNotFitError(memory, need, self.target.buffer_bytes(memory))
        raise ModelError(f"a tile of one output position has a count above {COUNT_LIMIT}, which no instruction holds")


def parameter_bytes(outputs: int) -> int:
    """Bytes of the bias (four an output) and the requantization parameters (eight an output)."""
    return BIAS_BYTES * outputs + PARAMETER_BYTES * outputs


def table_bytes(entries: int, bits: int, outputs: int) -> int:
    """Table buffer bytes of one block: packed entries, bias, requantization parameters."""
    return aligned(packed_bytes(entries, bits)) + aligned(BIAS_BYTES * outputs) + aligned(PARAMETER_BYTES * outputs)


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


def sizes(total: int, fits: Callable[[int], bool]) -> list[int]:
    """Sizes to cut ``total`` in pieces of: the largest that fits, evened out, and the next smaller ones."""
    size = largest(total, fits)
    found: list[int] = []
    while size > 0 and len(found) < CANDIDATES:
        # A smaller block of subspaces may touch more channels than a larger one that ends with a channel, so that
        # what fits at one size is tested again at the next smaller ones.
        fitting = next((n for n in (even(total, size), size) if fits(n)), None)
        if fitting is not None:
            found.append(fitting)
        size = (fitting or size) - 1
    return found


def pieces(total: int, size: int) -> tuple[tuple[int, int], ...]:
    """The pieces that ``total`` falls in, as (size, how many)."""
    whole, rest = divmod(total, size)
    return ((size, whole), (rest, 1)) if rest else ((size, whole),)
