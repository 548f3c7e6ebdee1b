"""A layer to cut for a target: what a choice needs of the buffers, and whether it fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pqc.errors import ModelError
from pqc.isa.fields import Memory
from pqc.planning.cut import Choice, Cut
from pqc.planning.nest import Nest
from pqc.planning.target_keys import Target
from pqc.planning.tiles import COUNT_LIMIT, WINDOW_LIMIT, DoesNotFitError, LayerShape, aligned, slab_size

BUFFERS = (Memory.ACTIVATION, Memory.CODEBOOK, Memory.TABLE, Memory.ACCUMULATOR)


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
