"""Threads that share work in pieces, with results that do not depend on how many threads there are.

numpy lets other threads go on while it computes, so that threads are enough. What is one piece is decided by the work
alone, and the results of the pieces are put together in their order: then sums of floating-point numbers are the same
on every machine, however many cores it has.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_POOL: ContextVar[Executor | None] = ContextVar("pqc_workers", default=None)


@contextmanager
def worker_threads(count: int | None = None) -> Generator[None, None, None]:
    """Inside, :func:`in_parallel` shares work among ``count`` threads.

    By default there are as many as the matrix library would use: one for each core, or what the environment says, for
    instance ``OPENBLAS_NUM_THREADS``. Inside, the matrix library itself computes in one thread in the whole process,
    because it cuts sums differently for another number of threads.
    """
    threadpoolctl: Any = importlib.import_module("threadpoolctl")  # a library without types
    libraries = [entry for entry in threadpoolctl.threadpool_info() if entry["user_api"] == "blas"]
    threads = count or max((int(entry["num_threads"]) for entry in libraries), default=1)
    with threadpoolctl.threadpool_limits(1, "blas"), ThreadPoolExecutor(threads, "pqc") as executor:
        token = _POOL.set(executor)
        try:
            yield
        finally:
            _POOL.reset(token)


def in_parallel(function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """``function`` of every item, in their order; one after the other where there are no :func:`worker_threads`.

    Every call sees the context variables of the caller, but for the threads: what is done in a piece is not cut again.
    An exception of the first piece that has one is raised.
    """
    pool = _POOL.get()
    if pool is None:
        return [function(item) for item in items]

    def call(piece: tuple[Context, Item]) -> Result:
        context, item = piece
        context.run(_POOL.set, None)
        return context.run(function, item)

    return list(pool.map(call, [(copy_context(), item) for item in items]))
