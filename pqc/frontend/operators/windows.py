"""ONNX's ways to say where a window goes, brought to one: explicit pads, rounded down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pqc.frontend.node import Node
from pqc.frontend.values import RefusalError
from pqc.numerics import shapes
from pqc.numerics.shapes import Shape
from pqc.numerics.window import Window


@dataclass(frozen=True)
class Side:
    """A window along one dimension of a map of ``size``."""

    size: int
    kernel: int
    stride: int
    before: int
    after: int
    dilation: int

    @property
    def extent(self) -> int:
        """Elements from the first tap to the last."""
        return (self.kernel - 1) * self.dilation + 1

    @property
    def count(self) -> int:
        """How many windows there are."""
        return (self.size + self.before + self.after - self.extent) // self.stride + 1

    @property
    def rounded_up(self) -> Side:
        """Padded behind so that, rounded down, there are as many windows as ``ceil_mode`` gives.

        As ONNX says, a window that would start behind the map is left out.
        """
        steps = -(-(self.size + self.before + self.after - self.extent) // self.stride)
        if steps * self.stride >= self.size + self.before:
            steps -= 1
        return replace(self, after=max(self.after, steps * self.stride + self.extent - self.size - self.before))


UNMOVED = Side(1, 1, 1, 0, 0, 1)
"""Along a dimension that is not there."""


def window_of(rows: Side, columns: Side) -> Window:
    """The window that has these two sides."""
    return Window(
        (rows.kernel, columns.kernel),
        (rows.stride, columns.stride),
        (rows.before, columns.before, rows.after, columns.after),
        (rows.dilation, columns.dilation),
    )


def sides(node: Node, x: Shape, kernel: Sequence[int], most: int) -> list[Side]:
    """The node's window over an input of shape ``x``, ``auto_pad`` resolved, ``ceil_mode`` not looked at.

    Raises:
        RefusalError: it has more than ``most`` dimensions or others than the input, or an attribute has a value that
            no window can have.
    """
    rank = len(kernel)
    if not 1 <= rank <= most or len(x) != rank + 2:
        allowed = "1 or 2 dimensions" if most == 2 else f"1 to {most} dimensions"
        raise RefusalError(
            f"a window of {rank} dimensions on an input {shapes.text(x)}: only windows of {allowed} are supported, on "
            "[frames, channels, ...] with as many behind the channels"
        )
    strides = node.integers("strides", (1,) * rank)
    dilations = node.integers("dilations", (1,) * rank)
    pads = node.integers("pads", (0,) * 2 * rank)
    if (len(strides), len(dilations), len(pads)) != (rank, rank, 2 * rank):
        raise RefusalError(f"strides and dilations need {rank} values each, pads {2 * rank}")
    if min(*kernel, *strides, *dilations) < 1 or min(pads) < 0:
        raise RefusalError("kernel sizes, strides and dilations must be at least 1, pads at least 0")
    values = zip(x[2:], kernel, strides, pads[:rank], pads[rank:], dilations, strict=True)
    return [_padded(node, Side(*along)) for along in values]


def _padded(node: Node, side: Side) -> Side:
    """``side`` with the pads that ``auto_pad`` asks for."""
    mode = node.string("auto_pad", "NOTSET")
    if mode == "NOTSET":
        return side
    if mode == "VALID":
        return replace(side, before=0, after=0)
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise RefusalError(f"auto_pad '{mode}' does not exist")
    total = max(0, (-(-side.size // side.stride) - 1) * side.stride + side.extent - side.size)
    less, more = total // 2, total - total // 2
    return replace(side, before=less, after=more) if mode == "SAME_UPPER" else replace(side, before=more, after=less)
