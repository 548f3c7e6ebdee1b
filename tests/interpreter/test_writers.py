"""Orders that a missing token allows, and the read that notices, whatever the values are."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from support.access_programs import fill, rescale
from support.programs import load, program_of, store, target, tensor

from pqc.errors import ProgramError
from pqc.interpreter.writers import WriterCheck
from pqc.isa.fields import Instruction, Memory
from pqc.isa.program import Program


def program(instructions: Sequence[Instruction]) -> Program:
    """Input at 16 and output at 40, behind constants of 16 bytes."""
    x, y = tensor("x", (8,), 16), tensor("y", (8,), 40)
    return program_of(instructions, constants=bytes(16), dram_bytes=64, inputs=[x], outputs=[y])


COPY = program([load(16, Memory.ACTIVATION, 0, 8), rescale(0, 8, 8), store(40, 8, 8)])


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (
            [1, 0, 2],
            'instruction 1 (rescale, node "node1") reads: activation byte 0 is of nobody in the order given, '
            'of instruction 0 (load, node "node0") in program order',
        ),
        (
            [0, 3, 1, 2, 4, 5],
            'instruction 1 (rescale, node "node1") reads: activation byte 0 is of instruction 0 (load, node "node0") '
            'of execution 1 in the order given, of instruction 0 (load, node "node0") in program order',
        ),
        (
            [0, 1, 2, 4, 3, 5],
            'instruction 1 (rescale, node "node1") of execution 1 reads: activation byte 0 is of instruction 0 '
            '(load, node "node0") in the order given, of instruction 0 (load, node "node0") of execution 1 in program',
        ),
    ],
)
def test_reads_of_another_writer(order: list[int], message: str) -> None:
    with pytest.raises(ProgramError, match=f"^{re.escape(message)}"):
        WriterCheck(COPY, target(), range(3)).check(order, len(order) // 3)


def test_what_no_step_notices_the_output_does() -> None:
    twice = program([fill(0, 8), store(40, 0, 8), load(16, Memory.ACTIVATION, 8, 8), store(40, 8, 8)])
    message = r'^output "y": dram byte 40 is of instruction 1 \(store, .* given, of instruction 3 \(store, .* order$'
    with pytest.raises(ProgramError, match=message):
        WriterCheck(twice, target(), range(4)).check([2, 3, 0, 1], 1)
    empty = program([fill(0, 8)])
    WriterCheck(empty, target(), [0]).check([0, 1], 2)


def test_each_execution_has_its_own_dram() -> None:
    through = program([fill(0, 8), store(24, 0, 8), load(24, Memory.ACTIVATION, 8, 8), store(40, 8, 8)])
    check = WriterCheck(through, target(), range(4))
    check.check([0, 1, 4, 5, 2, 3, 6, 7], 2)
    with pytest.raises(ProgramError, match=r"instruction 2 \(load, .* of execution 1 reads: dram byte 24 is of nobody"):
        check.check([0, 1, 2, 3, 4, 6, 5, 7], 2)


def test_in_place_an_instruction_reads_before_it_writes() -> None:
    WriterCheck(program([load(16, Memory.ACTIVATION, 0, 8), rescale(0, 0, 8)]), target(), range(2)).check(range(4), 2)


def test_equal_data_hides_nothing() -> None:
    """A constant is loaded again over itself, too early for who still reads it: all values are right."""
    again = program([load(0, Memory.ACTIVATION, 0, 8), store(40, 0, 8)])
    with pytest.raises(ProgramError, match=r"instruction 1 \(store, .*is of instruction 0 \(load, .* of execution 1"):
        WriterCheck(again, target(), range(2)).check([0, 2, 1, 3], 2)
