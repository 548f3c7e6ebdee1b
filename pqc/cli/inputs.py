"""What a program is run on: frames from a user's files, as the integers that it takes."""

from __future__ import annotations

from collections.abc import Mapping

from pqc.isa.program import Program
from pqc.numerics.arrays import FloatArray, IntArray


def quantized_inputs(program: Program, inputs: Mapping[str, FloatArray]) -> dict[str, IntArray]:
    """Real frames of each input on the grids of the program."""
    return {tensor.name: tensor.element.quantize(inputs[tensor.name], tensor.scale) for tensor in program.inputs}
