"""Make every dependency between units a token.

    pqa.lookup table = %t, ...  ->  %t2 = pqa.lookup table = %t, ... after (%t0)

Units execute their own operations in order. An operation must wait for one on another unit where both touch the same
byte of a memory and one of them writes: for each other unit, for the last such operation alone, and only if nothing
it waits for already implies it.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from pqc.dialects.pqa import UnitOp
from pqc.dialects.pqa_memory import RegionOp
from pqc.errors import ModelError
from pqc.isa.dependencies import Dependencies
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


@dataclass(frozen=True)
class InsertTokensPass(ModulePass):
    """Make every dependency between units a token."""

    name = "insert-tokens"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Set what each operation waits for."""
        program = program_of(op)
        found = Dependencies(program.accumulator_bits.value.data)
        units: list[UnitOp] = []
        for unit in program.body.block.ops:
            if isinstance(unit, UnitOp):
                waits = found.add(placed_instruction(unit))
                unit.wait_for([units[index].token for index in waits])
                units.append(unit)
