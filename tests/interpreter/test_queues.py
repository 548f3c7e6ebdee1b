from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.instructions import smallest
from support.programs import PqLayer, load, mask, pq_program, store
from support.tiles import row

from pqc.errors import ProgramError
from pqc.interpreter.queues import UNITS, check_order, clocks, members, program_order
from pqc.isa.fields import Memory, Unit
from pqc.isa.instructions import Fill

PROGRAM = pq_program([PqLayer.random(np.random.default_rng(0), 2, 4, 4)])
COUNT = len(PROGRAM.instructions)


def test_members() -> None:
    assert members(0b101001) == (Unit.LOAD, Unit.LOOKUP, Unit.CONVENTIONAL)


def test_an_order_that_is_not_program_order_is_found() -> None:
    late = [
        replace(store(0, 0, 1), wait=mask(Unit.VECTOR)),
        replace(smallest(Fill, **row(1)), signal=mask(Unit.STORE)),
    ]
    assert program_order(late, ["a", "b"]) == [1, 0]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (list(range(COUNT - 1)), f"does not name each of the {COUNT} instructions once"),
        ([0] * COUNT, "does not name each"),
        ([1, 0, *range(2, COUNT)], r"instruction 1 \(load\) stands before an earlier one of its unit"),
        ([COUNT - 1, *range(COUNT - 1)], r"instruction 8 \(store\) still waits for a token from vector"),
        ([6, *range(6), 7, 8], r"instruction 6 \(lookup\) still waits for codes"),
    ],
)
def test_orders_that_are_not_legal(order: list[int], message: str) -> None:
    check_order(PROGRAM.instructions, range(COUNT), PROGRAM.credits)
    with pytest.raises(ProgramError, match=message):
        check_order(PROGRAM.instructions, order, PROGRAM.credits)


def test_clocks_count_what_is_done() -> None:
    instructions = [
        load(0, Memory.ACTIVATION, 0, 1),
        load(0, Memory.ACTIVATION, 0, 1, signal=mask(Unit.VECTOR)),
        load(0, Memory.ACTIVATION, 0, 1),
        replace(smallest(Fill, **row(1)), wait=mask(Unit.LOAD), signal=mask(Unit.STORE)),
        store(0, 0, 1, wait=mask(Unit.VECTOR)),
    ]
    found = clocks(instructions, range(5))
    loads, vectors = UNITS.index(Unit.LOAD), UNITS.index(Unit.VECTOR)
    assert found.start[:, loads].tolist() == [0, 1, 2, 2, 2]
    assert found.start[:, vectors].tolist() == [0, 0, 0, 0, 1]
    assert found.position.tolist() == [1, 2, 3, 1, 1]
