"""Constants in the form that computing wants, made once for all instructions with the same ones."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from math import prod
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from pqc.numerics.arrays import IntArray
from pqc.numerics.packing import unpack

T = TypeVar("T")


class Constants:
    """What was made from constants, by their bytes and by what it was made for; threads may share it."""

    def __init__(self) -> None:
        self._made: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What ``make`` made for the first one that asked with an equal ``key``."""
        found: T | None = self._made.get(key)
        return self._made.setdefault(key, make()) if found is None else found


def unpacked(data: npt.NDArray[np.uint8], bits: int, shape: tuple[int, ...], signed: bool) -> IntArray:
    """Bit-packed constants as integers [*shape], int32."""
    return unpack(data, prod(shape), bits, signed).reshape(shape)
