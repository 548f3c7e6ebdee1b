"""Load tables, codebooks, weights and parameters as early as their buffers have room and nothing else is more urgent.

    pqa.encode ...                                    pqa.load dram = %table.data, address = %table ...
    pqa.load dram = %table.data, address = %table ->  pqa.encode ...
    pqa.lookup table = %table ...                     pqa.lookup table = %table ...

Only the place in the load unit's queue changes: a load still waits, by a token, for those that use the bytes it
overwrites.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.passes import ModulePass

from pqc.dialects.pqa import LoadOp
from pqc.dialects.pqa_memory import AllocateOp, ConstantOp
from pqc.isa.fields import Memory
from pqc.passes.attributes import program_of, target_of
from pqc.passes.place_constants import place_constants
from pqc.passes.rewriting import reorder
from pqc.passes.time_line import TimeLine
from pqc.planning.prefetch import Fetch, load_steps
from pqc.planning.target import Target

FILLS: tuple[Callable[[int, int], int], ...] = (
    lambda capacity, largest: capacity,
    # going round, up to one region's bytes are lost where the buffer ends
    lambda capacity, largest: capacity - largest,
    lambda capacity, largest: 3 * (capacity - largest) // 4,
    lambda capacity, largest: (capacity - largest) // 2,
)
"""How many bytes of a buffer are filled ahead, by its capacity and its largest region: all are tried."""

MANY_LOADS = 1_000
"""Programs with more loads get one order, because each takes seconds to judge."""

CONSTANTS = (Memory.CODEBOOK, Memory.TABLE)
"""The buffers that hold nothing but constants."""

LOOKAHEAD = 8
"""Activations can be loaded so many operations before the place where the program has them."""


@dataclass(frozen=True)
class Transfer:
    """A load, and the operations that define the regions of a constant's load."""

    fetch: Fetch
    moved: tuple[Operation, ...]


def transfers(line: TimeLine) -> list[Transfer]:
    """All loads, in program order."""
    found: list[Transfer] = []
    for op, number in line.index.items():
        if not isinstance(op, LoadOp):
            continue
        constant, buffer = op.region_of["dram"].owner, op.region_of["address"].owner
        if isinstance(constant, ConstantOp) and isinstance(buffer, AllocateOp):
            kind = buffer.region_type
            last = max(line.index[use.operation] for use in buffer.region.uses)
            fetch = Fetch(kind.kind, kind.size.data, line.busy[op], number, last)
            found.append(Transfer(fetch, (constant, buffer, op)))
        else:
            fetch = Fetch(Memory.ACTIVATION, 0, line.busy[op], number, number, max(0, number - LOOKAHEAD))
            found.append(Transfer(fetch, ()))
    return found


def hoisted_order(
    line: TimeLine, times: Sequence[int], target: Target, fill: Callable[[int, int], int]
) -> list[Operation]:
    """The operations with every load of a constant at its place, by these times and if buffers are filled so far."""
    found = transfers(line)
    capacities: dict[int, int] = {Memory.ACTIVATION: 0}
    for memory in CONSTANTS:
        largest = max((one.fetch.size for one in found if one.fetch.line == memory), default=0)
        capacities[memory] = fill(target.buffer_bytes(memory), largest)
    steps = load_steps([one.fetch for one in found], capacities, times)
    early: dict[int, list[Transfer]] = defaultdict(list)
    for number, step in steps.items():
        early[step].append(found[number])
    order: dict[Operation, None] = {}
    for number, op in enumerate(line.ops):
        for one in early[number]:
            order.update(dict.fromkeys(one.moved))
        order.setdefault(op)
    return list(order)


@dataclass(frozen=True)
class PrefetchConstantsPass(ModulePass):
    """Load constants as early as their buffers have room."""

    name = "prefetch-constants"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Change the order of the loads to the one of which a frame takes the fewest cycles, or leave it."""
        program, target = program_of(op), target_of(op)
        line = TimeLine.of(program, target)
        best, cycles = list(line.ops), place_constants(program, target).period
        loads = sum(isinstance(one, LoadOp) for one in line.ops)
        tried = list(product(FILLS, (line.lookup_times, line.times)))
        for fill, times in tried if loads <= MANY_LOADS else [(FILLS[1], line.times)]:
            order = hoisted_order(line, times, target, fill)
            reorder(program.body.block, order)
            found = place_constants(program, target)
            if found.complete and found.period < cycles:
                best, cycles = order, found.period
        reorder(program.body.block, best)
