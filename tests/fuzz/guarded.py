"""One function in a process of its own, which may take so much time and memory and no more."""

from __future__ import annotations

import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

MEMORY = 3 << 30
"""Bytes that a case may take beyond what it starts with."""

MESSAGE = 65536
"""Bytes of the answer that are kept."""


@dataclass(frozen=True)
class Answer:
    """What a case came to: ``text`` is what it returned, or with ``fault`` what went wrong."""

    text: str
    fault: bool


def guarded(function: Callable[[], str], seconds: float) -> Answer:
    """Execute ``function``, which returns a text that is not empty, in a copy of this process.

    An exception, a signal, or more than ``seconds`` is a fault.
    """
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(function, writing)
    os.close(writing)
    try:
        return _listen(reading, child, seconds)
    finally:
        os.close(reading)


def _listen(reading: int, child: int, seconds: float) -> Answer:
    if not select.select([reading], [], [], seconds)[0]:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return Answer(f"longer than {seconds:g} seconds", fault=True)
    text = b""
    while part := os.read(reading, MESSAGE):
        text += part
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return Answer(f"ended by {signal.Signals(os.WTERMSIG(status)).name}", fault=True)
    return Answer(text.decode(errors="replace"), fault=os.WEXITSTATUS(status) != 0)


def _answer(function: Callable[[], str], writing: int) -> NoReturn:
    """What the copy does: it ends here, whatever happens, and never returns to what its parent was doing."""
    text = ""
    try:
        _limit_memory()
        text = function()
    finally:
        said = text or traceback.format_exc()
        os.write(writing, said.encode(errors="replace")[-MESSAGE:])
        os._exit(0 if text else 1)


def _limit_memory() -> None:
    sizes = Path("/proc/self/statm")
    if not sizes.exists():
        return  # only Linux says how much is used already
    most = int(sizes.read_text().split()[0]) * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
