"""What the search finds: nothing that fits costs less, and what that means for known layers."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.plans import RESNET20, lookup_plan, resnet20_layer, shapes, small_targets

from pqc.isa.fields import Memory
from pqc.planning.cost import cost_of
from pqc.planning.cut import Choice, block_sizes, even, largest, piece_sizes
from pqc.planning.lookup_plan import lookup_problem
from pqc.planning.search import solve
from pqc.planning.target import Target, load_target
from pqc.planning.tiling import (
    LayerShape,
    PqShape,
)

PQA = load_target("pqa")


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
    shape = replace(resnet20_layer(16, 64, 8, 1), source_bytes=0, destination_bytes=0, residual_bytes=0)
    plan = lookup_plan(shape, PqShape(16, 64, 9, 8, 8), load_target("pqa", ["buffers.table=8"]))
    assert len(plan.output_blocks) > 1
    assert plan.nest.keep_codes
