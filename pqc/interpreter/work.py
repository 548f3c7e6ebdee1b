"""What an instruction is to the timing model: its unit, its cycles, its tokens, and what else it occupies."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import NamedTuple

from pqc.interpreter.durations import (
    ColumnWork,
    convolve_cycles,
    encode_groups,
    encode_work,
    lookup_work,
    transfer_bytes,
    transfer_cycles,
    vector_cycles,
)
from pqc.interpreter.queues import UNITS, members
from pqc.isa.fields import Instruction
from pqc.isa.fifo import sends_to_fifo, takes_from_fifo
from pqc.isa.instructions import Convolve, Encode, Load, Lookup, Store
from pqc.planning.target import Target


class Resource(IntEnum):
    """What an instruction occupies besides its unit."""

    NOTHING = 0
    CHANNEL = 1
    """The external memory's channel, which loads and stores share."""
    FIFO_IN = 2
    """The code FIFO, as an encode does."""
    FIFO_OUT = 3
    """The code FIFO, as a lookup does."""


class Work(NamedTuple):
    """One instruction.

    ``busy``: its cycles if nothing holds it up. ``waits``: for each token that it takes the source unit and the number
    of the channel from there. ``signals``: the channels that it sends a token to. ``channel_cycles`` of ``busy``
    occupy the external memory's channel, moving ``dram_bytes``. ``columns`` is its work on the code FIFO, where a
    column takes ``entries``.
    """

    unit: int
    resource: Resource
    busy: int
    waits: tuple[tuple[int, int], ...]
    signals: tuple[int, ...]
    dram_bytes: int = 0
    channel_cycles: int = 0
    columns: ColumnWork = ColumnWork(0, 0)
    entries: int = 0


def channel(source: int, destination: int) -> int:
    """The number of the channel for tokens from one unit to another."""
    return source * len(UNITS) + destination


def works(instructions: Sequence[Instruction], target: Target, free: frozenset[int] = frozenset()) -> list[Work]:
    """The work of each instruction; those of the indices ``free`` take no time, move nothing and keep their tokens.

    Raises:
        ModelError: an instruction needs a unit that the target does not have.
        ValueError: an encode is free and its lookup is not, or the reverse.
    """
    found = [_work(instruction, target, index in free) for index, instruction in enumerate(instructions)]
    if free:
        sent, taken = (
            [work for work in found if work.resource is end] for end in (Resource.FIFO_IN, Resource.FIFO_OUT)
        )
        for pair, (encode, lookup) in enumerate(zip(sent, taken, strict=False)):
            if (encode.entries == 0) != (lookup.entries == 0):
                raise ValueError(f"only one of encode and lookup number {pair} is free")
    return found


def _work(instruction: Instruction, target: Target, free: bool) -> Work:
    unit = instruction.unit
    waits = tuple((source, channel(source, unit)) for source in members(instruction.wait))
    signals = tuple(channel(unit, destination) for destination in members(instruction.signal))
    match instruction:
        case Load() | Store():
            if free:
                return Work(unit, Resource.NOTHING, 0, waits, signals)
            cycles = transfer_cycles(instruction, target)
            busy, moved = cycles + target.dram.latency_cycles, transfer_bytes(instruction)
            return Work(unit, Resource.CHANNEL, busy, waits, signals, moved, cycles)
        case Encode():
            columns, entries = encode_work(instruction, target), encode_groups(instruction, target)
            if sends_to_fifo(instruction):
                whole = Work(unit, Resource.FIFO_IN, columns.total, waits, signals, 0, 0, columns, entries)
                return _through_fifo(whole, free)
            busy = 0 if free else columns.total
        case Lookup():
            columns = lookup_work(instruction, target)
            if takes_from_fifo(instruction):
                whole = Work(unit, Resource.FIFO_OUT, columns.total, waits, signals, 0, 0, columns, 1)
                return _through_fifo(whole, free)
            busy = 0 if free else columns.total
        case Convolve():
            busy = 0 if free else convolve_cycles(instruction, target)
        case _:
            busy = 0 if free else vector_cycles(instruction, target)
    return Work(unit, Resource.NOTHING, busy, waits, signals)


def _through_fifo(work: Work, free: bool) -> Work:
    """The codes of a free pair take no time and no room, but there are as many columns."""
    if not free:
        return work
    return work._replace(busy=0, columns=ColumnWork(work.columns.columns, 0), entries=0)
