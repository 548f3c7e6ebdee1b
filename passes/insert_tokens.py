"""Make every dependency between units a token.

    pqa.lookup table = %t, ...  ->  %t2 = pqa.lookup table = %t, ... after (%t0)

Units execute their own operations in order. An operation must wait for one on another unit where both touch the same
byte of a memory and one of them writes: for each other unit, for the last such operation alone, and only if nothing
it waits for already implies it.

The program is executed again and again, and the on-chip memories stay. What an operation must wait for in the
execution before is an argument of the program's body, and `pqa.repeat` hands it over:

    pqa.program ... {            ->  pqa.program ... {
                                     ^bb0(%previous : !pqa.token):
      %t0 = pqa.load ...               %t0 = pqa.load ... after (%previous)
      %t1 = pqa.store ...              %t1 = pqa.store ... after (%t0)
    }                                  pqa.repeat %t1 : !pqa.token
                                     }
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from pqc.dialects.location import hint
from pqc.dialects.pqa import UnitOp
from pqc.dialects.pqa_memory import ProgramOp, RegionOp, RepeatOp
from pqc.dialects.pqa_types import TokenType
from pqc.errors import ModelError
from pqc.isa.dependencies import Wait, stream_waits
from pqc.isa.fields import Instruction
from pqc.passes.attributes import program_of


def placed_instruction(op: UnitOp, wait: int = 0, signal: int = 0) -> Instruction:
    """The instruction of ``op`` with the addresses that memory allocation gave its regions.

    Raises:
        ModelError: a region has no address.
    """
    addresses: dict[str, int] = {}
    for name, value in op.region_of.items():
        owner = value.owner
        if not isinstance(owner, RegionOp) or owner.start is None:
            raise ModelError(f"{op.name}: the region of {name!r} has no address; run allocate-memory first")
        addresses[name] = owner.start
    return op.instruction(addresses, wait, signal)


def forget_tokens(program: ProgramOp) -> None:
    """Take away all tokens that operations wait for."""
    block = program.body.block
    for op in list(block.ops):
        if isinstance(op, UnitOp):
            op.wait_for([])
        if isinstance(op, RepeatOp):
            op.detach()
            op.erase()
    for argument in list(block.args):
        block.erase_arg(argument)


def repeat_tokens(program: ProgramOp, units: Sequence[UnitOp], sources: Sequence[int]) -> dict[int, SSAValue]:
    """Hand the tokens of some operations to the next execution; by operation, the one of the execution before."""
    block = program.body.block
    arguments: dict[int, SSAValue] = {}
    for source in sources:
        arguments[source] = block.insert_arg(TokenType(), len(block.args))
        hint(arguments[source], f"previous.{units[source].unit.name.lower()}")
    if sources:
        block.add_op(RepeatOp([units[source].token for source in sources]))
    return arguments


@dataclass(frozen=True)
class InsertTokensPass(ModulePass):
    """Make every dependency between units a token."""

    name = "insert-tokens"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Set what each operation waits for."""
        program = program_of(op)
        forget_tokens(program)
        units = [unit for unit in program.body.block.ops if isinstance(unit, UnitOp)]
        instructions = [placed_instruction(unit) for unit in units]
        waits = stream_waits(instructions, program.accumulator_bits.value.data)
        sources = sorted({wait.source for found in waits for wait in found if wait.distance})
        before = repeat_tokens(program, units, sources)

        def token(wait: Wait) -> SSAValue:
            return before[wait.source] if wait.distance else units[wait.source].token

        for unit, found in zip(units, waits, strict=True):
            unit.wait_for([token(wait) for wait in found])
