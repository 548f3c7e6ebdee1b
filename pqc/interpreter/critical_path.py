"""What the time of a program goes for: the chain of instructions that each wait for the one before.

From the end of the program back to its start, every cycle belongs to the one instruction that everything later waits
for at that moment: what is off this path could take longer, up to a point, and nothing would change. When executions
follow each other the path repeats itself: one round of it, the critical circuit, is the cost of one more execution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from pqc.errors import InternalError
from pqc.interpreter.queues import UNITS
from pqc.interpreter.simulation import CODES
from pqc.interpreter.steady_state import SteadyState
from pqc.interpreter.timing import DRAM_BUSY, FIFO_EMPTY, FIFO_FULL, Timing
from pqc.interpreter.tokens import Sender, senders
from pqc.interpreter.work import Resource, Work
from pqc.isa.fields import Unit


class Stretch(NamedTuple):
    """The cycles ``begin`` to ``end`` belong to the instruction ``entry`` of the timing.

    ``cause`` is what it waited for before; "" if it followed the one before on its unit, or nothing.
    """

    entry: int
    begin: int
    end: int
    cause: str

    @property
    def cycles(self) -> int:
        """How long it is."""
        return self.end - self.begin


@dataclass(frozen=True)
class CriticalPath:
    """Stretches without gaps, latest first; they take as long as ``executions`` executions do."""

    timing: Timing
    stretches: tuple[Stretch, ...]
    executions: int

    @property
    def cycles(self) -> int:
        """The length of the path."""
        return sum(stretch.cycles for stretch in self.stretches)


def critical_path(timing: Timing) -> CriticalPath:
    """The path from the start to the end of all that is simulated."""
    if not timing.cycles:
        return CriticalPath(timing, (), timing.executions)
    return CriticalPath(timing, tuple(_Walk(timing).back_from(timing.executions - 1)), timing.executions)


def critical_circuit(steady: SteadyState) -> CriticalPath:
    """The path of one more execution, or of a few after which it repeats.

    Where it does not come back to where it was within what is simulated, it is the path through the window in which
    the steady state was measured.
    """
    if not steady.end - steady.begin:
        return CriticalPath(steady.timing, (), steady.executions)
    count = len(steady.timing.program)
    walked: list[Stretch] = []
    seen: dict[tuple[int, int], int] = {}
    for stretch in _Walk(steady.timing).back_from(steady.last):
        execution, index = divmod(stretch.entry, count)
        place = index, stretch.end - int(steady.timing.start[stretch.entry])
        if (first := seen.get(place)) is not None:
            executions = walked[first].entry // count - execution
            if executions and walked[first].end - stretch.end == steady.cycles * executions:
                return CriticalPath(steady.timing, tuple(walked[first:]), executions)
        seen[place] = len(walked)
        walked.append(stretch)
    inside = (stretch._replace(begin=max(stretch.begin, steady.begin)) for stretch in walked)
    return CriticalPath(steady.timing, tuple(s for s in inside if s.cycles > 0), steady.executions)


Step = tuple[int, int]
"""An instruction, and the time at which the path reaches it from behind."""


class _Walk:
    """What comes before each instruction of a timing."""

    def __init__(self, timing: Timing) -> None:
        self.timing = timing
        self.count = len(timing.work)
        self._start, self._end = timing.start.tolist(), timing.end.tolist()
        self._previous: dict[int, Sender] = {}
        for unit in UNITS:
            queue = [index for index, work in enumerate(timing.work) if work.unit == unit]
            for position, index in enumerate(queue):
                self._previous[index] = queue[position - 1], int(position == 0)
        self._senders = senders(timing.program, timing.credits)
        self._encodes, self._lookups = (self._entries(end) for end in (Resource.FIFO_IN, Resource.FIFO_OUT))
        self._pairs = {entry: pair for both in (self._encodes, self._lookups) for pair, entry in enumerate(both)}
        transfers = sorted(self._entries(Resource.CHANNEL), key=lambda entry: self._start[entry])
        self._transfer_before = {after: before for before, after in pairwise(transfers)}

    def _entries(self, resource: Resource) -> list[int]:
        of = [index for index, work in enumerate(self.timing.work) if work.resource is resource]
        return [execution * self.count + index for execution in range(self.timing.executions) for index in of]

    def back_from(self, execution: int) -> Iterator[Stretch]:
        """From the end of an execution, and of all before it, to the start."""
        time = self.timing.completions[execution]
        entry = max(entry for entry in range((execution + 1) * self.count) if self._end[entry] == time)
        for _ in range(8 * len(self._end)):
            stretch, before = self._step(entry, time)
            if stretch.cycles:
                yield stretch
            if before is None:
                return
            entry, time = before
        raise InternalError("the critical path does not end")

    def _step(self, entry: int, time: int) -> tuple[Stretch, Step | None]:
        """The part of ``entry`` that ends at ``time`` and what was waited for before it; None: nothing."""
        found: tuple[str, Step] | None = None
        if time == self._end[entry] and self.timing.starved[entry]:
            found = self._lookup_tail(entry) if self._work(entry).unit == Unit.LOOKUP else self._encode_tail(entry)
        if found is not None:
            cause, before = found
            return Stretch(entry, before[1], time, cause), before
        cause, before = self._before(entry)
        return Stretch(entry, self._start[entry], time, cause), before

    def _work(self, entry: int) -> Work:
        return self.timing.work[entry % self.count]

    def _before(self, entry: int) -> tuple[str, Step | None]:
        """What ``entry`` waited for last before it started, and why."""
        start = self._start[entry]
        if not start:
            return "", None
        if start > self.timing.ready[entry]:
            return DRAM_BUSY, (self._transfer_before[entry], start)
        if not self.timing.stall[entry]:
            return "", (self._earlier(entry, self._previous[entry % self.count]), start)
        cause = int(self.timing.cause[entry])
        if cause == CODES:
            return FIFO_EMPTY, (self._encodes[self._pairs[entry]], start)
        sender = self._senders[entry % self.count][UNITS[cause]]
        return self.timing.cause_of(entry), (self._earlier(entry, sender), start)

    def _earlier(self, entry: int, which: Sender) -> int:
        index, executions = which
        return (entry // self.count - executions) * self.count + index

    def _lookup_tail(self, entry: int) -> tuple[str, Step] | None:
        """The last column, if the encode was only just in time with it."""
        encode, tail = self._encodes[self._pairs[entry]], self._end[entry] - self._work(entry).columns.cycles
        return (FIFO_EMPTY, (encode, tail)) if self._end[encode] == tail else None

    def _encode_tail(self, entry: int) -> tuple[str, Step] | None:
        """The last columns, if their start was held up by a full FIFO, and the lookup that it was full because of."""
        work, end = self._work(entry), self._end[entry]
        pair = self._pairs[entry]
        own, cycles = self._lookups[pair], self._work(self._lookups[pair]).columns.cycles
        window = max(self.timing.fifo_depth // work.entries, 1)
        last = end - work.columns.cycles
        if last == self._end[own] - (window + 1) * cycles:
            return FIFO_FULL, (own, last)
        begin = end - (work.columns.columns - window) * work.columns.cycles
        if begin == self._start[own] < end:
            return FIFO_FULL, (own, begin)
        # Held up by the pair before, column by column: as if all of the waiting had come first.
        begin = self._start[entry] + int(self.timing.starved[entry])
        earlier = self._lookups[pair - 1] if pair else None
        if earlier is not None and self._start[earlier] < begin <= self._end[earlier]:
            return FIFO_FULL, (earlier, begin)
        return None
