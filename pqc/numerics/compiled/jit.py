"""Numba, behind types: what is compiled, for which types, and where the results are kept.

A kernel is compiled for one signature when it is first wanted, and Numba keeps the machine code on disk: beside the
source where that may be written, else in the user's cache folder (``NUMBA_CACHE_DIR`` overrides both). All arrays are
taken with any strides, so that a view that happens to be contiguous is no type of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import numpy as np
import numpy.typing as npt

P = ParamSpec("P")
R = TypeVar("R")

numba: Any = importlib.import_module("numba")
"""Numba has no types of its own."""

OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
"""``contract`` allows a product and a sum in one rounding: all our sums are exact, so that it changes no result."""


def inner(function: Callable[P, R]) -> Callable[P, R]:
    """A function that kernels call; it is compiled with them."""
    compiled: Callable[P, R] = numba.njit(**OPTIONS)(function)
    return compiled


def glue(function: Callable[P, R]) -> Callable[P, R]:
    """A function that is made part of those that call it: LLVM optimizes what it calls once less."""
    compiled: Callable[P, R] = numba.njit(inline="always", **OPTIONS)(function)
    return compiled


def strided(kind: npt.DTypeLike, dimensions: int, *, written: bool = False) -> Any:
    """The type of an array with any strides, at any address; one that is not ``written`` may be read-only."""
    return numba.types.Array(numba.from_dtype(np.dtype(kind)), dimensions, "A", readonly=not written, aligned=False)


def dense(kind: npt.DTypeLike) -> Any:
    """The type of a contiguous array of one dimension."""
    return numba.types.Array(numba.from_dtype(np.dtype(kind)), 1, "C")


def record(kind: type[tuple[Any, ...]], fields: int) -> Any:
    """The type of a named tuple of integers."""
    return numba.types.NamedUniTuple(numba.types.int64, fields, kind)


def compiled(function: Callable[P, R], *arguments: Any) -> Callable[P, R]:
    """``function``, compiled for arguments of these types and kept on disk where a folder can be written."""
    signature = tuple(arguments)
    try:
        kernel: Callable[P, R] = numba.njit(signature, cache=True, **OPTIONS)(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        # neither beside the source nor in the user's folder: compiled again in each process
        kernel = numba.njit(signature, **OPTIONS)(function)
    return kernel
