"""Telling a person how far a long pass is, without the pass knowing who listens."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeAlias

Listener: TypeAlias = Callable[[str, int, int], None]
"""Called with what is being done, how many steps are done and how many there are."""


def _silent(what: str, done: int, total: int) -> None:
    """Nobody listens."""


LISTENER: ContextVar[Listener] = ContextVar("pqc_progress", default=_silent)
"""Who listens in this context."""


def report_progress(what: str, done: int, total: int) -> None:
    """Tell the listener."""
    LISTENER.get()(what, done, total)
