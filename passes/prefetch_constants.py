"""Load tables, codebooks, weights and parameters as early as their buffers have room and nothing else is more urgent.

    pqa.encode ...                                    pqa.load dram = %table.data, address = %table ...
    pqa.load dram = %table.data, address = %table ->  pqa.encode ...
    pqa.lookup table = %table ...                     pqa.lookup table = %table ...

Only the place in the load unit's queue changes: a load still waits, by a token, for those that use the bytes it
overwrites.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from pqc.dialects.pqa import LoadOp, UnitOp
from pqc.dialects.pqa_memory import AllocateOp, ConstantOp, ProgramOp
from pqc.interpreter.work import works
from pqc.isa.fields import Memory, Unit
from pqc.passes.allocate_memory import finds_place
from pqc.passes.attributes import program_of, target_of
from pqc.planning.prefetch import Fetch, load_steps
from pqc.planning.target import Target

SHARES = (1.0, 0.875, 0.75, 0.5)
"""Parts of a buffer that are filled ahead: less is tried where the regions then find no place."""

CONSTANTS = (Memory.CODEBOOK, Memory.TABLE)
"""The buffers that hold nothing but constants."""

LOOKAHEAD = 8
"""Activations can be loaded so many operations before the place where the program has them."""

TIMED = (Unit.LOOKUP, Unit.CONVENTIONAL, Unit.VECTOR)
"""The units whose work is the time line: a lookup stands for its encode, too."""


@dataclass(frozen=True)
class Transfer:
    """A load, and the operations that define the regions of a constant's load."""

    fetch: Fetch
    moved: tuple[Operation, ...]


def step_times(units: dict[Operation, int], ops: Sequence[Operation]) -> list[int]:
    """When each operation happens if one follows the other without waiting; requantization runs beside lookups."""
    times = [0]
    for op in ops:
        counts = isinstance(op, UnitOp) and op.unit in TIMED and op.name != "pqa.requantize"
        times.append(times[-1] + (units[op] if counts else 0))
    return times


def transfers(program: ProgramOp, busy: dict[Operation, int]) -> list[Transfer]:
    """All loads, in program order."""
    index = {op: number for number, op in enumerate(program.body.block.ops)}
    found: list[Transfer] = []
    for op, number in index.items():
        if not isinstance(op, LoadOp):
            continue
        constant, buffer = op.region_of["dram"].owner, op.region_of["address"].owner
        if isinstance(constant, ConstantOp) and isinstance(buffer, AllocateOp):
            kind = buffer.region.type
            last = max(index[use.operation] for use in buffer.region.uses)
            fetch = Fetch(kind.kind, kind.size.data, busy[op], number, last)
            found.append(Transfer(fetch, (constant, buffer, op)))
        else:
            fetch = Fetch(Memory.ACTIVATION, 0, busy[op], number, number, max(0, number - LOOKAHEAD))
            found.append(Transfer(fetch, ()))
    return found


def hoisted_order(program: ProgramOp, target: Target, share: float) -> list[Operation]:
    """The operations with every load of a constant at its place, buffers filled to a ``share``."""
    ops = list(program.body.block.ops)
    instructions = [op for op in ops if isinstance(op, UnitOp)]
    work = works([op.instruction({}) for op in instructions], target)
    busy: dict[Operation, int] = {op: one.busy for op, one in zip(instructions, work, strict=True)}
    found = transfers(program, busy)
    capacities: dict[int, int] = {Memory.ACTIVATION: 0}
    for memory in CONSTANTS:
        # going round, up to one region's bytes are lost where the buffer ends
        largest = max((one.fetch.size for one in found if one.fetch.line == memory), default=0)
        capacities[memory] = int((target.buffer_bytes(memory) - largest) * share)
    steps = load_steps([one.fetch for one in found], capacities, step_times(busy, ops))
    early: dict[int, list[Transfer]] = defaultdict(list)
    for one, step in zip(found, steps, strict=True):
        early[step].append(one)
    order: dict[Operation, None] = {}
    for number, op in enumerate(ops):
        for one in early[number]:
            order.update(dict.fromkeys(one.moved))
        order.setdefault(op)
    return list(order)


def reorder(program: ProgramOp, order: list[Operation]) -> None:
    """Put the operations of a program in another order."""
    for op in order:
        op.detach()
    program.body.block.add_ops(order)


@dataclass(frozen=True)
class PrefetchConstantsPass(ModulePass):
    """Load constants as early as their buffers have room."""

    name = "prefetch-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Change the order of the loads; where the regions then find no place, less is loaded ahead, or nothing."""
        program, target = program_of(op), target_of(op)
        original = list(program.body.block.ops)
        for share in SHARES:
            reorder(program, hoisted_order(program, target, share))
            if all(finds_place(program, memory, target.buffer_bytes(memory)) for memory in CONSTANTS):
                return
            reorder(program, original)
