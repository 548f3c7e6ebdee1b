"""What an ONNX value is while its graph is imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from xdsl.ir import SSAValue

from pqc.numerics.arrays import AnyArray
from pqc.numerics.shapes import Shape


class RefusalError(Exception):
    """Why one node cannot be imported: a clause that follows its name and type in the message.

    ``remedy`` says how to change the model; None leaves that to what is known of the node's operator.
    """

    def __init__(self, found: str, remedy: str | None = None) -> None:
        super().__init__(found)
        self.remedy = remedy


@dataclass(frozen=True)
class Constant:
    """A value known at import time: an initializer, or computed from such."""

    array: AnyArray
    label: str
    """The name it has in the model."""


@dataclass(frozen=True)
class Stored:
    """Integers that stand for (integer - zero) * scale."""

    kind: str
    """Their numpy type: ``uint8``."""
    zero: int
    scale: float

    def __str__(self) -> str:
        return f"{self.kind} times {self.scale!r} from {self.zero}"


@dataclass(frozen=True)
class Activation:
    """A tensor that depends on the inputs, seen in ``shape``.

    Reshaping makes a new view of the same ``value``; only an operation that reads it, or the function's return,
    turns the last view of a chain into an ``onnx.reshape``. So views with 3 or 5 dimensions that lead back to 2
    or 4 need no operation.
    """

    value: SSAValue
    shape: Shape
    """Starts with ``FRAMES``; the other dimensions are known."""
    view: str = ""
    """Name of the node that gave it this shape, where it is not that of ``value``."""
    stored: Stored | None = None
    """The model has it as these integers here, and only a DequantizeLinear or a move may read it; ``value`` is real."""


@dataclass(frozen=True)
class Unknown:
    """What a refused node would have produced."""

    is_constant: bool
    """It is a shape, or computed from shapes: with the node it hangs on it would have been folded away."""


ImportedValue: TypeAlias = Constant | Activation | Unknown
