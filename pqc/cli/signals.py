"""Being interrupted politely: the first Ctrl-C or SIGTERM asks to stop, the second one ends the process."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

ASKING = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Interruption:
    """Whether somebody asked to stop, and by which signal."""

    number: int | None = None

    @property
    def requested(self) -> bool:
        """Whether to stop."""
        return self.number is not None

    @property
    def exit_code(self) -> int:
        """The code that a shell reports for a process that the signal ended; 0 without one."""
        return 0 if self.number is None else 128 + self.number


@contextmanager
def interruption() -> Generator[Interruption, None, None]:
    """While this is open, a signal that asks to stop is only noted."""
    noted = Interruption()
    before = {number: signal.getsignal(number) for number in ASKING}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        del frame
        noted.number = number
        restore()

    for number in ASKING:
        signal.signal(number, note)
    try:
        yield noted
    finally:
        restore()
