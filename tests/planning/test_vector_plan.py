"""Plans of pooling and of moves: every element once, in blocks that fit."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st
from support.plans import activation_bytes, assert_partition, assert_tiles, pool_plan, shapes, small_targets

from pqc.isa.fields import Memory
from pqc.numerics.packing import packed_bytes
from pqc.planning.target import Target
from pqc.planning.tiling import (
    LayerShape,
    aligned,
    plan_move,
)
from pqc.planning.vector_plan import most_index_bits


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


@given(st.integers(2, 16), st.integers(2, 1 << 20))
def test_the_largest_table_just_fits(entry_bits: int, room: int) -> None:
    bits = most_index_bits(entry_bits, room)
    assert packed_bytes(1 << bits, entry_bits) <= room < packed_bytes(2 << bits, entry_bits)
