"""The checker looks at two executions; a closure of everything that is ordered in four of them agrees with it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.access_programs import settled_programs
from support.closure import Order, conflicts
from support.programs import program_of, target, tensor
from support.tokens import tokens_of, with_tokens, without

from pqc.errors import ProgramError
from pqc.interpreter.hazards import check_program
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import Load, Store
from pqc.isa.program import Program

EXECUTIONS = 4
CONSTANTS = 32
"""Bytes of constants, more than the instructions reach."""


def behind_the_constants(instruction: Instruction) -> Instruction:
    """What is not for codebooks and tables comes from behind the constants."""
    if isinstance(instruction, Store) or (isinstance(instruction, Load) and instruction.buffer is Memory.ACTIVATION):
        return replace(instruction, dram=instruction.dram + CONSTANTS)
    return instruction


def complete(instructions: list[Instruction]) -> Program:
    """With constants, inputs wherever something may be read, and all tokens."""
    size = 2 * CONSTANTS
    moved = [behind_the_constants(instruction) for instruction in instructions]
    inputs = [tensor("x", (CONSTANTS,), CONSTANTS)]
    return with_tokens(program_of(moved, constants=bytes(CONSTANTS), dram_bytes=size, inputs=inputs))


def refusal(program: Program) -> str:
    try:
        check_program(program, target())
    except ProgramError as error:
        return str(error)
    return ""


def is_ordered(program: Program) -> bool:
    """Whether every conflict of the executions is ordered."""
    size = len(program.instructions)
    waits = [
        ((execution - token.distance) * size + token.source, execution * size + token.destination)
        for execution in range(EXECUTIONS)
        for token in tokens_of(program)
        if execution >= token.distance
    ]
    order = Order.of(list(program.instructions) * EXECUTIONS, waits)
    return all(order.is_done(first, second) for first, second in conflicts(program.instructions, EXECUTIONS))


@settings(deadline=None)
@given(settled_programs, st.data())
def test_two_executions_tell_of_any_number(instructions: list[Instruction], data: st.DataObject) -> None:
    program = complete(instructions)
    # other reasons to refuse: results that overlap what they are computed from, a lookup that waits for its encode
    assume("overlap" not in refusal(program) and "deadlock" not in refusal(program))
    assert refusal(program) == ""
    assert is_ordered(program)
    for _ in range(data.draw(st.integers(1, 3))):
        if tokens := tokens_of(program):
            program = without(program, data.draw(st.sampled_from(tokens)))
            assert not is_ordered(program)
            assert "orders the two" in refusal(program)
