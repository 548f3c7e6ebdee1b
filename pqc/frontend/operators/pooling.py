"""Operators that reduce the map."""

from __future__ import annotations

from pqc.dialects.onnx import AveragePoolOp, GlobalAveragePoolOp, MaxPoolOp
from pqc.frontend.node import Node
from pqc.frontend.operators.windows import image_window, rounded_up
from pqc.frontend.values import Activation, RefusalError
from pqc.numerics import shapes
from pqc.numerics.window import Window


def _window(node: Node, *, padding_counts: bool) -> Window:
    """The pooling window with ``ceil_mode`` resolved where that is exact."""
    x = node.activation().shape
    window = image_window(node, x, node.integers("kernel_shape", ()))
    if not node.flag("ceil_mode") or node.string("auto_pad", "NOTSET") != "NOTSET":
        return window
    grown = rounded_up(window, x)
    if padding_counts and grown.output_size(*x[2:]) != window.output_size(*x[2:]):
        raise RefusalError("ceil_mode with count_include_pad: windows would end behind the padding; use explicit pads")
    return grown


def max_pool(node: Node) -> Activation:
    """2-D; strides, pads and dilations up to 255, auto_pad and ceil_mode; storage_order 0, indices are not computed."""
    if node.integer("storage_order", 0) != 0:
        raise RefusalError("storage_order must be 0")
    window = _window(node, padding_counts=False)
    return node.emit(MaxPoolOp(node.operand(), window))


def average_pool(node: Node) -> Activation:
    """2-D; strides, pads and dilations up to 255, auto_pad; ceil_mode, but not together with count_include_pad."""
    counted = node.flag("count_include_pad")
    window = _window(node, padding_counts=counted)
    # Without padding the two ways to count agree; one form of the same thing is enough.
    counted = counted and any(window.pads)
    return node.emit(AveragePoolOp(node.operand(), window, count_include_pad=counted))


def global_average_pool(node: Node) -> Activation:
    """Over height and width of [frames, channels, height, width]."""
    return node.emit(GlobalAveragePoolOp(node.operand()))


def reduce_mean(node: Node) -> Activation:
    """Over height and width, both and nothing else; keepdims 0 or 1."""
    x = node.activation()
    axes = {node.axis(axis, len(x.shape)) for axis in node.listed("axes", 1, "axes") or ()}
    if axes != {2, 3} or len(x.shape) != 4:
        raise RefusalError(
            f"axes {sorted(axes)} of an input {shapes.text(x.shape)}: only the mean over height and width, "
            "axes 2 and 3 of 4, is supported"
        )
    pooled = node.emit(GlobalAveragePoolOp(node.operand()))
    if node.flag("keepdims", default=True):
        return pooled
    return Activation(pooled.value, pooled.shape[:2], node.name)
