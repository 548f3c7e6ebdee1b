"""Plans, against the definition of a window in numerics: what a tile holds is what its outputs see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.plans import (
    RESNET20,
    assert_convolution_fits,
    assert_lookup_fits,
    assert_partition,
    assert_tiles,
    convolution_plan,
    lookup_plan,
    pool_plan,
    resnet20_layer,
    shapes,
    small_targets,
)

from pqc.errors import ModelError
from pqc.isa.fields import Memory
from pqc.numerics.window import Window
from pqc.planning.target import Target, list_targets, load_target
from pqc.planning.tiling import (
    DoesNotFitError,
    LayerShape,
    Nest,
    PqShape,
    check_convolution,
    check_lookup,
    map_tiles,
    plan_move,
)

PQA = load_target("pqa")
TINY = load_target("tiny")


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
