"""Give every region its address: on chip by live interval, in DRAM constants first.

    %r = pqa.allocate : !pqa.region<activation, 4096>  ->  %r = pqa.allocate at 8192 : !pqa.region<activation, 4096>

A region lives from its definition to its last use in program order. Placement rotates through a buffer, so that a
transfer into the next region rarely has to wait for the work on the last one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from pqc.dialects.pqa_memory import AllocateOp, ConstantOp, ProgramOp, RegionOp, TensorKind, TensorOp
from pqc.isa.fields import Memory
from pqc.passes.attributes import program_of, target_of
from pqc.passes.place_constants import place_constants
from pqc.planning.allocation import Interval, allocate, allocate_tightly
from pqc.planning.tiles import ALIGNMENT, DoesNotFitError

CONSTANT_ALIGNMENT = 64
"""Constants and tensors start at multiples of this many bytes of DRAM."""

DRAM_LIMIT = 1 << 40
"""What an instruction's DRAM address can reach."""


def live_intervals(program: ProgramOp) -> dict[RegionOp, Interval]:
    """When each region lives, in numbers of operations of the program."""
    index = {op: number for number, op in enumerate(program.body.block.ops)}
    end = len(index)
    intervals: dict[RegionOp, Interval] = {}
    for op, number in index.items():
        if isinstance(op, RegionOp):
            last = max((index[use.operation] for use in op.region.uses), default=number)
            outside = isinstance(op, TensorOp) and op.kind.value.data != TensorKind.INTERMEDIATE
            outside = outside or (isinstance(op, AllocateOp) and op.persistent is not None)
            first, last = (0, end) if outside else (number, last)
            intervals[op] = Interval(op.region.type.size.data, first, last)
    return intervals


def place_on_chip(ops: Sequence[RegionOp], intervals: dict[RegionOp, Interval], memory: Memory, capacity: int) -> None:
    """Give the regions of one buffer their addresses."""
    found = allocate([intervals[op] for op in ops], capacity, ALIGNMENT, memory)
    for op, address in zip(ops, found.addresses, strict=True):
        op.place(address)


def finds_place(program: ProgramOp, memory: Memory, capacity: int) -> bool:
    """Whether the regions of one buffer can be placed."""
    lives = [life for op, life in live_intervals(program).items() if op.region.type.kind is memory]
    try:
        allocate(lives, capacity, ALIGNMENT, memory)
    except DoesNotFitError:
        return False
    return True


def place_in_dram(
    constants: Sequence[ConstantOp], tensors: Sequence[TensorOp], intervals: dict[RegionOp, Interval]
) -> None:
    """Constants one behind the other from address 0, tensors behind them by live interval, as tightly as they go."""
    end = 0
    for op in constants:
        op.place(end)
        end += -(-op.region_type.size.data // CONSTANT_ALIGNMENT) * CONSTANT_ALIGNMENT
    lives = [intervals[op] for op in tensors]
    found = allocate_tightly(lives, DRAM_LIMIT - end, CONSTANT_ALIGNMENT, Memory.DRAM)
    for op, address in zip(tensors, found.addresses, strict=True):
        op.place(end + address)


@dataclass(frozen=True)
class AllocateMemoryPass(ModulePass):
    """Give every region its address."""

    name = "allocate-memory"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Place the regions of each memory.

        Raises:
            ModelError: the regions that live at one time do not fit a buffer.
        """
        program, target = program_of(op), target_of(op)
        intervals = live_intervals(program)
        placed = place_constants(program, target).addresses
        for region, address in placed.items():
            region.place(address)
        on_chip = [memory for memory in Memory if memory is not Memory.DRAM]
        for memory in on_chip:
            regions = [region for region in intervals if region.region.type.kind is memory and region not in placed]
            place_on_chip(regions, intervals, memory, target.buffer_bytes(memory))
        place_in_dram(
            [region for region in intervals if isinstance(region, ConstantOp)],
            [region for region in intervals if isinstance(region, TensorOp)],
            intervals,
        )
