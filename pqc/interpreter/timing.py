"""The timing model: when each instruction starts and ends, and what held it up.

Event-driven over the units' queues, their tokens, the code FIFO and the external memory's channel, which loads and
stores share. Data plays no part: one walk over the instructions gives the cycles of one frame.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pqc.errors import ProgramError
from pqc.interpreter.code_fifo import CodeFifo, Production
from pqc.interpreter.durations import (
    convolve_cycles,
    encode_groups,
    encode_work,
    lookup_work,
    transfer_bytes,
    transfer_cycles,
    vector_cycles,
)
from pqc.interpreter.queues import UNITS, members
from pqc.isa.fields import Instruction, Unit
from pqc.isa.fifo import takes_from_fifo
from pqc.isa.instructions import Convolve, Encode, Load, Lookup, Store
from pqc.planning.target import Target

FIFO_STALL = "code fifo"
"""A lookup waits for codes, or an encode for room."""
DRAM_STALL = "dram"
"""The external memory's channel is busy with the other direction."""


def token_stall(source: Unit) -> str:
    """The cause of a stall that ends with a token from ``source``."""
    return f"token from {source.name.lower()}"


@dataclass(frozen=True)
class InstructionTiming:
    """One instruction on its unit, all in cycles from the start of the frame.

    ``start`` to ``end``: ``busy`` cycles of work, and for encode and lookup the cycles they wait for each other.
    ``stall``: idle cycles of the unit before ``start``; ``cause`` names what ended them last ("" if there are none).
    ``dram_bytes``: bytes moved over the external memory's channel.
    """

    unit: Unit
    start: int
    end: int
    busy: int
    stall: int
    cause: str
    dram_bytes: int

    @property
    def starved(self) -> int:
        """Cycles between start and end without work: the code FIFO was empty or full."""
        return self.end - self.start - self.busy


@dataclass(frozen=True)
class Timing:
    """The timing of a program: one entry an instruction, in program order."""

    instructions: tuple[InstructionTiming, ...]

    @property
    def cycles(self) -> int:
        """Cycles from the start of the frame until everything is done."""
        return max((instruction.end for instruction in self.instructions), default=0)

    @property
    def busy(self) -> Mapping[Unit, int]:
        """Cycles each unit works."""
        return busy_cycles(self.instructions)

    @property
    def stalls(self) -> Mapping[Unit, Mapping[str, int]]:
        """Cycles each unit waits before its last instruction is done, by cause."""
        found: dict[Unit, Counter[str]] = {unit: Counter() for unit in UNITS}
        for instruction in self.instructions:
            found[instruction.unit][instruction.cause] += instruction.stall
            found[instruction.unit][FIFO_STALL] += instruction.starved
        return {unit: {cause: n for cause, n in sorted(causes.items()) if n} for unit, causes in found.items()}

    @property
    def dram_bytes(self) -> int:
        """Bytes moved over the external memory's channel."""
        return sum(instruction.dram_bytes for instruction in self.instructions)


@dataclass(frozen=True)
class NodeTiming:
    """The instructions of one ONNX node.

    ``cycles`` is by how much the node moves the end of the program: the figures of all nodes, taken in the order of
    their first instructions, add up to the program's cycles. ``start`` and ``end`` span the node's own instructions.
    """

    node: str
    start: int
    end: int
    cycles: int
    busy: Mapping[Unit, int]
    dram_bytes: int
    instructions: int

    @property
    def bound(self) -> Unit:
        """The unit that works longest for the node."""
        return max(UNITS, key=lambda unit: self.busy[unit])


def busy_cycles(instructions: Sequence[InstructionTiming]) -> dict[Unit, int]:
    """Cycles that each unit works on ``instructions``."""
    found = dict.fromkeys(UNITS, 0)
    for instruction in instructions:
        found[instruction.unit] += instruction.busy
    return found


def by_node(timing: Timing, nodes: Sequence[str]) -> tuple[NodeTiming, ...]:
    """The timing of each node, in the order of their first instructions; ``nodes`` names each instruction's node."""
    groups: dict[str, list[InstructionTiming]] = {}
    for node, instruction in zip(nodes, timing.instructions, strict=True):
        groups.setdefault(node, []).append(instruction)
    result: list[NodeTiming] = []
    done = 0
    for node, group in groups.items():
        end = max(instruction.end for instruction in group)
        result.append(
            NodeTiming(
                node,
                min(instruction.start for instruction in group),
                end,
                max(0, end - done),
                busy_cycles(group),
                sum(instruction.dram_bytes for instruction in group),
                len(group),
            )
        )
        done = max(done, end)
    return tuple(result)


def simulate(instructions: Sequence[Instruction], target: Target) -> Timing:
    """The timing of ``instructions``, in program order, on ``target``.

    Raises:
        ModelError: an instruction needs a unit that the target does not have.
        ProgramError: the instructions deadlock.
    """
    simulation = _Simulation(instructions, target)
    while simulation.advance():
        pass
    return Timing(tuple(simulation.results[index] for index in range(len(instructions))))


