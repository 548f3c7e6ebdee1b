"""Executions one after the other and into each other: batches, orders that interleave them, tokens that are missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from support.programs import PqLayer, load, pq_program, program_of, store, tensor
from support.tokens import Token, tokens_of, with_tokens, without

from pqc.errors import ProgramError
from pqc.interpreter import machine as machine_module
from pqc.interpreter.machine import Machine
from pqc.interpreter.writers import WriterCheck
from pqc.isa.fields import Memory
from pqc.numerics.arrays import IntArray

RNG = np.random.default_rng(1)


def layer(channels: int, outputs: int) -> PqLayer:
    """A layer whose results seldom saturate."""
    made = PqLayer.random(RNG, channels, outputs, 4)
    return replace(made, bias=made.bias + 300, shift=RNG.integers(16, 18, outputs))


LAYERS = [layer(3, 5), layer(5, 4), layer(4, 2)]
PROGRAM = with_tokens(pq_program(LAYERS))
EXECUTIONS = 3
ORDERS = 10


def images(frames: int) -> IntArray:
    return np.random.default_rng(7).integers(0, 256, (frames, 3, 4, 4)).astype(np.uint8)


@pytest.mark.parametrize("frames", [1, 2, 3, 7])
def test_a_batch_that_is_not_full(frames: int) -> None:
    """Two frames of four bytes each: the program swaps their halves."""
    program = with_tokens(
        program_of(
            [
                load(0, Memory.ACTIVATION, 0, 8),
                *(store(8 + 2 * half, 2 * (half ^ 1), 2) for half in range(4)),
            ],
            dram_bytes=16,
            inputs=[tensor("x", (4,), 0)],
            outputs=[tensor("y", (2, 2), 8)],
            batch=2,
        )
    )
    x = np.random.default_rng(frames).integers(0, 256, (frames, 4)).astype(np.uint8)
    machine = Machine(program)
    for order in (None, list(range(10)), machine.random_order(np.random.default_rng(0))):
        y = machine.run({"x": x}, order)["y"]
        np.testing.assert_array_equal(y, x.reshape(frames, 2, 2)[:, ::-1])


@pytest.mark.parametrize("frames", [1, 5, 40])
def test_executions_that_interleave_give_the_results_of_program_order(frames: int) -> None:
    machine = Machine(PROGRAM)
    expected = machine.run({"x": images(frames)})["y"]
    assert np.unique(expected).size > 10
    size = len(PROGRAM.instructions)
    early = 0
    for seed in range(ORDERS):
        order = machine.random_order(np.random.default_rng(seed))
        assert len(order) == EXECUTIONS * size
        early += any(step >= size for step in order[:size])
        np.testing.assert_array_equal(machine.run({"x": images(frames)}, order)["y"], expected)
    assert early >= ORDERS // 3


def test_an_order_of_several_executions_is_checked() -> None:
    machine = Machine(PROGRAM)
    size = len(PROGRAM.instructions)
    stream = [*machine.order, *(size + index for index in machine.order)]
    with pytest.raises(ProgramError, match=f"does not name each of the {2 * size} instructions of 2 executions once"):
        machine.run({"x": images(1)}, [*stream[:-1], 0])
    stream[size:] = stream[: size - 1 : -1]
    with pytest.raises(ProgramError, match=r"instruction \d+ \(store\) of execution 1 stands before an earlier one"):
        machine.run({"x": images(1)}, stream)


TOKENS = tokens_of(PROGRAM)


def test_there_are_tokens_of_both_kinds() -> None:
    assert sum(token.distance for token in TOKENS) >= 3
    assert sum(not token.distance for token in TOKENS) >= 10


@pytest.mark.parametrize("token", TOKENS, ids=str)
def test_a_program_without_one_of_its_tokens_is_refused(token: Token) -> None:
    with pytest.raises(ProgramError, match=r"no token from \w+ to \w+ orders the two"):
        Machine(without(PROGRAM, token))


@pytest.mark.parametrize("token", TOKENS, ids=str)
def test_random_orders_show_that_a_token_is_missing(token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the static check: reads of another writer, and without that check, too, other values."""
    x = images(6)
    expected = Machine(PROGRAM).run({"x": x})["y"]

    def unchecked(*_: object) -> list[int]:
        return list(range(len(PROGRAM.instructions)))

    monkeypatch.setattr(machine_module, "check_program", unchecked)
    machine = Machine(without(PROGRAM, token))
    orders = [machine.random_order(np.random.default_rng(seed)) for seed in range(ORDERS)]
    assert any(refused(machine, x, order) for order in orders)
    monkeypatch.setattr(WriterCheck, "check", unchecked)
    assert any((machine.run({"x": x}, order)["y"] != expected).any() for order in orders)


def refused(machine: Machine, x: IntArray, order: Sequence[int]) -> bool:
    try:
        machine.run({"x": x}, order)
    except ProgramError as error:
        return "in the order given" in str(error)
    return False
