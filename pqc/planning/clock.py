"""The time line of a computation whose steps follow each other, and that loads put off when they come too late."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass
class Clock:
    """When steps happen: at their own times, put off by the delays of the steps up to them."""

    times: Sequence[int]
    steps: list[int] = field(default_factory=list[int])
    delays: list[int] = field(default_factory=list[int])

    def at(self, step: int) -> int:
        """When a step happens."""
        found = bisect_right(self.steps, step)
        return self.times[step] + (self.delays[found - 1] if found else 0)

    def put_off(self, step: int, until: int) -> None:
        """Let a step happen at ``until`` at the earliest, and all that follow as much later."""
        late = until - self.at(step)
        if late <= 0:
            return
        place = bisect_right(self.steps, step)
        before = self.delays[place - 1] if place else 0
        self.steps.insert(place, step)
        self.delays.insert(place, before)
        self.delays[place:] = [delay + late for delay in self.delays[place:]]
