"""The cost of one more execution."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.instructions import smallest
from support.programs import load, mask, target
from support.streams import WIDE, Stream, streams
from support.tiles import row

from pqc.interpreter import steady_state as module
from pqc.interpreter.steady_state import SteadyState, repeating_period, steady_state
from pqc.interpreter.timing import simulate
from pqc.isa.fields import Instruction, Memory, Unit
from pqc.isa.instructions import Convolve, Fill

PQA = target(vector={"lanes": 1})


def steady(instructions: list[Instruction], *credits: tuple[Unit, Unit, int]) -> SteadyState:
    return steady_state(instructions, PQA, credits=credits)


def work(unit: Unit, cycles: int, wait: Unit, signal: Unit) -> Instruction:
    """So many cycles on the load, the vector or the conventional unit."""
    tokens = {"wait": mask(wait), "signal": mask(signal)}
    if unit is Unit.LOAD:
        return load(0, Memory.ACTIVATION, 0, PQA.bits_per_cycle // 8 * cycles, **tokens)
    if unit is Unit.VECTOR:
        return smallest(Fill, **row(cycles), **tokens)
    one = smallest(Convolve, channels=1, outputs=1, groups=1, kernel_height=1, kernel_width=1, output_rows=1, **tokens)
    return replace(one, output_columns=cycles)


def loop(*cycles: int) -> list[Instruction]:
    """Three units that each wait for the one before, in a ring."""
    load_cycles, sums, elements = cycles
    return [
        work(Unit.LOAD, load_cycles, Unit.VECTOR, Unit.CONVENTIONAL),
        work(Unit.CONVENTIONAL, sums, Unit.LOAD, Unit.VECTOR),
        work(Unit.VECTOR, elements, Unit.CONVENTIONAL, Unit.LOAD),
    ]


@pytest.mark.parametrize(
    ("cycles", "credits", "expected"),
    [
        ((3, 4, 5), 1, Fraction(12)),
        ((3, 3, 3), 2, Fraction(9, 2)),
        ((3, 4, 5), 2, Fraction(6)),
        ((2, 9, 3), 2, Fraction(9)),
        ((3, 4, 5), 3, Fraction(5)),
        ((1, 2, 1), 9, Fraction(2)),
    ],
)
def test_a_ring_costs_its_length_over_its_tokens_or_its_slowest_unit(
    cycles: tuple[int, int, int], credits: int, expected: Fraction
) -> None:
    found = steady(loop(*cycles), (Unit.VECTOR, Unit.LOAD, credits))
    assert found.settled
    assert found.cycles == expected
    assert found.end - found.begin == expected * found.executions


def test_without_credits_executions_overlap_as_far_as_units_go() -> None:
    ring = loop(3, 4, 5)
    chain = [replace(ring[0], wait=0), ring[1], replace(ring[2], signal=0)]
    assert steady(chain).cycles == 5


@pytest.mark.parametrize(
    ("completions", "period"),
    [
        ([], None),
        ([9], None),
        ([9, 10, 11], None),
        ([9, 10, 11, 12], 1),
        ([0, 5, 10, 15], 1),
        ([0, 9, 10, 15, 20, 25], 1),
        ([0, 1, 10, 11, 20], 2),
        ([0, 1, 10, 11, 21], None),
        ([0, 50, 51, 53, 54, 55, 57, 58], 3),
    ],
)
def test_period(completions: list[int], period: int | None) -> None:
    assert repeating_period(completions) == period


@settings(max_examples=40)
@given(streams(), st.booleans())
def test_one_more_execution_costs_at_least_the_busiest_resource(stream: Stream, free: bool) -> None:
    idle = frozenset(k for k, x in enumerate(stream.instructions) if x.unit is Unit.STORE) if free else frozenset[int]()
    found = steady_state(stream.instructions, WIDE, credits=stream.credits, free=idle)
    busy = max(*found.timing.busy.values(), found.timing.channel_cycles) // found.timing.executions
    once = simulate(stream.instructions, WIDE, credits=stream.credits, free=idle)
    assert found.settled
    assert busy <= found.cycles
    # A load of the next execution may take the channel from a store of this one.
    assert not free or found.cycles <= once.cycles
    assert len(found.entries) == found.executions * len(stream.instructions)


@settings(max_examples=20)
@given(streams())
def test_more_executions_do_not_change_the_figure(stream: Stream) -> None:
    few = steady_state(stream.instructions, WIDE, credits=stream.credits)
    with mock.patch.object(module, "FIRST_TRY", 40):
        many = steady_state(stream.instructions, WIDE, credits=stream.credits)
    assert (many.settled, many.cycles) == (few.settled, few.cycles)


def test_what_does_not_settle_is_a_mean_and_says_so() -> None:
    with mock.patch.object(module, "MOST_EXECUTIONS", 3):
        found = steady(loop(3, 3, 3), (Unit.VECTOR, Unit.LOAD, 2))
    assert not found.settled
    completions = found.timing.completions
    assert found.cycles == Fraction(completions[2] - completions[1], 1)