@dataclass(frozen=True)
class _Start:
    """The instruction at the head of a queue could start at ``time``; ``cause`` is what it waited for last."""

    time: int
    index: int
    cause: str


class _Simulation:
    """All queues at a moment: the instruction that can start first is always the next to be taken up."""

    def __init__(self, instructions: Sequence[Instruction], target: Target) -> None:
        self.instructions = instructions
        self.target = target
        self.results: dict[int, InstructionTiming] = {}
        self.waiting: dict[Unit, deque[int]] = {unit: deque() for unit in UNITS}
        for index, instruction in enumerate(instructions):
            self.waiting[instruction.unit].append(index)
        self.free = dict.fromkeys(UNITS, 0)
        self.tokens: dict[tuple[Unit, Unit], deque[int]] = {(a, b): deque() for a in UNITS for b in UNITS}
        self.channel_free = 0
        self.fifo = CodeFifo()
        self.entries = 0
        self.productions: deque[Production] = deque()
        self.unfinished: tuple[_Start, Production] | None = None

    def advance(self) -> bool:
        """Take up one instruction; False: there is none left."""
        starts = [start for unit in UNITS if (start := self._head(unit)) is not None]
        if not starts:
            if any(self.waiting.values()):
                heads = ", ".join(str(queue[0]) for queue in self.waiting.values() if queue)
                raise ProgramError(f"deadlock: instructions {heads} wait for each other")
            return False
        start = min(starts, key=lambda start: start.time)
        instruction = self.instructions[start.index]
        self.waiting[instruction.unit].popleft()
        for source in members(instruction.wait):
            self.tokens[source, instruction.unit].popleft()
        self._take_up(start, instruction)
        return True

    def _head(self, unit: Unit) -> _Start | None:
        """When the head of a queue can start; None: the queue is empty, or something it needs has no time yet."""
        if not self.waiting[unit] or (unit is Unit.ENCODE and self.unfinished is not None):
            return None
        index = self.waiting[unit][0]
        time, cause = self.free[unit], ""
        for source in members(self.instructions[index].wait):
            if not self.tokens[source, unit]:
                return None
            if self.tokens[source, unit][0] > time:
                time, cause = self.tokens[source, unit][0], token_stall(source)
        if takes_from_fifo(self.instructions[index]):
            if not self.productions or not self.productions[0].columns_done:
                return None
            if (codes := int(self.productions[0].waiting[0])) > time:
                time, cause = codes, FIFO_STALL
        if unit in (Unit.LOAD, Unit.STORE):
            channel = self.channel_free - self.target.dram.latency_cycles
            if channel > time:
                time, cause = channel, DRAM_STALL
        return _Start(time, index, cause)

    def _take_up(self, start: _Start, instruction: Instruction) -> None:
        match instruction:
            case Load() | Store():
                busy = transfer_cycles(instruction, self.target) + self.target.dram.latency_cycles
                self.channel_free = start.time + busy
                self._finish(start, start.time + busy, busy, transfer_bytes(instruction))
            case Encode(to_buffer=0):
                self._encode(start, instruction)
            case Encode():
                busy = encode_work(instruction, self.target).total
                self._finish(start, start.time + busy, busy)
            case Lookup(from_buffer=0):
                self._lookup(start, instruction)
            case Lookup():
                busy = lookup_work(instruction, self.target).total
                self._finish(start, start.time + busy, busy)
            case Convolve():
                busy = convolve_cycles(instruction, self.target)
                self._finish(start, start.time + busy, busy)
            case _:
                busy = vector_cycles(instruction, self.target)
                self._finish(start, start.time + busy, busy)

    def _encode(self, start: _Start, instruction: Encode) -> None:
        work, entries = encode_work(instruction, self.target), encode_groups(instruction, self.target)
        production = Production(work, entries, self.entries, start.time)
        self.entries += entries * work.columns
        self.productions.append(production)
        self.unfinished = (start, production)
        self._go_on_encoding()

    def _lookup(self, start: _Start, instruction: Lookup) -> None:
        work = lookup_work(instruction, self.target)
        production = self.productions.popleft()
        if production.work.columns != work.columns:
            what = f"takes the codes of {work.columns} columns, its encode sends {production.work.columns}"
            raise ProgramError(f"instruction {start.index} (lookup) {what}")
        end = self.fifo.consume(production, work, start.time)
        self._finish(start, end, work.total)
        self._go_on_encoding()

    def _go_on_encoding(self) -> None:
        """Advance the encode under way, and finish it if the FIFO has room for all its codes."""
        if self.unfinished is None:
            return
        start, production = self.unfinished
        self.fifo.produce(production)
        if production.complete:
            self.unfinished = None
            self._finish(start, production.resume, production.work.total)

    def _finish(self, start: _Start, end: int, busy: int, dram_bytes: int = 0) -> None:
        instruction = self.instructions[start.index]
        unit = instruction.unit
        stall = start.time - self.free[unit]
        self.results[start.index] = InstructionTiming(unit, start.time, end, busy, stall, start.cause, dram_bytes)
        self.free[unit] = end
        for destination in members(instruction.signal):
            self.tokens[unit, destination].append(end)
