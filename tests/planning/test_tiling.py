"""Plans, against the definition of a window in numerics: what a tile holds is what its outputs see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pqc.errors import ModelError
from pqc.isa.fields import Memory
from pqc.numerics.packing import packed_bytes
from pqc.numerics.window import Window, patches
from pqc.planning.target import Target, list_targets, load_target
from pqc.planning.tiling import (
    ConvolutionPlan,
    DoesNotFitError,
    LayerShape,
    LookupPlan,
    MapTile,
    PqShape,
    Span,
    aligned,
    map_tiles,
    plan_convolution,
    plan_elementwise,
    plan_lookup,
    plan_move,
    plan_pool,
)

PQA = load_target("pqa")
TINY = load_target("tiny")

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


def table_bytes(entries: int, bits: int, outputs: int) -> int:
    return aligned(packed_bytes(entries, bits)) + aligned(4 * outputs) + aligned(8 * outputs)


def assert_lookup_fits(shape: LayerShape, pq: PqShape, target: Target, plan: LookupPlan) -> None:
    for block, tile, part in product(plan.output_blocks, plan.tiles, plan.subspace_blocks):
        entries = part.subspaces.size * pq.prototypes
        needs = {
            Memory.ACTIVATION: activation_bytes(shape, tile, part.channels.size, block.size),
            Memory.CODEBOOK: aligned(packed_bytes(entries * pq.length, pq.prototype_bits)),
            Memory.TABLE: table_bytes(entries * block.size, pq.table_bits, block.size),
            Memory.ACCUMULATOR: aligned(block.size * tile.positions * target.accumulator_bytes),
        }
        assert all(need <= target.buffer_bytes(memory) for memory, need in needs.items())


def assert_convolution_fits(shape: LayerShape, groups: int, target: Target, plan: ConvolutionPlan) -> None:
    taps = shape.window.kernel[0] * shape.window.kernel[1]
    for block, tile in product(plan.output_blocks, plan.tiles):
        for channels in block.channel_blocks:
            weights = block.outputs.size * channels.size // block.groups * taps
            needs = {
                Memory.ACTIVATION: activation_bytes(shape, tile, channels.size, block.outputs.size),
                Memory.TABLE: table_bytes(weights, 8, block.outputs.size),
                Memory.ACCUMULATOR: aligned(block.outputs.size * tile.positions * 4),
            }
            assert all(need <= target.buffer_bytes(memory) for memory, need in needs.items())
        # The channels of a block are those of its outputs' groups.
        first, last = (output * groups // shape.outputs for output in (block.outputs.start, block.outputs.stop - 1))
        assert block.groups == last - first + 1
        assert len(block.channel_blocks) == 1 or block.groups == 1
        per_group = shape.channels // groups
        relative = [Span(c.start - first * per_group, c.stop - first * per_group) for c in block.channel_blocks]
        assert_partition(relative, block.groups * per_group)


@settings(deadline=None)
@given(shapes(), st.integers(1, 14), st.integers(1, 14))
def test_map_tiles_see_what_the_whole_map_shows(shape: LayerShape, rows: int, columns: int) -> None:
    assert_tiles(shape, map_tiles(shape, rows, columns))


@settings(deadline=None)
@given(
    shapes(), st.sampled_from([(16, 9), (16, 3), (8, 4), (4, 2)]), st.sampled_from([(8, 16), (6, 5)]), small_targets()
)
def test_lookup_plans(shape: LayerShape, size: tuple[int, int], bits: tuple[int, int], target: Target) -> None:
    prototypes, length = size
    elements = shape.channels * shape.window.kernel[0] * shape.window.kernel[1]
    pq = PqShape(-(-elements // length), prototypes, length, *bits)
    plan = plan_lookup(shape, pq, target)
    assert_partition(plan.output_blocks, shape.outputs)
    assert_partition([block.subspaces for block in plan.subspace_blocks], pq.subspaces)
    assert_tiles(shape, plan.tiles)
    assert_lookup_fits(shape, pq, target, plan)
    flat = np.arange(shape.channels).repeat(elements // shape.channels)
    for block in plan.subspace_blocks:
        mine = flat[block.subspaces.start * length : block.subspaces.stop * length]
        slab = flat[(block.channels.start <= flat) & (flat < block.channels.stop)]
        np.testing.assert_array_equal(slab[block.first_element :][: len(mine)], mine)
        assert set(mine) == set(range(block.channels.start, block.channels.stop))


@settings(deadline=None)
@given(shapes(), st.integers(1, 4), st.sampled_from([1, 3]), small_targets())
def test_convolution_plans(shape: LayerShape, groups: int, multiple: int, target: Target) -> None:
    shape = replace(shape, channels=shape.channels * groups, outputs=groups * multiple)
    plan = plan_convolution(shape, groups, 8, target)
    assert_partition([block.outputs for block in plan.output_blocks], shape.outputs)
    assert_tiles(shape, plan.tiles)
    assert_convolution_fits(shape, groups, target, plan)


def test_groups_too_large_for_the_buffers_are_cut_inside() -> None:
    shape = LayerShape(64, 8, 8, Window((3, 3), pads=(1, 1, 1, 1)), 8, 8, 128, 1, 1)
    plan = plan_convolution(shape, 2, 8, TINY)
    assert len(plan.output_blocks) > 2
    assert max(len(block.channel_blocks) for block in plan.output_blocks) > 1
    assert_partition([block.outputs for block in plan.output_blocks], shape.outputs)
    assert_convolution_fits(shape, 2, TINY, plan)


@settings(deadline=None)
@given(shapes(), small_targets())
def test_pool_plans(shape: LayerShape, target: Target) -> None:
    shape = replace(shape, outputs=shape.channels, residual_bytes=0)
    plan = plan_pool(shape, target)
    assert_partition(plan.channel_blocks, shape.channels)
    assert_tiles(shape, plan.tiles)
    for block, tile in product(plan.channel_blocks, plan.tiles):
        assert activation_bytes(shape, tile, block.size, block.size) <= target.buffer_bytes(Memory.ACTIVATION)


@settings(deadline=None)
@given(st.integers(1, 5000), st.lists(st.sampled_from([1, 2]), min_size=1, max_size=3))
def test_elementwise_plans(count: int, element_bytes: list[int]) -> None:
    plan = plan_elementwise(count, element_bytes, TINY)
    assert_partition(plan, count)
    for span in plan:
        assert sum(aligned(span.size * size) for size in element_bytes) <= TINY.buffer_bytes(Memory.ACTIVATION) // 2


@settings(deadline=None)
@given(*(st.integers(1, n) for n in (30, 70, 3000)), st.sampled_from([1, 2]))
def test_move_plans(planes: int, rows: int, columns: int, element_bytes: int) -> None:
    plan = plan_move(planes, rows, columns, element_bytes, TINY)
    assert sum(b.planes.size * b.rows.size * b.columns.size for b in plan) == planes * rows * columns
    assert len({(b.planes.start, b.rows.start, b.columns.start) for b in plan}) == len(plan)
    for b in plan:
        for span, total in ((b.planes, planes), (b.rows, rows), (b.columns, columns)):
            assert 0 <= span.start < span.stop <= total
        size = b.planes.size * b.rows.size * b.columns.size * element_bytes
        assert size <= TINY.buffer_bytes(Memory.ACTIVATION) // 2


def test_moves_respect_the_counts_of_an_instruction() -> None:
    target = load_target("pqa", ["buffers.activation=262144"])
    for size in ((70_000, 1, 1), (1, 70_000, 1), (1, 1, 70_000)):
        plan = plan_move(*size, 1, target)
        assert len(plan) == 2
        assert max(max(b.planes.size, b.rows.size, b.columns.size) for b in plan) < 1 << 16


def resnet20_layer(channels: int, outputs: int, size: int, stride: int) -> LayerShape:
    window = Window((3, 3), (stride, stride), (1, 1, 1, 1))
    return LayerShape(channels, size, size, window, size // stride, size // stride, outputs, 1, 1, 1)


@pytest.mark.parametrize("length", [9, 3])
@pytest.mark.parametrize("name", list_targets())
def test_resnet20_fits_every_preset(name: str, length: int) -> None:
    target = load_target(name)
    for layer in RESNET20:
        shape = resnet20_layer(*layer)
        pq = PqShape(-(-shape.channels * 9 // length), 16, length, 8, 16)
        plan = plan_lookup(shape, pq, target)
        assert_lookup_fits(shape, pq, target, plan)
        assert name != "tiny" or len(plan.tiles) * len(plan.output_blocks) * len(plan.subspace_blocks) > 1
    stem = LayerShape(3, 32, 32, Window((3, 3), pads=(1, 1, 1, 1)), 32, 32, 16, 1, 1)
    classifier = LayerShape(64, 1, 1, Window((1, 1)), 1, 1, 10, 1, 2)
    for shape in (stem, classifier):
        convolution = plan_convolution(shape, 1, 8, target)
        assert_convolution_fits(shape, 1, target, convolution)
        cuts = len(convolution.tiles) * sum(len(block.channel_blocks) for block in convolution.output_blocks)
        assert name != "tiny" or cuts > 1
    pool = plan_pool(LayerShape(64, 8, 8, Window((8, 8)), 1, 1, 64, 1, 1), target)
    assert name != "tiny" or len(pool.tiles) * len(pool.channel_blocks) > 1


def test_the_paper_accelerator_holds_whole_layers() -> None:
    for layer in RESNET20:
        shape = resnet20_layer(*layer)
        plan = plan_lookup(shape, PqShape(shape.channels, 16, 9, 8, 16), PQA)
        assert (len(plan.output_blocks), len(plan.tiles), len(plan.subspace_blocks)) == (1, 1, 1)


@pytest.mark.parametrize(
    ("setting", "prototypes", "kernel", "message"),
    [
        (
            "buffers.activation=0.0625",
            16,
            7,
            "the activation buffer has 64 bytes, but the smallest tile needs 144: "
            "allowed is buffers.activation of at least 0.140625 KiB",
        ),
        (
            "buffers.codebook=0.125",
            16,
            3,
            "the codebook buffer has 128 bytes, but the smallest tile needs 144: "
            "allowed is buffers.codebook of at least 0.140625 KiB",
        ),
        (
            "buffers.table=0.09375",
            64,
            3,
            "the table buffer has 96 bytes, but the smallest tile needs 160: "
            "allowed is buffers.table of at least 0.15625 KiB",
        ),
    ],
)
def test_buffers_too_small_for_the_smallest_tile(setting: str, prototypes: int, kernel: int, message: str) -> None:
    shape = replace(resnet20_layer(16, 16, 32, 1), window=Window((kernel, kernel), pads=(1, 1, kernel - 2, kernel - 2)))
    with pytest.raises(DoesNotFitError) as caught:
        plan_lookup(shape, PqShape(-(-16 * kernel * kernel // 9), prototypes, 9, 8, 16), load_target("pqa", [setting]))
    assert str(caught.value) == message


def test_refusals() -> None:
    shape = resnet20_layer(16, 16, 32, 1)
    with pytest.raises(ModelError, match="no conventional unit"):
        plan_convolution(shape, 1, 8, load_target("pqa", ["conventional.input_lanes=0"]))
    with pytest.raises(ModelError, match=r"kernel = \[300, 1\], allowed are at most 255"):
        plan_convolution(replace(shape, window=Window((300, 1))), 1, 8, PQA)
    with pytest.raises(ModelError, match=r"strides = \[256, 1\], allowed are at most 255"):
        plan_pool(replace(shape, window=Window((1, 1), (256, 1)), rows=1), PQA)
    with pytest.raises(ModelError, match="lie wholly in the padding behind a map of 32"):
        map_tiles(replace(shape, window=Window((1, 1), pads=(0, 0, 5, 0)), rows=37), 8, 8)
    with pytest.raises(ModelError, match="which no instruction holds"):
        plan_pool(LayerShape(1, 1, 70_000, Window((1, 65_536)), 1, 1, 1, 1, 1), PQA)
    with pytest.raises(DoesNotFitError, match="the activation buffer has 1024 bytes"):
        plan_elementwise(10, [5000], load_target("tiny", ["buffers.activation=1"]))
