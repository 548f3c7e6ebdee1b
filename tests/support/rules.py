"""Programs that break a rule, and the check that refuses them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.instructions import smallest
from support.programs import PqLayer, chain, closed, pq_program, program_of, target, tensor
from support.tiles import row

from pqc.errors import ProgramError
from pqc.interpreter.hazards import check_program
from pqc.isa.fields import Instruction
from pqc.isa.instructions import Fill
from pqc.isa.program import Program
from pqc.planning.target import Target

LAYER = PqLayer.random(np.random.default_rng(0), 2, 4, 4)
CONVOLVE: dict[str, int] = {
    "channels": 4, "height": 2, "width": 2, "plane_stride": 4, "row_stride": 2, "kernel_height": 1,
    "kernel_width": 1, "stride_height": 1, "stride_width": 1, "dilation_height": 1, "dilation_width": 1,
    "output_rows": 2, "output_columns": 2, "groups": 2, "outputs": 4, "weight_bits": 8, "first": 1,
}  # fmt: skip
POOL = {
    **{name: CONVOLVE[name] for name in list(CONVOLVE)[:13]},
    "destination_plane_stride": 4,
    "destination_row_stride": 2,
}


def check(program: Program, of: Target | None = None) -> list[int]:
    return check_program(program, of or target())


def refused(program: Program, message: str, of: Target | None = None) -> None:
    with pytest.raises(ProgramError) as caught:
        check(program, of)
    assert re.search(message, str(caught.value)), str(caught.value)
    assert "\n" not in str(caught.value)


def layer_program() -> Program:
    return pq_program([LAYER])


def change(program: Program, kind: type[Instruction], which: int = 0, **fields: Any) -> Program:
    """The program with other fields in its ``which``-th instruction of a kind."""
    indices = [index for index, instruction in enumerate(program.instructions) if isinstance(instruction, kind)]
    instructions = list(program.instructions)
    instructions[indices[which]] = replace(instructions[indices[which]], **fields)
    return replace(program, instructions=tuple(instructions))


def plain(*instructions: Instruction, dram_bytes: int = 64, constants: int = 16, chained: bool = True) -> Program:
    """Instructions with an input of 16 bytes behind the constants, no outputs."""
    stream, credits = closed(chain(instructions)) if chained else (instructions, ())
    return program_of(
        stream,
        credits=credits,
        constants=bytes(constants),
        dram_bytes=dram_bytes,
        inputs=[tensor("x", (16,), constants)] if dram_bytes >= constants + 16 else [],
    )


def fill(address: int, count: int) -> Instruction:
    return smallest(Fill, destination=address, **row(count))
