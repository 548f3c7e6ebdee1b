"""Who executes the pieces of work: processes on this machine, or a Dask cluster."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context, parent_process
from threading import Thread, current_thread, main_thread

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""What says how many threads linear algebra uses."""


@dataclass(frozen=True)
class Engine:
    """Something that executes functions in other processes.

    ``slots`` says how many pieces of work are handed out at a time. ``lost`` are the exceptions that stand for the end
    of a process that had work to do.
    """

    executor: Executor
    slots: Callable[[], int]
    lost: tuple[type[Exception], ...]


@contextmanager
def local_engine(jobs: int) -> Generator[Engine, None, None]:
    """So many processes on this machine; at the end they are gone, whatever they were doing.

    Each uses one thread: there are as many processes as cores, and sums of floating-point numbers keep their order, so
    that results do not depend on ``jobs``. The processes also end when this one is killed.
    """
    others = active_children()
    # Started afresh and not forked: a fork would inherit the threads' locks of this process and not the threads.
    with _environment(dict.fromkeys(THREADS, "1")), _broken_pipes_are_errors():
        executor = ProcessPoolExecutor(jobs, get_context("spawn"), _prepare_worker)
        try:
            yield Engine(executor, lambda: jobs, (BrokenExecutor,))
        finally:
            workers = [child for child in active_children() if child not in others]
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.join()
            # It waits for the threads that hand work to processes, which notice that those are gone.
            executor.shutdown(cancel_futures=True)


@contextmanager
def _broken_pipes_are_errors() -> Generator[None, None, None]:
    """A pipe to a process that is gone does not end this one; who writes to it is told."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGPIPE, before)


@contextmanager
def _environment(values: dict[str, str]) -> Generator[None, None, None]:
    """Environment variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _prepare_worker() -> None:
    # Ctrl-C reaches every process of the terminal; the one that was started by hand decides what is to be done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
