"""ONNX's ways to say where a window goes, brought to one: explicit pads, rounded down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pqc.frontend.node import Node
from pqc.frontend.values import RefusalError
from pqc.numerics import shapes
from pqc.numerics.shapes import Shape
from pqc.numerics.window import Window


def image_window(node: Node, x: Shape, kernel: Sequence[int]) -> Window:
    """The node's window over an input of shape ``x``, ``auto_pad`` resolved, ``ceil_mode`` not looked at.

    Raises:
        RefusalError: it is not a 2-D window, or an attribute has a value that no window can have.
        ShapeError: the input is no image.
    """
    if len(kernel) != 2 or len(x) != 4:
        raise RefusalError(
            f"a window of {len(kernel)} dimensions on an input {shapes.text(x)}: only 2-D windows on "
            "[frames, channels, height, width] are supported; give 1-D data a height of 1"
        )
    strides = node.integers("strides", (1, 1))
    dilations = node.integers("dilations", (1, 1))
    pads = node.integers("pads", (0, 0, 0, 0))
    if (len(strides), len(dilations), len(pads)) != (2, 2, 4):
        raise RefusalError("strides and dilations need 2 values each, pads 4")
    if min(*kernel, *strides, *dilations) < 1 or min(pads) < 0:
        raise RefusalError("kernel sizes, strides and dilations must be at least 1, pads at least 0")
    window = Window(
        (kernel[0], kernel[1]),
        (strides[0], strides[1]),
        (pads[0], pads[1], pads[2], pads[3]),
        (dilations[0], dilations[1]),
    )
    return _padded(node, window, shapes.image(x))


def _padded(node: Node, window: Window, x: Shape) -> Window:
    """``window`` with the pads that ``auto_pad`` asks for."""
    mode = node.string("auto_pad", "NOTSET")
    if mode == "NOTSET":
        return window
    if mode == "VALID":
        return replace(window, pads=(0, 0, 0, 0))
    if mode not in ("SAME_UPPER", "SAME_LOWER"):
        raise RefusalError(f"auto_pad '{mode}' does not exist")
    less: list[int] = []
    more: list[int] = []
    for size, stride, extent in zip(x[2:], window.strides, window.extent, strict=True):
        total = max(0, (-(-size // stride) - 1) * stride + extent - size)
        less.append(total // 2)
        more.append(total - total // 2)
    first, last = (less, more) if mode == "SAME_UPPER" else (more, less)
    return replace(window, pads=(first[0], first[1], last[0], last[1]))


def rounded_up(window: Window, x: Shape) -> Window:
    """``window`` padded at the bottom and right so that, rounded down, it has the size that ``ceil_mode`` gives.

    As ONNX says, a window that would start behind the map is left out.
    """
    top, left, *behind = window.pads
    axes = zip(x[2:], window.strides, window.extent, (top, left), behind, strict=True)
    bottom, right = (_behind(size, stride, extent, before, after) for size, stride, extent, before, after in axes)
    return replace(window, pads=(top, left, bottom, right))


def _behind(size: int, stride: int, extent: int, before: int, after: int) -> int:
    steps = -(-(size + before + after - extent) // stride)
    if steps * stride >= size + before:
        steps -= 1
    return max(after, steps * stride + extent - size - before)
