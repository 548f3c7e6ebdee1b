"""The part of a program that the PQA paper's cycle model covers: PQ layers, and of transfers codebooks and tables.

Whatever else the machine does takes no time when this part is timed by itself: layers that are not product-quantized,
activations, biases and parameters of requantization. Everything keeps its place, its tokens and its order, so stalls
of the part itself remain.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import numpy.typing as npt

from pqc.isa.access import Access, accesses
from pqc.isa.fields import Instruction, Memory
from pqc.isa.instructions import Load, Lookup, Store
from pqc.planning.target import Target

NOBODY = -1


def outside_paper(
    instructions: Sequence[Instruction], nodes: Sequence[str], quantized: Collection[str], target: Target
) -> frozenset[int]:
    """The indices of the instructions that the paper's model leaves out.

    Args:
        instructions: the program, in an order in which it can be executed.
        nodes: the ONNX node of each instruction.
        quantized: the nodes that are product-quantized.
        target: says how large the table buffer is.
    """
    counted = _table_loads(instructions, target)
    outside: set[int] = set()
    for index, (instruction, node) in enumerate(zip(instructions, nodes, strict=True)):
        transfer = isinstance(instruction, Load | Store)
        codebook = isinstance(instruction, Load) and instruction.buffer is Memory.CODEBOOK
        if node not in quantized or (transfer and not codebook and index not in counted):
            outside.add(index)
    return frozenset(outside)


def _table_loads(instructions: Sequence[Instruction], target: Target) -> set[int]:
    """The loads that write bytes which a lookup reads as its table.

    The program is walked through twice: its first lookups may read what the execution before has loaded for them.
    """
    owner = np.full(target.buffer_bytes(Memory.TABLE), NOBODY, np.int32)
    found: set[int] = set()
    for _ in range(2):
        for index, instruction in enumerate(instructions):
            match instruction:
                case Load(buffer=Memory.TABLE):
                    written = _named(instruction, target, "address")
                    written.view(owner)[...] = index
                case Lookup():
                    found |= _present(_named(instruction, target, "table").view(owner))
                case _:
                    pass
    return found - {NOBODY}


def _named(instruction: Instruction, target: Target, field: str) -> Access:
    """The access of ``instruction`` by its ``field``."""
    return next(access for access in accesses(instruction, target.accumulator_bits) if access.field == field)


def _present(values: npt.NDArray[np.int32]) -> set[int]:
    """The values that occur; they come in long runs."""
    flat = values.reshape(-1)
    ends = np.flatnonzero(flat[1:] != flat[:-1])
    return {int(flat[position]) for position in (*ends, flat.size - 1)}
