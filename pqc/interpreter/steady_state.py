"""What one more execution costs once they follow each other.

The first executions fill the queues and the last ones drain them; in between, the times at which executions are
complete settle into increments that repeat with some period, often 1. The cost is the mean over one period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from pqc.interpreter.timing import Timing, timed
from pqc.interpreter.tokens import Credit
from pqc.interpreter.work import Resource, works
from pqc.isa.fields import Instruction, Unit
from pqc.planning.target import Target

FIRST_TRY = 6
"""Executions that are simulated at first; twice as many each time that they have not settled."""
MOST_ENTRIES = 400_000
"""No more instructions are simulated than this, and no more executions than the next figure."""
MOST_EXECUTIONS = 96
CONFIRMATIONS = 3
"""Increments in a row, and two periods at least, that must agree with a period before it counts as found."""


@dataclass(frozen=True)
class SteadyState:
    """The simulated executions, and between which of them the increments were measured.

    From the completion of execution ``first`` to that of execution ``last`` is a whole number of
    periods. ``settled``: a period was found; otherwise the mean is over the second half of what was simulated.
    """

    timing: Timing
    first: int
    last: int
    settled: bool

    @property
    def begin(self) -> int:
        """When the window of measurement begins, in cycles from the start."""
        return self.timing.completions[self.first]

    @property
    def end(self) -> int:
        """When it ends."""
        return self.timing.completions[self.last]

    @property
    def executions(self) -> int:
        """Executions in the window."""
        return self.last - self.first

    @property
    def cycles(self) -> Fraction:
        """Cycles of one more execution."""
        return Fraction(self.end - self.begin, self.executions)

    @property
    def entries(self) -> range:
        """The entries of ``timing`` that belong to the executions in the window."""
        count = len(self.timing.program)
        return range((self.first + 1) * count, (self.last + 1) * count)


def steady_state(
    instructions: Sequence[Instruction],
    target: Target,
    *,
    credits: Sequence[Credit] = (),
    free: frozenset[int] = frozenset(),
) -> SteadyState:
    """The cost of one more execution of ``instructions``.

    Raises:
        ModelError: an instruction needs a unit that the target does not have.
        ProgramError: the instructions deadlock, or a lookup takes other codes than its encode sends.
    """
    work = works(instructions, target, free)
    most = max(3, min(MOST_EXECUTIONS, MOST_ENTRIES // max(len(work), 1)))
    executions = min(FIRST_TRY, most)
    while True:
        timing = timed(instructions, target, work, executions, credits)
        final = _final_completions(timing)
        period = repeating_period(final)
        if period is not None:
            return SteadyState(timing, len(final) - 1 - period, len(final) - 1, settled=True)
        if executions >= most:
            last = max(len(final), 2) - 1
            return SteadyState(timing, last // 2, last, settled=False)
        executions = min(2 * executions, most)


def _final_completions(timing: Timing) -> tuple[int, ...]:
    """The completions that further executions would not change.

    All that follows later could do is compete for the external memory's channel, and its transfers come behind the
    last simulated ones of their queue.
    """
    transfers = {w.unit for w in timing.work if w.resource is Resource.CHANNEL}
    if len(transfers) < 2:
        return timing.completions
    horizon = min(_last_end(timing, unit) for unit in (Unit.LOAD, Unit.STORE))
    return tuple(time for time in timing.completions if time <= horizon)


def _last_end(timing: Timing, unit: Unit) -> int:
    last = max(index for index, work in enumerate(timing.work) if work.unit == unit)
    return int(timing.end[last - len(timing.work)])


def repeating_period(completions: Sequence[int]) -> int | None:
    """The shortest period of the last increments between ``completions``; None: they have not settled."""
    steps = [after - before for before, after in pairwise(completions)]
    for period in range(1, len(steps) // 2 + 1):
        checked = max(CONFIRMATIONS, 2 * period)
        tail = steps[-checked:]
        if len(tail) == checked and all(a == b for a, b in zip(tail, tail[period:], strict=False)):
            return period
    return None
