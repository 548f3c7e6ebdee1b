"""Progress bars on standard error, when a person watches."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, TypeVar

from pqc.cli.output import say

if TYPE_CHECKING:
    from tqdm import tqdm

Item = TypeVar("Item")


def track(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    """The items, one by one, with a progress bar if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from tqdm import tqdm

    yield from tqdm(items, desc=description, total=total, leave=False, dynamic_ncols=True)


class Steps:
    """How far long work is, with a bar if standard error is a terminal; lines of talk go above the bar."""

    def __init__(self, description: str) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._description = description

    def __enter__(self) -> Steps:
        """Nothing is shown before there is anything to tell."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()

    def show(self, done: int, total: int) -> None:
        """So many of all steps are done."""
        if not sys.stderr.isatty():
            return
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(desc=self._description, leave=False, dynamic_ncols=True)
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        self._bar.refresh()

    def say(self, message: str) -> None:
        """One line of talk."""
        if self._bar is not None:
            self._bar.clear()
        say(message)
        if self._bar is not None:
            self._bar.refresh()


@contextmanager
def pass_progress() -> Generator[None, None, None]:
    """While this is open, long passes show progress bars if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    from tqdm import tqdm

    from pqc.passes.progress import LISTENER

    # Without a delay a bar would stand there before there is anything to tell.
    bar: tqdm[NoReturn] = tqdm(leave=False, dynamic_ncols=True, delay=0.1)

    def listen(what: str, done: int, total: int) -> None:
        bar.total = total
        bar.set_description(what, refresh=False)
        bar.update(done - bar.n)
        bar.refresh()

    token = LISTENER.set(listen)
    try:
        yield
    finally:
        LISTENER.reset(token)
        bar.close()
