"""The code FIFO against a walk column by column."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from support.instructions import smallest
from support.programs import PqLayer, mask, target
from support.tiles import row

from pqc.interpreter.code_fifo import FIFO_DEPTH
from pqc.interpreter.durations import encode_groups, encode_work, lookup_work
from pqc.interpreter.timing import Timing, simulate
from pqc.isa.fields import Instruction, Unit
from pqc.isa.instructions import Encode, Fill, Lookup
from pqc.planning.target import Target

RNG = np.random.default_rng(0)


class Pair(NamedTuple):
    """An encode that may start ``delays[0]`` cycles after the pair before it may, its lookup as much later again."""

    encode: Encode
    lookup: Lookup
    delays: tuple[int, int] = (0, 0)


@dataclass
class Spans:
    encode: tuple[int, int]
    lookup: tuple[int, int]


def pair(shape: tuple[int, int, int, int], delays: tuple[int, int] = (0, 0)) -> Pair:
    """Channels, outputs, size, prototypes of a layer."""
    layer = PqLayer.random(RNG, *shape)
    return Pair(layer.encode(0, 0), layer.lookup(0, 0, 0), delays)


def column_by_column(pairs: list[Pair], on: Target, depth: int) -> list[Spans]:
    """Each pair, one column after the other; entries are what ``depth`` counts."""
    taken: list[int] = []
    encode_free = lookup_free = sent = ready = 0
    result: list[Spans] = []
    for encode, lookup, delays in pairs:
        entries, work, looking = encode_groups(encode, on), encode_work(encode, on), lookup_work(lookup, on)
        encode_start = encode_free = max(encode_free, ready + delays[0])
        ready += sum(delays)
        lookup_free = max(lookup_free, ready)
        lookup_start: int | None = None
        for _ in range(work.columns):
            gone = min(sent + entries - depth, sent)
            encode_free = max(encode_free, taken[gone - 1] if gone > 0 else 0) + work.cycles
            begin = max(lookup_free, encode_free)
            lookup_start = begin if lookup_start is None else lookup_start
            lookup_free = begin + looking.cycles
            taken += [begin] * entries
            sent += entries
        assert lookup_start is not None
        result.append(Spans((encode_start, encode_free), (lookup_start, lookup_free)))
    return result


def delayed(pairs: list[Pair]) -> list[Instruction]:
    """The pairs, each instruction with a token from the vector unit, which keeps it waiting for so long."""
    found: list[Instruction] = []
    for encode, lookup, delays in pairs:
        for instruction, delay in zip((encode, lookup), delays, strict=True):
            found.append(smallest(Fill, **row(delay), signal=mask(instruction.unit)))
        found += [replace(encode, wait=mask(Unit.VECTOR)), replace(lookup, wait=mask(Unit.VECTOR))]
    return found


def spans(timing: Timing) -> list[Spans]:
    entries = timing.instructions
    of = {unit: [(x.start, x.end) for x in entries if x.unit is unit] for unit in (Unit.ENCODE, Unit.LOOKUP)}
    return [Spans(*both) for both in zip(of[Unit.ENCODE], of[Unit.LOOKUP], strict=True)]


pairs_of_layers = st.lists(
    st.builds(
        pair,
        st.tuples(st.integers(1, 70), st.integers(1, 80), st.integers(1, 12), st.sampled_from([1, 16, 40])),
        st.tuples(st.integers(0, 400), st.integers(0, 400)),
    ),
    max_size=5,
)


@given(
    pairs_of_layers,
    st.sampled_from([(1, 32), (16, 32), (16, 1), (3, 7)]),
    st.sampled_from([1, 2, 3, 7, 16, 50, FIFO_DEPTH]),
)
def test_the_fifo_equals_a_walk_column_by_column(pairs: list[Pair], lanes: tuple[int, int], depth: int) -> None:
    on = target(encode={"subspace_lanes": lanes[0]}, lookup={"output_lanes": lanes[1]}, vector={"lanes": 1})
    timing = simulate(delayed(pairs), on, fifo_depth=depth)
    assert spans(timing) == column_by_column(pairs, on, depth)


def test_a_column_may_fill_the_whole_fifo() -> None:
    on = target(encode={"subspace_lanes": 1})
    made = pair((4, 4, 4, 16))
    wide = Pair(replace(made.encode, subspaces=FIFO_DEPTH + 9), replace(made.lookup, subspaces=FIFO_DEPTH + 9))
    assert spans(simulate(wide[:2], on)) == column_by_column([wide], on, FIFO_DEPTH)


@given(pairs_of_layers, st.integers(1, 20), st.integers(1, 20))
def test_a_deeper_fifo_never_hurts(pairs: list[Pair], depth: int, more: int) -> None:
    on = target(vector={"lanes": 1})
    instructions = delayed(pairs)
    shallow, deep = (simulate(instructions, on, fifo_depth=entries) for entries in (depth, depth + more))
    assert (deep.end <= shallow.end).all()
