"""Addresses of what is loaded from constants, chosen so that the next frame's loads wait as little as possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pqc.dialects.pqa import LoadOp
from pqc.dialects.pqa_memory import AllocateOp, ConstantOp, ProgramOp, RegionOp
from pqc.isa.fields import Memory
from pqc.passes.time_line import TimeLine
from pqc.planning.placement import Load, Region, Stream, place, waits_of
from pqc.planning.target import Target
from pqc.planning.tiles import aligned

BUFFERS = (Memory.CODEBOOK, Memory.TABLE)
"""The buffers that hold nothing but constants."""


PARAMETER_BITS = 32
"""What biases and parameters say is their width; tables and codebooks are narrower."""


@dataclass(frozen=True)
class _Filled:
    """The regions of a buffer in the order of their loads, and the loads by number."""

    ops: Sequence[AllocateOp]
    regions: Sequence[Region]


def _loads(line: TimeLine) -> tuple[list[LoadOp], list[Load]]:
    """All loads of a program; activations are used at once, as far as constants are concerned."""
    ops = [op for op in line.ops if isinstance(op, LoadOp)]
    loads: list[Load] = []
    for op in ops:
        number = line.index[op]
        buffer = op.region_of["address"].owner
        first = last = number
        if isinstance(buffer, AllocateOp) and isinstance(op.region_of["dram"].owner, ConstantOp):
            users = sorted(line.index[use.operation] for use in buffer.region.uses if use.operation is not op)
            first, last = (users[0], users[-1]) if users else (number, number)
        main = dict(op.fields.data).get("entry_bits", 0) < PARAMETER_BITS and first > number
        loads.append(Load(number, line.busy[op], first, last, main))
    return ops, loads


def _filled(line: TimeLine, loads: Sequence[LoadOp], memory: Memory) -> _Filled | None:
    """The regions of a buffer; None where one of them is filled in another way than by one load of a constant."""
    number = {op: index for index, op in enumerate(loads)}
    found: list[tuple[int, AllocateOp]] = []
    for op in line.ops:
        if not isinstance(op, AllocateOp) or op.region_type.kind is not memory:
            continue
        fills = [use.operation for use in op.region.uses if isinstance(use.operation, LoadOp)]
        if len(fills) != 1 or not isinstance(fills[0].region_of["dram"].owner, ConstantOp):
            return None
        found.append((number[fills[0]], op))
    found.sort(key=lambda entry: entry[0])
    regions = [Region(load, aligned(op.region_type.size.data)) for load, op in found]
    return _Filled([op for _, op in found], regions)


@dataclass(frozen=True)
class Placement:
    """Addresses of the regions that constants are loaded to, and the cycles of one more frame with them.

    Buffers for which no placement was found are left out; ``complete`` says that there are none.
    """

    addresses: Mapping[RegionOp, int]
    period: int
    complete: bool


def place_constants(program: ProgramOp, target: Target) -> Placement:
    """Where constants lie in the buffers that hold nothing else."""
    line = TimeLine.of(program, target)
    ops, loads = _loads(line)
    stream = Stream(loads, line.times, line.lookup_times, [()] * len(loads))
    placed: dict[RegionOp, int] = {}
    complete = True
    for memory in BUFFERS:
        filled = _filled(line, ops, memory)
        addresses = None if filled is None else place(stream, filled.regions, target.buffer_bytes(memory))
        if filled is None or addresses is None:
            complete = False
            continue
        placed |= dict(zip(filled.ops, addresses, strict=True))
        more = waits_of(loads, filled.regions, addresses)
        stream = replace(stream, waits=[[*a, *b] for a, b in zip(stream.waits, more, strict=True)])
    return Placement(placed, stream.period([()] * len(loads)), complete)
