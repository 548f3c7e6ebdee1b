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


COPY = [
    load(0, Memory.ACTIVATION, 0, 1, wait=mask(Unit.STORE), signal=mask(Unit.STORE)),
    store(8, 0, 1, wait=mask(Unit.LOAD), signal=mask(Unit.LOAD)),
]
START = ((Unit.STORE, Unit.LOAD, 1),)


def test_tokens_at_the_start_let_the_first_execution_begin() -> None:
    assert program_order(COPY, ["a", "b"], START) == [0, 1]
    with pytest.raises(ProgramError, match=r"^deadlock: "):
        program_order(COPY, ["a", "b"])


def test_orders_of_several_executions() -> None:
    assert check_order(COPY, [0, 1, 2, 3], START) == 2
    with pytest.raises(
        ProgramError, match=r"^instruction 0 \(load\) of execution 1 still waits for a token from store"
    ):
        check_order(COPY, [0, 2, 1, 3], START)
    two = ((Unit.STORE, Unit.LOAD, 2),)
    assert check_order(COPY, [0, 2, 1, 3], two) == 2
    with pytest.raises(ProgramError, match="2 instructions once"):
        check_order(COPY, [0, 1, 2], START)


def test_clocks_know_what_the_execution_before_has_done() -> None:
    found = clocks(COPY, range(6), START)
    loads, stores = UNITS.index(Unit.LOAD), UNITS.index(Unit.STORE)
    assert found.start[:, loads].tolist() == [0, 1, 1, 2, 2, 3]
    assert found.start[:, stores].tolist() == [0, 0, 1, 1, 2, 2]
    assert found.position.tolist() == [1, 1, 2, 2, 3, 3]


def test_a_credit_stands_for_nothing_that_was_done() -> None:
    """With two of them the load does not wait for the store in front of it, but for the one before that."""
    found = clocks(COPY, range(6), ((Unit.STORE, Unit.LOAD, 2),))
    assert found.start[:, UNITS.index(Unit.STORE)].tolist() == [0, 0, 0, 1, 1, 2]
