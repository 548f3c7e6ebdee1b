"""What a program is run on: frames from a user's files, as the integers that it takes."""

from __future__ import annotations

from collections.abc import Mapping

from pqc.frontend.preprocessing import Preprocessing, preprocessing_from_numbers
from pqc.isa.program import Program
from pqc.numerics.arrays import FloatArray, IntArray


def recorded_preprocessing(program: Program, origin: str) -> Preprocessing | None:
    """The preprocessing that a program, read from ``origin``, records; None if there is none.

    Raises:
        ModelError: what is recorded is none.
    """
    recorded = program.provenance.get("preprocessing")
    if recorded is None:
        return None
    return preprocessing_from_numbers(recorded["mean"], recorded["std"], f"{origin}: preprocessing")


def quantized_inputs(program: Program, inputs: Mapping[str, FloatArray]) -> dict[str, IntArray]:
    """Real frames of each input on the grids of the program."""
    return {tensor.name: tensor.element.quantize(inputs[tensor.name], tensor.scale) for tensor in program.inputs}
