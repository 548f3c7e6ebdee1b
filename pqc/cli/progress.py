"""Progress bars on standard error, when a person watches."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn, TypeVar

Item = TypeVar("Item")


def track(items: Iterable[Item], description: str, total: int) -> Iterator[Item]:
    """The items, one by one, with a progress bar if standard error is a terminal."""
    if not sys.stderr.isatty():
        yield from items
        return
    from tqdm import tqdm

    yield from tqdm(items, desc=description, total=total, leave=False, dynamic_ncols=True)


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
