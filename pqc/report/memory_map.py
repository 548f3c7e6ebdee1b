"""Which bytes of the on-chip memories are in use when, and by which nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pqc.isa.access import Access, accesses
from pqc.isa.fields import Instruction, Memory
from pqc.planning.target import Target

ON_CHIP = tuple(memory for memory in Memory if memory is not Memory.DRAM)

Ints: TypeAlias = npt.NDArray[np.int64]

UNUSED = -1


@dataclass(frozen=True)
class Life:
    """``size`` bytes from ``start`` hold a value from ``begin``, when it is written, to ``end``, when it is last read.

    ``writer`` is the instruction that writes it: its number in the order of all executions.
    """

    memory: Memory
    start: int
    size: int
    writer: int
    begin: int
    end: int


def on_chip_accesses(instructions: Sequence[Instruction], target: Target) -> list[list[Access]]:
    """What each instruction touches on the chip."""
    return [
        [access for access in accesses(instruction, target.accumulator_bits) if access.memory is not Memory.DRAM]
        for instruction in instructions
    ]


def lives(
    touched: Sequence[Sequence[Access]], target: Target, begin: Sequence[int], end: Sequence[int]
) -> Iterator[Life]:
    """The life of every value in an on-chip memory.

    Args:
        touched: what each instruction of one execution touches.
        target: says how large the memories are.
        begin: when each instruction starts, execution after execution.
        end: when each ends. What an instruction replaces in place lives until it starts.
    """
    shadows = {memory: _Shadow(memory, target.buffer_bytes(memory)) for memory in ON_CHIP}
    for entry, (first, last) in enumerate(zip(begin, end, strict=True)):
        own = touched[entry % len(touched)]
        for access in own:
            if not access.written:
                shadows[access.memory].read(access, first)
        for access in own:
            if access.written:
                yield from shadows[access.memory].write(access, entry, first, last)
        for access in own:
            if not access.written:
                shadows[access.memory].read(access, last)
    for shadow in shadows.values():
        yield from shadow.rest()


class _Shadow:
    """For each byte of a memory by what and when its value was written, and until when it is needed."""

    def __init__(self, memory: Memory, size: int) -> None:
        self._memory = memory
        self._addresses: Ints = np.arange(size, dtype=np.int64)
        self._writer: Ints = np.full(size, UNUSED, np.int64)
        self._written: Ints = np.full(size, UNUSED, np.int64)
        self._needed: Ints = np.full(size, UNUSED, np.int64)

    def read(self, access: Access, time: int) -> None:
        needed = access.view(self._needed)
        np.maximum(needed, time, out=needed)

    def write(self, access: Access, entry: int, begin: int, end: int) -> Iterator[Life]:
        histories = (self._addresses, self._writer, self._written, self._needed)
        yield from self._lives(*(access.view(history).reshape(-1) for history in histories))
        access.view(self._writer)[...] = entry
        access.view(self._written)[...] = begin
        access.view(self._needed)[...] = end

    def rest(self) -> Iterator[Life]:
        """What is still there at the end."""
        yield from self._lives(self._addresses, self._writer, self._written, self._needed)

    def _lives(self, addresses: Ints, writer: Ints, written: Ints, needed: Ints) -> Iterator[Life]:
        """One life for each run of bytes that follow each other and have the same history."""
        new = (addresses[1:] != addresses[:-1] + 1) | (writer[1:] != writer[:-1]) | (needed[1:] != needed[:-1])
        changes = np.flatnonzero(new) + 1
        starts = np.concatenate([[0], changes]) if written.size else changes
        for first, stop in zip(starts, [*changes, written.size], strict=True):
            begin, end = int(written[first]), int(needed[first])
            if begin != UNUSED and end > begin:
                yield Life(self._memory, int(addresses[first]), int(stop - first), int(writer[first]), begin, end)


def _most_alive(found: Sequence[Life]) -> dict[Memory, int]:
    """For each memory the most bytes that hold a value at one time: no placement needs less."""
    result = dict.fromkeys(ON_CHIP, 0)
    for memory in ON_CHIP:
        alive = 0
        # At one time, what dies makes room for what is born.
        for _, change in sorted(event for life in found if life.memory is memory for event in _events(life)):
            alive += change
            result[memory] = max(result[memory], alive)
    return result


def _events(life: Life) -> tuple[tuple[int, int], tuple[int, int]]:
    return (life.begin, life.size), (life.end, -life.size)


def lower_bounds(touched: Sequence[Sequence[Access]], target: Target) -> dict[Memory, int]:
    """For each memory the most bytes in use at once if instructions are executed one by one in program order.

    Values may live on into the next execution, so there are two.
    """
    steps = range(2 * len(touched))
    return _most_alive(list(lives(touched, target, steps, range(1, len(steps) + 1))))


def peaks(touched: Sequence[Sequence[Access]]) -> dict[Memory, int]:
    """For each memory one past the highest byte that is touched."""
    result = dict.fromkeys(ON_CHIP, 0)
    for access in (access for own in touched for access in own):
        result[access.memory] = max(result[access.memory], access.end)
    return result


@dataclass(frozen=True)
class Extent:
    """Bytes ``start`` to ``stop`` (exclusive) of a memory that instructions of ``node`` write."""

    memory: Memory
    node: str
    start: int
    stop: int


def extents(touched: Sequence[Sequence[Access]], nodes: Sequence[str]) -> list[Extent]:
    """Where each node writes, gaps inside one access included, by memory and then in the order of the nodes."""
    written: dict[tuple[Memory, str], list[Extent]] = {}
    for own, node in zip(touched, nodes, strict=True):
        for access in own:
            if access.written and access.size:
                written.setdefault((access.memory, node), []).append(
                    Extent(access.memory, node, access.address, access.end)
                )
    order: Mapping[str, int] = {node: index for index, node in enumerate(dict.fromkeys(nodes))}
    keys = sorted(written, key=lambda key: (key[0], order[key[1]]))
    return [extent for key in keys for extent in _merged(written[key])]


def _merged(found: Sequence[Extent]) -> list[Extent]:
    """Extents that touch each other as one."""
    result: list[Extent] = []
    for extent in sorted(found, key=lambda one: one.start):
        if result and extent.start <= result[-1].stop:
            result[-1] = replace(result[-1], stop=max(result[-1].stop, extent.stop))
        else:
            result.append(extent)
    return result
