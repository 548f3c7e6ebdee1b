"""Which instructions use the code FIFO: the k-th one that sends belongs to the k-th one that takes."""

from __future__ import annotations

from typing import TypeGuard

from pqc.isa.fields import Instruction
from pqc.isa.instructions import Encode, Lookup


def sends_to_fifo(instruction: Instruction) -> TypeGuard[Encode]:
    """Whether ``instruction`` sends codes to the FIFO."""
    return isinstance(instruction, Encode) and not instruction.to_buffer


def takes_from_fifo(instruction: Instruction) -> TypeGuard[Lookup]:
    """Whether ``instruction`` takes the codes of one encode from the FIFO."""
    return isinstance(instruction, Lookup) and not instruction.from_buffer
