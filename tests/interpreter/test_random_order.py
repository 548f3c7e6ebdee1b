"""Random orders: legal, different, and far enough from program order to show what is not ordered."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from support.access_programs import fill, settled_programs
from support.programs import load, program_of, target
from support.tokens import tokens_of, with_tokens

from pqc.interpreter.queues import Queues, check_order
from pqc.interpreter.random_order import random_order
from pqc.interpreter.writers import WriterCheck
from pqc.isa.fields import Instruction, Memory
from pqc.isa.program import Program


def scheduled(instructions: list[Instruction]) -> Program:
    return with_tokens(program_of(instructions, dram_bytes=64))


@settings(deadline=None)
@given(settled_programs, st.integers(1, 4), st.integers(0, 99))
def test_every_order_of_a_program_with_its_tokens_reads_what_program_order_reads(
    instructions: list[Instruction], executions: int, seed: int
) -> None:
    program = scheduled(instructions)
    size = len(instructions)
    order = random_order(Queues(program.instructions, program.credits, executions), np.random.default_rng(seed))
    if size:
        assert check_order(program.instructions, order, program.credits) == executions
    WriterCheck(program, target(), range(size)).check(order, executions)


def test_orders_differ_and_reach_into_the_next_execution() -> None:
    """Two units that share nothing: each may be an execution ahead of the other."""
    loads = [load(0, Memory.ACTIVATION, address, 8) for address in (0, 8)]
    program = scheduled([*loads, fill(16, 8), fill(24, 8)])
    assert not tokens_of(program)
    orders = {
        tuple(random_order(Queues(program.instructions, program.credits, 2), np.random.default_rng(seed)))
        for seed in range(20)
    }
    assert len(orders) > 5
    assert any(order.index(6) < order.index(0) for order in orders)
    assert any(order.index(4) < order.index(2) for order in orders)


def test_no_steps_have_one_order() -> None:
    assert random_order(Queues([]), np.random.default_rng(0)) == []
