"""Work in threads: its order, its context, and what happens to the matrix library's own threads."""

from __future__ import annotations

import importlib
from contextvars import ContextVar
from threading import Barrier, current_thread
from typing import Any

import numpy as np
import pytest

from pqc.workers import in_parallel, worker_threads

PLACE: ContextVar[str] = ContextVar("place")


def blas_threads() -> set[int]:
    threadpoolctl: Any = importlib.import_module("threadpoolctl")
    return {entry["num_threads"] for entry in threadpoolctl.threadpool_info() if entry["user_api"] == "blas"}


def test_results_come_in_order() -> None:
    assert in_parallel(lambda n: n * n, range(20)) == [n * n for n in range(20)]
    with worker_threads(3):
        assert in_parallel(lambda n: n * n, range(20)) == [n * n for n in range(20)]
        assert in_parallel(str, []) == []


def test_pieces_run_at_the_same_time() -> None:
    barrier = Barrier(2, timeout=30)
    with worker_threads(2):
        # each waits for the other
        assert sorted(in_parallel(lambda _: barrier.wait(), range(2))) == [0, 1]


def test_without_threads_everything_is_done_here() -> None:
    assert in_parallel(lambda _: current_thread(), range(3)) == [current_thread()] * 3


def test_pieces_see_the_context_of_the_caller_and_are_not_cut_again() -> None:
    def inside(_: int) -> tuple[str, bool]:
        here = current_thread()
        return PLACE.get(), in_parallel(lambda _: current_thread(), range(2)) == [here] * 2

    token = PLACE.set("outside")
    try:
        with worker_threads(2):
            assert in_parallel(inside, range(4)) == [("outside", True)] * 4
    finally:
        PLACE.reset(token)


def test_the_first_exception_is_raised_and_the_threads_go_on() -> None:
    def fail(number: int) -> int:
        if number % 2:
            raise ValueError(f"piece {number}")
        return number

    with worker_threads(2):
        with pytest.raises(ValueError, match="piece 1"):
            in_parallel(fail, range(6))
        assert in_parallel(abs, [-1, -2]) == [1, 2]


def test_the_matrix_library_uses_one_thread_inside() -> None:
    assert np.eye(2).tolist() == (np.eye(2) @ np.eye(2)).tolist()
    before = blas_threads()
    with worker_threads(2):
        assert blas_threads() == {1}
    assert blas_threads() == before
