"""The time line of a program: its operations in their order, and when each happens if nothing waits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import Operation

from pqc.dialects.pqa import LookupOp, UnitOp
from pqc.dialects.pqa_memory import ProgramOp
from pqc.errors import ModelError
from pqc.interpreter.work import Resource, works
from pqc.isa.fields import Unit
from pqc.planning.target import Target

TIMED = (Unit.LOOKUP, Unit.CONVENTIONAL, Unit.VECTOR)
"""The units whose work is the time line; a lookup stands for the encode whose codes it takes from the FIFO, too."""


@dataclass(frozen=True)
class TimeLine:
    """Operations, their places, the cycles of those that are instructions, and their times; one more for the end.

    ``lookup_times`` are the times if lookups alone took any, as the paper counts.
    """

    ops: Sequence[Operation]
    index: Mapping[Operation, int]
    busy: Mapping[Operation, int]
    times: Sequence[int]
    lookup_times: Sequence[int]

    @staticmethod
    def of(program: ProgramOp, target: Target) -> TimeLine:
        """The time line of ``program``; requantization runs beside lookups, so that it takes no time of its own.

        Raises:
            ModelError: encodes and lookups are not as many.
        """
        ops = list(program.body.block.ops)
        instructions = [op for op in ops if isinstance(op, UnitOp)]
        work = works([op.instruction({}) for op in instructions], target)
        busy: dict[Operation, int] = {op: one.busy for op, one in zip(instructions, work, strict=True)}
        matched = dict(busy)
        encodes = [op for op, one in zip(instructions, work, strict=True) if one.resource is Resource.FIFO_IN]
        takers = [op for op, one in zip(instructions, work, strict=True) if one.resource is Resource.FIFO_OUT]
        if len(encodes) != len(takers):
            raise ModelError(
                f"the program of the IR has {len(encodes)} encodes that send codes to the FIFO and {len(takers)} "
                "lookups that take them from there; they must be as many"
            )
        for encode, lookup in zip(encodes, takers, strict=True):
            matched[lookup] = max(busy[encode], busy[lookup])
        times, lookups = [0], [0]
        for op in ops:
            counts = isinstance(op, UnitOp) and op.unit in TIMED and op.name != "pqa.requantize"
            times.append(times[-1] + (matched[op] if counts else 0))
            lookups.append(lookups[-1] + (matched[op] if isinstance(op, LookupOp) else 0))
        return TimeLine(ops, {op: number for number, op in enumerate(ops)}, busy, times, lookups)
