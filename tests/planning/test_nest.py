"""The order of a nest: every step once, blocks of inputs in order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from support.plans import shapes

from pqc.planning.tiles import spans
from pqc.planning.tiling import (
    LayerShape,
    MapTile,
    Nest,
    Span,
    map_tiles,
    walk,
)


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
