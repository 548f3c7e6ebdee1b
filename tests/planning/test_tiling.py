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
from pqc.planning.cost import cost_of
from pqc.planning.cut import Choice, block_sizes, even, largest, piece_sizes
from pqc.planning.lookup_plan import lookup_problem
from pqc.planning.search import solve
from pqc.planning.target import Target, list_targets, load_target
from pqc.planning.tiles import spans
from pqc.planning.tiling import (
    ConvolutionPlan,
    DoesNotFitError,
    LayerShape,
    LookupPlan,
    MapTile,
    Nest,
    PoolPlan,
    PqShape,
    Span,
    aligned,
    check_convolution,
    check_lookup,
    map_tiles,
    plan_convolution,
    plan_lookup,
    plan_move,
    plan_pool,
    search_convolution,
    search_lookup,
    walk,
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
    plan = lookup_plan(shape, pq, target)
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
    plan = convolution_plan(shape, groups, target)
    assert_partition([block.outputs for block in plan.output_blocks], shape.outputs)
    assert_tiles(shape, plan.tiles)
    assert_convolution_fits(shape, groups, target, plan)


def test_groups_too_large_for_the_buffers_are_cut_inside() -> None:
    shape = LayerShape(64, 8, 8, Window((3, 3), pads=(1, 1, 1, 1)), 8, 8, 128, 1, 1)
    plan = convolution_plan(shape, 2, TINY)
    assert len(plan.output_blocks) > 2
    assert max(len(block.channel_blocks) for block in plan.output_blocks) > 1
    assert_partition([block.outputs for block in plan.output_blocks], shape.outputs)
    assert_convolution_fits(shape, 2, TINY, plan)


@settings(deadline=None)
@given(shapes(), small_targets())
def test_pool_plans(shape: LayerShape, target: Target) -> None:
    shape = replace(shape, outputs=shape.channels, residual_bytes=0)
    plan = pool_plan(shape, target)
    assert_partition(plan.channel_blocks, shape.channels)
    assert_tiles(shape, plan.tiles)
    for block, tile in product(plan.channel_blocks, plan.tiles):
        assert activation_bytes(shape, tile, block.size, block.size) <= target.buffer_bytes(Memory.ACTIVATION)


@settings(deadline=None)
@given(
    *(st.integers(1, n) for n in (30, 70, 3000)),
    st.lists(st.sampled_from([1, 2]), max_size=3),
    st.sampled_from([64, 1000, 16384]),
)
def test_move_plans(planes: int, rows: int, columns: int, element_bytes: list[int], room: int) -> None:
    plan = plan_move(planes, rows, columns, element_bytes, room)
    assert sum(b.elements for b in plan) == planes * rows * columns
    assert len({b.starts for b in plan}) == len(plan)
    for b in plan:
        for span, total in ((b.planes, planes), (b.rows, rows), (b.columns, columns)):
            assert 0 <= span.start < span.stop <= total
        assert sum(aligned(b.elements * size) for size in element_bytes) <= room


def test_moves_respect_the_counts_of_an_instruction() -> None:
    for size in ((70_000, 1, 1), (1, 70_000, 1), (1, 1, 70_000)):
        for passing in ([1], []):
            plan = plan_move(*size, passing, 1 << 28)
            assert max(max(b.counts) for b in plan) < 1 << 16


@st.composite
def nests(draw: st.DrawFn, shape: LayerShape, inputs: int) -> Nest:
    sizes = [draw(st.integers(1, n)) for n in (shape.outputs, inputs, shape.rows, shape.columns, 9)]
    return Nest(*sizes, resident=draw(st.booleans()), keep_codes=draw(st.booleans()))


@settings(deadline=None)
@given(st.data(), shapes(), st.integers(1, 5), st.integers(1, 3))
def test_a_nest_takes_every_step_once_and_blocks_of_inputs_in_order(
    data: st.DataObject, shape: LayerShape, inputs: int, frames: int
) -> None:
    nest = data.draw(nests(shape, inputs))
    tiles = map_tiles(shape, nest.rows, nest.columns)
    outputs = spans(shape.outputs, nest.outputs)
    blocks = len(spans(inputs, nest.inputs))
    steps = list(walk(nest, outputs, blocks, tiles, frames))
    assert len(steps) == len({(s.frame, s.tile, s.outputs, s.input_block) for s in steps})
    assert len(steps) == frames * len(tiles) * len(outputs) * blocks
    done: dict[tuple[int, MapTile, Span], int] = {}
    for step in steps:
        key = step.frame, step.tile, step.outputs
        assert step.input_block == done.get(key, 0)
        assert (step.first, step.last) == (step.input_block == 0, step.input_block == blocks - 1)
        done[key] = step.input_block + 1
        assert step.seen.start <= step.tile.source_rows.start
        assert step.tile.source_rows.stop <= step.seen.stop
    for turn in {step.turn for step in steps}:
        assert len({(s.frame, s.tile) for s in steps if s.turn == turn}) <= nest.tiles
    order = [step.turn if nest.keep_codes else step.outputs.start for step in steps]
    assert order == sorted(order)


@settings(deadline=None, max_examples=30)
@given(shapes(), st.sampled_from([(16, 9), (16, 3), (8, 4)]), small_targets(), st.integers(1, 3), st.data())
def test_no_nest_that_fits_costs_less_than_the_one_found(
    shape: LayerShape, size: tuple[int, int], target: Target, frames: int, data: st.DataObject
) -> None:
    """Against every nest of the space, drawn at random."""
    elements = shape.channels * shape.window.kernel[0] * shape.window.kernel[1]
    pq = PqShape(-(-elements // size[1]), *size, 8, 8)
    problem = lookup_problem(shape, pq, target, target.buffer_bytes(Memory.ACTIVATION), frames)
    best = cost_of(problem, solve(problem))
    other = Choice(
        problem.cut(
            data.draw(st.sampled_from(block_sizes(shape.outputs, target.lookup.output_lanes))),
            data.draw(st.sampled_from(block_sizes(pq.subspaces, target.lookup.subspace_lanes))),
        ),
        data.draw(st.sampled_from(piece_sizes(shape.rows, shape.rows))),
        shape.columns,
        1,
        resident=data.draw(st.booleans()),
        keep_codes=False,
    )
    assume(problem.fits(other) and (shape.rows > 1 or shape.columns == 1))
    most = largest(problem.map_tiles(other), lambda n: problem.fits(replace(other, tiles=n)))
    other = replace(other, tiles=even(problem.map_tiles(other), most))
    assume(not (other.resident and other.tiles == problem.map_tiles(other)))
    assert best <= cost_of(problem, other)


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
        plan = lookup_plan(shape, pq, target)
        assert_lookup_fits(shape, pq, target, plan)
        assert name != "tiny" or len(plan.tiles) * len(plan.output_blocks) * len(plan.subspace_blocks) > 1
    stem = LayerShape(3, 32, 32, Window((3, 3), pads=(1, 1, 1, 1)), 32, 32, 16, 1, 1)
    classifier = LayerShape(64, 1, 1, Window((1, 1)), 1, 1, 10, 1, 2)
    for shape in (stem, classifier):
        convolution = convolution_plan(shape, 1, target)
        assert_convolution_fits(shape, 1, target, convolution)
        cuts = len(convolution.tiles) * sum(len(block.channel_blocks) for block in convolution.output_blocks)
        assert name != "tiny" or cuts > 1
    pool = pool_plan(LayerShape(64, 8, 8, Window((8, 8)), 1, 1, 64, 1, 1), target)
    assert name != "tiny" or len(pool.tiles) * len(pool.channel_blocks) > 1


def test_the_paper_accelerator_streams_tables_once() -> None:
    for layer in RESNET20:
        shape = replace(resnet20_layer(*layer), source_bytes=0, destination_bytes=0, residual_bytes=0)
        pq = PqShape(shape.channels, 16, 9, 8, 16)
        plan = lookup_plan(shape, pq, PQA)
        assert plan.nest.tiles >= len(plan.tiles) > 2
        # encoding again for another block of outputs hides behind the lookup
        cut = lookup_problem(shape, pq, PQA, 1 << 20, 1).cut(plan.nest.outputs, plan.nest.inputs)
        assert cut.column_cycles == -(-pq.subspaces // 16) * -(-shape.outputs // 32)


def test_codes_are_kept_where_encoding_again_would_cost_more() -> None:
    target = load_target("pqa", ["buffers.accumulator=2", "encode.prototype_lanes=1"])
    shape = replace(resnet20_layer(16, 64, 8, 1), source_bytes=0, destination_bytes=0, residual_bytes=0)
    plan = lookup_plan(shape, PqShape(16, 64, 9, 8, 8), load_target("pqa", ["buffers.table=8"]))
    assert len(plan.output_blocks) > 1
    assert plan.nest.keep_codes
    assert target.encode.prototype_lanes == 1


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
            "the table buffer has 96 bytes, but the smallest tile needs 144: "
            "allowed is buffers.table of at least 0.140625 KiB",
        ),
    ],
)
def test_buffers_too_small_for_the_smallest_tile(setting: str, prototypes: int, kernel: int, message: str) -> None:
    shape = replace(resnet20_layer(16, 16, 32, 1), window=Window((kernel, kernel), pads=(1, 1, kernel - 2, kernel - 2)))
    with pytest.raises(DoesNotFitError) as caught:
        lookup_plan(shape, PqShape(-(-16 * kernel * kernel // 9), prototypes, 9, 8, 16), load_target("pqa", [setting]))
    assert str(caught.value) == message


def test_refusals() -> None:
    shape = resnet20_layer(16, 16, 32, 1)
    with pytest.raises(ModelError, match="no conventional unit"):
        convolution_plan(shape, 1, load_target("pqa", ["conventional.input_lanes=0"]))
    with pytest.raises(ModelError, match=r"kernel = \[300, 1\], allowed are at most 255"):
        convolution_plan(replace(shape, window=Window((300, 1))), 1, PQA)
    with pytest.raises(ModelError, match=r"strides = \[256, 1\], allowed are at most 255"):
        pool_plan(replace(shape, window=Window((1, 1), (256, 1)), rows=1), PQA)
    with pytest.raises(ModelError, match="lie wholly in the padding behind a map of 32"):
        map_tiles(replace(shape, window=Window((1, 1), pads=(0, 0, 5, 0)), rows=37), 8, 8)
    with pytest.raises(ModelError, match="which no instruction holds"):
        pool_plan(LayerShape(1, 1, 70_000, Window((1, 65_536)), 1, 1, 1, 1, 1), PQA)
    with pytest.raises(DoesNotFitError, match="the activation buffer has 1024 bytes"):
        plan_move(1, 1, 10, [5000], 1024)


def test_given_nests_are_checked() -> None:
    shape, room = resnet20_layer(16, 16, 32, 1), PQA.buffer_bytes(Memory.ACTIVATION)
    pq = PqShape(16, 16, 9, 8, 16)
    check_lookup(Nest(16, 16, 8, 32, 4), shape, pq, PQA, room, 1)
    with pytest.raises(ModelError, match="schedule: outputs = 17, allowed are 1 to 16"):
        check_lookup(Nest(17, 16, 8, 32, 4), shape, pq, PQA, room, 1)
    with pytest.raises(DoesNotFitError, match="the accumulator buffer has 65536 bytes, but the schedule needs 81920"):
        check_lookup(Nest(16, 16, 8, 32, 10), shape, pq, PQA, room, 3)
    with pytest.raises(ModelError, match="channel grouping keeps the codes of a map"):
        check_lookup(Nest(16, 18, 8, 32, 4), shape, PqShape(18, 16, 8, 8, 16, 2), PQA, room, 1)
    check_convolution(Nest(16, 16, 8, 32, 1), shape, 1, 8, PQA, room, 1)
    check_convolution(Nest(8, 8, 8, 32, 1), shape, 16, 8, PQA, room, 1)
    with pytest.raises(ModelError, match="a conventional layer has no codes"):
        check_convolution(Nest(16, 16, 8, 32, 1, keep_codes=True), shape, 1, 8, PQA, room, 1)
    with pytest.raises(ModelError, match="schedule: rows = 40, allowed are 1 to 32"):
        check_convolution(Nest(16, 16, 40, 32, 1), shape, 1, 8, PQA, room, 1)
