"""Let pooling and other element-wise work start as soon as what it reads is there.

    pqa.requantize ... destination = %x <tile 0>      pqa.requantize ... destination = %x <tile 0>
    pqa.requantize ... destination = %x <tile 1>  ->  pqa.pool source = %x <tile 0>
    pqa.pool source = %x <tile 0>                     pqa.requantize ... destination = %x <tile 1>

The vector unit has one queue. Behind all of a layer's requantizations, the first tile of what follows would wait for
the last one; right behind the ones that it reads, the layer after it can start while this one is still at work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from pqc.dialects.pqa import RequantizeOp, UnitOp
from pqc.dialects.pqa_memory import ProgramOp
from pqc.dialects.pqa_unit import checked_accesses
from pqc.isa.access import Access
from pqc.isa.fields import Memory, Unit
from pqc.passes.allocate_memory import finds_place
from pqc.passes.attributes import program_of, target_of
from pqc.passes.rewriting import reorder


@dataclass(frozen=True)
class _Touch:
    """An access to a region, by the operation of this number."""

    access: Access
    number: int


def region_accesses(op: UnitOp, accumulator_bits: int) -> list[tuple[SSAValue, Access]]:
    """What an operation touches, each access with its region, addresses counted from the region's start."""
    regions = op.region_of
    touched = checked_accesses(op.instruction({}), accumulator_bits)
    return [(regions[access.field], access) for access in touched if access.field in regions]


def advanced_order(program: ProgramOp) -> list[Operation]:
    """The operations, with the vector unit's own work, and stores, right behind what they depend on."""
    ops = list(program.body.block.ops)
    places = _places(ops, program.accumulator_bits.value.data)
    order: dict[Operation, None] = {}
    for number in sorted(range(len(ops)), key=lambda number: (places[number], number)):
        for operand in ops[number].operands:
            if isinstance(operand.owner, Operation):
                order.setdefault(operand.owner)
        order.setdefault(ops[number])
    return list(order)


def _places(ops: Sequence[Operation], accumulator_bits: int) -> list[int]:
    """For each operation the number of the one behind which it stands: its own, or that of what it depends on."""
    touches: dict[SSAValue, list[_Touch]] = defaultdict(list)
    places = list(range(len(ops)))
    needed_by: dict[int, list[int]] = {}
    for number, op in enumerate(ops):
        if not isinstance(op, UnitOp):
            continue
        touched = region_accesses(op, accumulator_bits)
        before = _before(touched, touches)
        for earlier in before & needed_by.keys():
            needed_by[earlier].append(number)
        # a store comes along: it frees the bytes of the result
        if op.unit is Unit.STORE or (op.unit is Unit.VECTOR and not isinstance(op, RequantizeOp)):
            known = [places[earlier] for earlier in before if earlier not in needed_by]
            if known:
                places[number] = max(known)
            else:
                needed_by[number] = []
        for region, access in touched:
            touches[region].append(_Touch(access, number))
    for number, later in reversed(needed_by.items()):
        places[number] = min((places[one] for one in later), default=number)
    return places


def _before(touched: list[tuple[SSAValue, Access]], touches: dict[SSAValue, list[_Touch]]) -> set[int]:
    """The operations that must come first."""
    return {
        earlier.number
        for region, access in touched
        for earlier in touches[region]
        if (access.written or earlier.access.written) and access.overlaps(earlier.access)
    }


@dataclass(frozen=True)
class AdvanceVectorWorkPass(ModulePass):
    """Move the vector unit's own work up to what it depends on."""

    name = "advance-vector-work"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Change the order of the program; every operation still stands behind all that it depends on.

        It stays as it was if what lives at once would not find room in the activation buffer any more.
        """
        program = program_of(op)
        before = list(program.body.block.ops)
        reorder(program.body.block, advanced_order(program))
        if not finds_place(program, Memory.ACTIVATION, target_of(op).buffer_bytes(Memory.ACTIVATION)):
            reorder(program.body.block, before)
