"""The timing model: when each instruction starts and ends, and what held it up.

Event-driven over the units' queues, their tokens, the code FIFO and the external memory's channel, which loads and
stores share. Data plays no part: one walk over the instructions gives the cycles of as many executions as are wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pqc.interpreter.code_fifo import FIFO_DEPTH
from pqc.interpreter.queues import UNITS
from pqc.interpreter.simulation import CODES, Simulation
from pqc.interpreter.tokens import Credit, wait_causes
from pqc.interpreter.work import Work, works
from pqc.isa.fields import Instruction, Unit
from pqc.planning.target import Target

FIFO_EMPTY = "code fifo empty"
"""A lookup waits for codes."""
FIFO_FULL = "code fifo full"
"""An encode waits for room for its codes."""
DRAM_BUSY = "dram busy"
"""The external memory's channel is busy with the other direction."""

Cycles = npt.NDArray[np.int64]


@dataclass(frozen=True)
class InstructionTiming:
    """One instruction on its unit, all in cycles from the start of the first execution.

    ``start`` to ``end``: ``busy`` cycles of work, and for encode and lookup the cycles they wait for each other.
    Before ``start`` the unit stands still for ``stall`` cycles, which ``cause`` ends (the last one to come; "" if there
    are none), and then ``queued`` cycles for the external memory's channel, over which ``dram_bytes`` are moved.
    """

    unit: Unit
    start: int
    end: int
    busy: int
    stall: int
    cause: str
    queued: int
    dram_bytes: int

    @property
    def starved(self) -> int:
        """Cycles between start and end without work: the code FIFO was empty or full."""
        return self.end - self.start - self.busy


@dataclass(frozen=True, eq=False)
class Timing:
    """The timing of a program that is executed ``executions`` times.

    Entry ``execution * len(program) + index`` of ``ready``, ``start``, ``end``, ``stall`` and ``cause`` is one
    instruction, as in :class:`pqc.interpreter.simulation.Simulation`. ``work`` is that of one execution.
    """

    program: Sequence[Instruction]
    target: Target
    credits: tuple[Credit, ...]
    work: Sequence[Work]
    executions: int
    fifo_depth: int
    ready: Cycles
    start: Cycles
    end: Cycles
    stall: Cycles
    cause: Cycles

    @property
    def cycles(self) -> int:
        """Cycles from the start until everything is done."""
        return int(self.end.max(initial=0))

    @cached_property
    def completions(self) -> tuple[int, ...]:
        """For each execution when it and all before it are done."""
        if not self.work:
            return (0,) * self.executions
        last = self.end.reshape(self.executions, -1).max(axis=1)
        return tuple(int(time) for time in np.maximum.accumulate(last))

    @property
    def busy(self) -> Mapping[Unit, int]:
        """Cycles each unit works."""
        return {unit: self.executions * sum(w.busy for w in self.work if w.unit == unit) for unit in UNITS}

    @property
    def stalls(self) -> Mapping[Unit, Mapping[str, int]]:
        """Cycles each unit waits before its last instruction is done, by cause."""
        return self.stalls_of(range(self.end.size))

    def stalls_of(self, entries: Sequence[int]) -> dict[Unit, dict[str, int]]:
        """Cycles that each unit waits before and during the instructions ``entries``, by cause.

        Of several things that an instruction waits for before it starts, the last one to come is the cause.
        """
        found: dict[Unit, Counter[str]] = {unit: Counter() for unit in UNITS}
        for entry in entries:
            unit = UNITS[self.work[entry % len(self.work)].unit]
            if stall := int(self.stall[entry]):
                found[unit][self.cause_of(entry)] += stall
            if queued := int(self.start[entry] - self.ready[entry]):
                found[unit][DRAM_BUSY] += queued
            if starved := int(self.starved[entry]):
                found[unit][FIFO_EMPTY if unit is Unit.LOOKUP else FIFO_FULL] += starved
        return {unit: dict(sorted(causes.items())) for unit, causes in found.items()}

    @property
    def dram_bytes(self) -> int:
        """Bytes moved over the external memory's channel."""
        return self.executions * sum(work.dram_bytes for work in self.work)

    @property
    def channel_cycles(self) -> int:
        """Cycles that the external memory's channel is busy."""
        return self.executions * sum(work.channel_cycles for work in self.work)

    @cached_property
    def starved(self) -> Cycles:
        """For each entry the cycles between start and end without work."""
        return self.end - self.start - np.tile([work.busy for work in self.work], self.executions)

    @cached_property
    def _wait_causes(self) -> Sequence[Mapping[Unit, str]]:
        return wait_causes(self.program, self.credits, self.target.accumulator_bits)

    def cause_of(self, entry: int) -> str:
        """What the unit waited for last before the instruction ``entry`` was ready; "" if it did not."""
        cause = int(self.cause[entry])
        if cause == CODES:
            return FIFO_EMPTY
        return "" if cause < 0 else self._wait_causes[entry % len(self.work)][UNITS[cause]]

    def instruction(self, entry: int) -> InstructionTiming:
        """One entry with everything there is to say about it."""
        work = self.work[entry % len(self.work)]
        return InstructionTiming(
            UNITS[work.unit],
            int(self.start[entry]),
            int(self.end[entry]),
            work.busy,
            int(self.stall[entry]),
            self.cause_of(entry),
            int(self.start[entry] - self.ready[entry]),
            work.dram_bytes,
        )

    @cached_property
    def instructions(self) -> tuple[InstructionTiming, ...]:
        """Every entry, execution after execution, each in program order."""
        return tuple(self.instruction(entry) for entry in range(self.end.size))


def simulate(
    instructions: Sequence[Instruction],
    target: Target,
    *,
    executions: int = 1,
    credits: Sequence[Credit] = (),
    free: frozenset[int] = frozenset(),
    fifo_depth: int = FIFO_DEPTH,
) -> Timing:
    """The timing of ``instructions``, in program order, on ``target``.

    Args:
        instructions: the program.
        target: lanes, bandwidth and latency.
        executions: how often the program is executed; each unit starts on the next execution when it is done with
            its part of the one before, and tokens and codes carry over.
        credits: (source, destination, count): tokens that are there at the very start.
        free: indices of instructions that take no time and move nothing, but keep their place and their tokens.
        fifo_depth: entries of the code FIFO.

    Raises:
        ModelError: an instruction needs a unit that the target does not have.
        ProgramError: the instructions deadlock, or a lookup takes other codes than its encode sends.
    """
    work = works(instructions, target, free)
    return timed(instructions, target, work, executions, credits, fifo_depth)


def timed(
    instructions: Sequence[Instruction],
    target: Target,
    work: Sequence[Work],
    executions: int,
    credits: Sequence[Credit],
    fifo_depth: int = FIFO_DEPTH,
) -> Timing:
    """The same for instructions whose work is known."""
    simulation = Simulation(work, executions, credits, target.dram.latency_cycles, fifo_depth)
    simulation.run()
    recorded = (simulation.ready, simulation.start, simulation.end, simulation.stall, simulation.cause)
    arrays = (np.asarray(values, np.int64) for values in recorded)
    return Timing(instructions, target, tuple(credits), work, executions, fifo_depth, *arrays)
