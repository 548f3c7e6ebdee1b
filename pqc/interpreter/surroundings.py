"""What instructions are executed in, and what executing one is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from pqc.interpreter.constants import Constants
from pqc.interpreter.operands import Operands
from pqc.isa.access import accumulator_bytes
from pqc.isa.instructions import Convolve, Encode, Pool
from pqc.numerics.arrays import IntArray
from pqc.numerics.kernels import NUMPY, Kernels
from pqc.numerics.window import Window

Fifo: TypeAlias = deque[IntArray]
"""Codes on their way from the encode unit to the lookup unit, [frames, subspaces, columns] each."""

Action: TypeAlias = Callable[[], None]
"""Executes an instruction on the memories that it was prepared for."""


@dataclass(frozen=True)
class Surroundings:
    """What an instruction is executed in: its memories, the code FIFO, and the means of computing."""

    memory: Operands
    fifo: Fifo
    accumulator_bits: int
    shifts_alone: bool = False
    """Whether the vector unit has no multiplier."""
    kernels: Kernels = NUMPY
    constants: Constants = field(default_factory=Constants)


def window_of(i: Encode | Convolve | Pool) -> Window:
    """The window that slides over the input tile, which its padding precedes."""
    return Window(
        (i.kernel_height, i.kernel_width),
        (i.stride_height, i.stride_width),
        (i.pad_top, i.pad_left, 0, 0),
        (i.dilation_height, i.dilation_width),
    )


def accumulator_type(accumulator_bits: int) -> str:
    """The numpy type that stores an accumulator of the lookup unit."""
    return f"<i{accumulator_bytes(accumulator_bits)}"
