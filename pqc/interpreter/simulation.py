"""The event-driven walk behind the timing model: units, tokens, the code FIFO and the external memory's channel.

All but the channel is a matter of data flow: an instruction starts as soon as its unit, its tokens and its codes are
there, whatever order the others are taken up in. Only on the channel do loads and stores compete, and whichever is
ready first gets it, the load on a tie. So the walk takes up everything else as far as it goes, and then one transfer:
what is not ready by then depends on a transfer itself, and so is ready later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pqc.errors import ProgramError
from pqc.interpreter.code_fifo import CodeFifo, Production
from pqc.interpreter.queues import UNITS
from pqc.interpreter.work import Resource, Work, channel
from pqc.isa.fields import Unit

UNHINDERED = -1
"""The cause of a start that waited for nothing but its unit; a cause from 0 on is the unit that a token came from."""
CODES = len(UNITS)
"""The cause of a start that waited for codes in the FIFO."""

_TRANSFERS = (Unit.LOAD, Unit.STORE)


class Simulation:
    """All queues while the program is executed so many times.

    Entry ``execution * len(work) + index`` of ``ready``, ``start``, ``end`` and the others is one instruction: when
    all was there that it needs, save for the external memory's channel, when it starts and when it ends; for how long
    its unit stood still before it was ready (``stall``) and what ended that (``cause``).
    """

    def __init__(
        self,
        work: Sequence[Work],
        executions: int,
        credits: Sequence[tuple[Unit, Unit, int]],
        latency: int,
        fifo_depth: int,
    ) -> None:
        self.work = work
        entries = len(work) * executions
        self.ready, self.start, self.end, self.stall, self.cause = ([0] * entries for _ in range(5))
        self._latency = latency
        self._channel_free = 0
        self._unit_free = [0] * len(UNITS)
        self._queues: list[list[int]] = [[] for _ in UNITS]
        for index, one in enumerate(work):
            self._queues[one.unit].append(index)
        self._queues = [_repeated(queue, len(work), executions) for queue in self._queues]
        self._next = [0] * len(UNITS)
        # The times of all tokens of each channel, and how many of them have been taken.
        self._sent: list[list[int]] = [[] for _ in range(len(UNITS) ** 2)]
        self._taken = [0] * len(UNITS) ** 2
        for source, destination, count in credits:
            self._sent[channel(source, destination)] += [0] * count
        self._fifo = CodeFifo(fifo_depth)
        self._productions: list[tuple[int, Production]] = []
        self._matched = 0
        self._unfinished: tuple[int, Production] | None = None
        self._advance: dict[int, Callable[[], None]] = {unit: lambda unit=unit: self._plain(unit) for unit in UNITS}
        self._advance[Unit.ENCODE] = self._encode
        self._advance[Unit.LOOKUP] = self._lookup
        self._awake = (1 << len(UNITS)) - 1

    def run(self) -> None:
        """Execute everything.

        Raises:
            ProgramError: the instructions deadlock, or a lookup takes other codes than its encode sends.
        """
        while True:
            while self._awake:
                unit = (self._awake & -self._awake).bit_length() - 1
                self._awake &= self._awake - 1
                self._advance[unit]()
            if not self._transfer():
                break
        stuck = [queue[done] for queue, done in zip(self._queues, self._next, strict=True) if done < len(queue)]
        if stuck:
            heads = ", ".join(str(entry % len(self.work)) for entry in stuck)
            raise ProgramError(f"deadlock: instructions {heads} wait for each other")

    def _head(self, unit: int) -> tuple[int, Work] | None:
        """The entry at the head of a queue and its work; None: the queue is empty, or a token is not there yet."""
        queue, position = self._queues[unit], self._next[unit]
        if position == len(queue):
            return None
        entry = queue[position]
        work = self.work[entry % len(self.work)]
        for _, tokens in work.waits:
            if self._taken[tokens] == len(self._sent[tokens]):
                return None
        return entry, work

    def _begin(self, entry: int, work: Work, codes: int = 0) -> int:
        """Take the head of a queue up: when it is ready, which is not before its first ``codes`` are there."""
        unit = work.unit
        free = time = self._unit_free[unit]
        cause = UNHINDERED
        for source, tokens in work.waits:
            taken = self._taken[tokens]
            arrival = self._sent[tokens][taken]
            self._taken[tokens] = taken + 1
            if arrival > time:
                time, cause = arrival, source
        if codes > time:
            time, cause = codes, CODES
        self._next[unit] += 1
        self.ready[entry], self.stall[entry], self.cause[entry] = time, time - free, cause
        return time

    def _finish(self, entry: int, work: Work, start: int, end: int) -> None:
        self.start[entry], self.end[entry] = start, end
        self._unit_free[work.unit] = end
        for tokens in work.signals:
            self._sent[tokens].append(end)
            self._awake |= 1 << tokens % len(UNITS)

    def _plain(self, unit: int) -> None:
        """Take up all that needs nothing but its unit and its tokens."""
        while (head := self._head(unit)) is not None and head[1].resource is Resource.NOTHING:
            entry, work = head
            start = self._begin(entry, work)
            self._finish(entry, work, start, start + work.busy)

    def _encode(self) -> None:
        while self._unfinished is None and (head := self._head(Unit.ENCODE)) is not None:
            entry, work = head
            if work.resource is Resource.NOTHING:
                start = self._begin(entry, work)
                self._finish(entry, work, start, start + work.busy)
                continue
            production = self._fifo.send(work.columns, work.entries, self._begin(entry, work))
            self._productions.append((entry, production))
            self._unfinished = entry, production
            self._awake |= 1 << Unit.LOOKUP
            self._go_on_encoding()

    def _go_on_encoding(self) -> None:
        """Finish the encode under way, if it is known when the FIFO has room for all its codes."""
        if self._unfinished is None:
            return
        entry, production = self._unfinished
        self._fifo.produce(production)
        if production.end is None:
            return
        self._unfinished = None
        self._awake |= 1 << Unit.ENCODE
        self._finish(entry, self.work[entry % len(self.work)], self.ready[entry], production.end)

    def _lookup(self) -> None:
        while (head := self._head(Unit.LOOKUP)) is not None:
            entry, work = head
            if work.resource is Resource.NOTHING:
                start = self._begin(entry, work)
                self._finish(entry, work, start, start + work.busy)
                continue
            if self._matched == len(self._productions):
                return
            production = self._productions[self._matched][1]
            if not production.done.size:
                return
            self._matched += 1
            columns = production.work.columns
            if work.columns.columns != columns:
                what = f"takes the codes of {work.columns.columns} columns, its encode sends {columns}"
                raise ProgramError(f"instruction {entry % len(self.work)} (lookup) {what}")
            start = self._begin(entry, work, int(production.done[0]))
            self._finish(entry, work, start, self._fifo.take(production, work.columns.cycles, start))
            self._go_on_encoding()

    def _transfer(self) -> bool:
        """Take up the load or store that is ready first; False: there is none."""
        first: tuple[int, int, Work] | None = None
        for unit in _TRANSFERS:
            if (head := self._head(unit)) is None:
                continue
            entry, work = head
            time = max([self._unit_free[unit], *(self._sent[tokens][self._taken[tokens]] for _, tokens in work.waits)])
            if first is None or time < first[0]:
                first = time, entry, work
        if first is None:
            return False
        _, entry, work = first
        # The latency of a transfer passes while the channel still serves the one before.
        start = max(self._begin(entry, work), self._channel_free - self._latency)
        self._channel_free = start + work.busy
        self._awake |= 1 << work.unit
        self._finish(entry, work, start, start + work.busy)
        return True


def _repeated(queue: Sequence[int], length: int, executions: int) -> list[int]:
    return [execution * length + index for execution in range(executions) for index in queue]
