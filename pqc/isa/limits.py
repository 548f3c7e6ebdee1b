"""What the fields of an instruction can hold, as refusals that speak of the layer and not of the instruction."""

from __future__ import annotations

from pqc.isa.fields import Instruction
from pqc.numerics.shapes import ShapeError
from pqc.numerics.window import Window


class LimitError(ShapeError):
    """A value that its instruction field cannot hold, in one sentence."""


def check_field(what: str, value: int, instruction: type[Instruction], field: str) -> None:
    """Check that ``value``, which the message calls ``what``, fits the field of ``instruction`` that will hold it.

    Raises:
        LimitError: it does not.
    """
    bits = instruction.fields[field].bits
    if not bits.minimum <= value <= bits.maximum:
        raise LimitError(f"{what} = {value}, allowed are {bits.minimum} to {bits.maximum}")


def check_window(window: Window, instruction: type[Instruction]) -> None:
    """Check that a window fits the fields of ``instruction``.

    The pads behind the map are in no field; they are held to what the pads in front of it are.

    Raises:
        LimitError: it does not.
    """
    for what, values, names in (
        ("kernel size", window.kernel, ("kernel_height", "kernel_width")),
        ("stride", window.strides, ("stride_height", "stride_width")),
        ("dilation", window.dilations, ("dilation_height", "dilation_width")),
        ("pad", window.pads, ("pad_top", "pad_left", "pad_top", "pad_left")),
    ):
        for value, name in zip(values, names, strict=True):
            check_field(what, value, instruction, name)
