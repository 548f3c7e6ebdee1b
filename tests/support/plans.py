"""Layers and targets to plan for, plans of them, and what has to hold of a plan: that it is whole, and fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from pqc.isa.fields import Memory
from pqc.numerics.packing import packed_bytes
from pqc.numerics.window import Window, patches
from pqc.planning.target import Target, load_target
from pqc.planning.tiling import (
    ConvolutionPlan,
    LayerShape,
    LookupPlan,
    MapTile,
    Nest,
    PoolPlan,
    PqShape,
    Span,
    aligned,
    plan_convolution,
    plan_lookup,
    plan_pool,
    search_convolution,
    search_lookup,
)

RESNET20 = ((16, 16, 32, 1), (16, 32, 32, 2), (32, 32, 16, 1), (32, 64, 16, 2), (64, 64, 8, 1))
"""Its convolutions behind the first one: channels, outputs, map size, stride."""


@st.composite
def shapes(draw: st.DrawFn) -> LayerShape:
    """Small layers with any window that an instruction holds and that sees the map everywhere."""
    kernel = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    dilations = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    extent = Window(kernel, dilations=dilations).extent
    before, behind = (draw(st.tuples(*(st.integers(0, e - 1) for e in extent))) for _ in range(2))
    window = Window(kernel, draw(st.tuples(st.integers(1, 3), st.integers(1, 3))), before + behind, dilations)
    height, width = draw(st.integers(1, 14)), draw(st.integers(1, 14))
    rows, columns = window.output_size(height, width)
    assume(rows > 0 and columns > 0)
    channels, outputs = draw(st.integers(1, 9)), draw(st.integers(1, 20))
    element = st.sampled_from([1, 2])
    residual = draw(st.sampled_from([0, 1, 2]))
    return LayerShape(channels, height, width, window, rows, columns, outputs, draw(element), draw(element), residual)


@st.composite
def small_targets(draw: st.DrawFn) -> Target:
    sizes = {
        name: draw(st.sampled_from([0.5, 0.75, 1, 4])) for name in ("activation", "codebook", "table", "accumulator")
    }
    return load_target("tiny", [f"buffers.{name}={size}" for name, size in sizes.items()])


def assert_partition(spans: Sequence[Span], total: int) -> None:
    assert spans[0].start == 0
    assert spans[-1].stop == total
    assert all(one.stop == two.start for one, two in pairwise(spans))
    assert min(span.size for span in spans) > 0


def assert_tiles(shape: LayerShape, tiles: Sequence[MapTile]) -> None:
    """Each output position once; the windows of a tile see in its slab what they see in the whole map."""
    x = np.arange(1, shape.height * shape.width + 1, dtype=np.int32).reshape(1, 1, shape.height, shape.width)
    whole = patches(x, shape.window, (shape.rows, shape.columns))
    covered = np.zeros((shape.rows, shape.columns), np.int32)
    for tile in tiles:
        rows, columns = (slice(span.start, span.stop) for span in (tile.rows, tile.columns))
        covered[rows, columns] += 1
        slab = x[
            :, :, tile.source_rows.start : tile.source_rows.stop, tile.source_columns.start : tile.source_columns.stop
        ]
        assert 0 not in slab.shape
        assert min(tile.pad_top, tile.pad_left) >= 0
        window = replace(shape.window, pads=(tile.pad_top, tile.pad_left, 0, 0))
        seen = patches(slab, window, (tile.rows.size, tile.columns.size))
        np.testing.assert_array_equal(seen, whole[..., rows, columns])
        assert tile.positions == tile.rows.size * tile.columns.size
    assert (covered == 1).all()


def activation_bytes(shape: LayerShape, tile: MapTile, channels: int, outputs: int) -> int:
    slab = channels * tile.source_rows.size * tile.source_columns.size * shape.source_bytes
    results = outputs * tile.positions
    return aligned(slab) + aligned(results * shape.residual_bytes) + aligned(results * shape.destination_bytes)


def parameter_bytes(outputs: int) -> int:
    return aligned(12 * outputs)


def turns(nest: Nest, tiles: Sequence[MapTile]) -> list[Sequence[MapTile]]:
    return [tiles[start : start + nest.tiles] for start in range(0, len(tiles), nest.tiles)]


def assert_lookup_fits(shape: LayerShape, pq: PqShape, target: Target, plan: LookupPlan) -> None:
    """What is there at a time fits: of a pass all accumulators and kept codes, of tables a block or all that stay."""
    nest = plan.nest
    tables = [
        aligned(packed_bytes(part.subspaces.size * pq.prototypes * nest.outputs, pq.table_bits))
        for part in plan.subspace_blocks
    ]
    books = [
        aligned(packed_bytes(part.subspaces.size * pq.prototypes * pq.length, pq.prototype_bits))
        for part in plan.subspace_blocks
    ]
    staying = len(plan.output_blocks) if nest.keep_codes else 1
    table = staying * (sum(tables) + parameter_bytes(nest.outputs)) if nest.resident else max(tables)
    assert (table if nest.resident else table + parameter_bytes(nest.outputs)) <= target.buffer_bytes(Memory.TABLE)
    assert (sum(books) if nest.resident else max(books)) <= target.buffer_bytes(Memory.CODEBOOK)
    for some in turns(nest, plan.tiles):
        sums = [aligned(nest.outputs * tile.positions * target.accumulator_bytes) for tile in some]
        assert sum(sums) <= target.buffer_bytes(Memory.ACCUMULATOR)
        codes = [
            aligned(part.subspaces.size * tile.positions * pq.code_bytes)
            for tile in some
            for part in plan.subspace_blocks
        ]
        for tile, part in product(some, plan.subspace_blocks):
            passing = activation_bytes(shape, tile, part.channels.size, nest.outputs)
            kept = sum(codes) if nest.keep_codes else 0
            assert passing + kept <= target.buffer_bytes(Memory.ACTIVATION)


def assert_convolution_fits(shape: LayerShape, groups: int, target: Target, plan: ConvolutionPlan) -> None:
    taps = shape.window.kernel[0] * shape.window.kernel[1]
    for block, tile in product(plan.output_blocks, plan.tiles):
        weights = [
            aligned(packed_bytes(block.outputs.size * channels.size // block.groups * taps, 8))
            for channels in block.channel_blocks
        ]
        table = sum(weights) if plan.nest.resident else max(weights)
        assert table + parameter_bytes(block.outputs.size) <= target.buffer_bytes(Memory.TABLE)
        for channels in block.channel_blocks:
            passing = activation_bytes(shape, tile, channels.size, block.outputs.size)
            assert passing <= target.buffer_bytes(Memory.ACTIVATION)
        # The channels of a block are those of its outputs' groups.
        first, last = (output * groups // shape.outputs for output in (block.outputs.start, block.outputs.stop - 1))
        assert block.groups == last - first + 1
        assert len(block.channel_blocks) == 1 or block.groups == 1
        per_group = shape.channels // groups
        relative = [Span(c.start - first * per_group, c.stop - first * per_group) for c in block.channel_blocks]
        assert_partition(relative, block.groups * per_group)
    for some in turns(plan.nest, plan.tiles):
        sums = [aligned(plan.nest.outputs * tile.positions * 4) for tile in some]
        assert sum(sums) <= target.buffer_bytes(Memory.ACCUMULATOR)


def lookup_plan(shape: LayerShape, pq: PqShape, target: Target, frames: int = 1) -> LookupPlan:
    room = target.buffer_bytes(Memory.ACTIVATION)
    return plan_lookup(shape, pq, search_lookup(shape, pq, target, room, frames))


def convolution_plan(shape: LayerShape, groups: int, target: Target) -> ConvolutionPlan:
    nest = search_convolution(shape, groups, 8, target, target.buffer_bytes(Memory.ACTIVATION), 1)
    return plan_convolution(shape, groups, nest)


def pool_plan(shape: LayerShape, target: Target) -> PoolPlan:
    return plan_pool(shape, target, target.buffer_bytes(Memory.ACTIVATION))


def resnet20_layer(channels: int, outputs: int, size: int, stride: int) -> LayerShape:
    window = Window((3, 3), (stride, stride), (1, 1, 1, 1))
    return LayerShape(channels, size, size, window, size // stride, size // stride, outputs, 1, 1, 1)
