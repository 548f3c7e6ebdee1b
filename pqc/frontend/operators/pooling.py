"""Operators that reduce the map, or any other dimensions behind the frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

from xdsl.ir import SSAValue

from pqc.dialects.onnx import AveragePoolOp, GlobalAveragePoolOp, MaxPoolOp
from pqc.dialects.onnx_base import FloatOp
from pqc.frontend.node import Node
from pqc.frontend.operators.moves import around, with_size
from pqc.frontend.operators.selection import with_zeros
from pqc.frontend.operators.windows import UNMOVED, Side, sides, window_of
from pqc.frontend.values import Activation, RefusalError
from pqc.numerics import shapes
from pqc.numerics.shapes import FRAMES
from pqc.numerics.window import Window

Pooled = Callable[[SSAValue, Window], FloatOp]
"""Makes the operation that pools a map with a window."""


def max_pool(node: Node) -> Activation:
    """In 1 to 3 dimensions, with auto_pad and ceil_mode; strides and pads up to 255; no indices, storage_order 0."""
    if node.integer("storage_order", 0) != 0:
        raise RefusalError("storage_order must be 0")
    return _pooled(node, node.activation(), _sides(node), MaxPoolOp)


def average_pool(node: Node) -> Activation:
    """In 1 to 3 dimensions, with auto_pad, ceil_mode, count_include_pad and dilations; strides and pads up to 255."""
    x, counted = node.activation(), node.flag("count_include_pad")
    asked, exact = _sides(node), sides(node, node.activation().shape, _kernel(node), 3)
    # Without padding the two ways to count agree; one form of the same thing is enough.
    counted = counted and any(side.before or side.after for side in exact)
    if counted and asked != exact:
        # what ceil_mode adds behind the padding does not count, so the padding becomes part of the map
        x = with_zeros(node, x, [0, 0, *(side.before for side in exact)], [0, 0, *(side.after for side in exact)])
        asked = [
            replace(side, size=size, before=0, after=max(0, side.after - pad.after))
            for side, pad, size in zip(asked, exact, x.shape[2:], strict=True)
        ]
        counted = False
    return _pooled(node, x, asked, lambda value, window: AveragePoolOp(value, window, count_include_pad=counted))


def _kernel(node: Node) -> tuple[int, ...]:
    return node.integers("kernel_shape", ())


def _sides(node: Node) -> list[Side]:
    """The pooling window with ``ceil_mode`` resolved."""
    found = sides(node, node.activation().shape, _kernel(node), 3)
    if not node.flag("ceil_mode") or node.string("auto_pad", "NOTSET") != "NOTSET":
        return found
    return [side.rounded_up for side in found]


def _pooled(node: Node, x: Activation, window: Sequence[Side], pooled: Pooled) -> Activation:
    """``x`` pooled along the last two dimensions, and before that along another one if the window has three."""
    for axis, side in enumerate(window[:-2], start=2):
        op = pooled(node.seen(x, around(x.shape, axis)), window_of(side, UNMOVED))
        x = node.at(f"axis_{axis}").emit(op, with_size(x.shape, axis, side.count))
    last = window[-2:]
    rows, columns = last if len(last) == 2 else (UNMOVED, last[0])
    frames, *frame = x.shape
    seen = (frames, prod(frame[: -len(last)]), *((1,) if len(last) == 1 else ()), *frame[-len(last) :])
    shape = (*x.shape[: -len(last)], *(side.count for side in last))
    return node.emit(pooled(node.seen(x, seen), window_of(rows, columns)), shape)


def global_average_pool(node: Node) -> Activation:
    """Over all dimensions behind the channels."""
    x = _map(node)
    return node.emit(GlobalAveragePoolOp(node.seen(x)), _single(x))


def global_max_pool(node: Node) -> Activation:
    """Over all dimensions behind the channels."""
    x = _map(node)
    value = node.seen(x)
    _, _, height, width = shapes.carried(x.shape)
    return node.emit(MaxPoolOp(value, Window((height, width))), _single(x))


def _map(node: Node) -> Activation:
    x = node.activation()
    if len(x.shape) < 3:
        raise RefusalError(f"the input must be [frames, channels, ...], it is {shapes.text(x.shape)}")
    return x


def _single(x: Activation) -> shapes.Shape:
    """One element for each channel."""
    return (*x.shape[:2], *[1] * (len(x.shape) - 2))


def reduce_mean(node: Node) -> Activation:
    """Over any dimensions but the first; keepdims 0 or 1."""
    return _reduced(node, AveragePoolOp)


def reduce_max(node: Node) -> Activation:
    """Over any dimensions but the first; keepdims 0 or 1."""
    return _reduced(node, MaxPoolOp)


def _reduced(node: Node, pooled: Pooled) -> Activation:
    """One element for all along the axes that the node names."""
    x = node.activation()
    rank = len(x.shape)
    named = node.listed("axes", 1, "axes")
    if not named and node.flag("noop_with_empty_axes"):
        return x
    axes = sorted({node.axis(axis, rank) for axis in named or range(rank)})
    if axes[0] == 0:
        raise RefusalError(f"axes {list(named or ())} of an input {shapes.text(x.shape)}: the frames are among them")
    shape = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
    found = over(node, x, axes, pooled)
    kept = shape if node.flag("keepdims", default=True) else tuple(s for a, s in enumerate(shape) if a not in axes)
    return found if kept == found.shape else node.view(found, kept)


def over(node: Node, x: Activation, axes: Sequence[int], pooled: Pooled) -> Activation:
    """``x`` reduced along ``axes``, those that are neighbours at once."""
    if list(axes) == [2, 3] and len(x.shape) == 4 and pooled is not MaxPoolOp:
        return node.emit(GlobalAveragePoolOp(node.seen(x)))
    for run in reversed(_neighbours(axes)):
        here = node if run[0] == axes[0] else node.at(f"axis_{run[0]}")
        first, end = run[0], run[-1] + 1
        before, size, after = prod(x.shape[1:first]), prod(x.shape[first:end]), prod(x.shape[end:])
        seen, window = ((before, 1, size), (1, size)) if after == 1 else ((before, size, after), (size, 1))
        op = pooled(node.seen(x, (FRAMES, *seen)), Window(window))
        x = here.emit(op, tuple(1 if axis in run else length for axis, length in enumerate(x.shape)))
    return x


def _neighbours(axes: Sequence[int]) -> list[list[int]]:
    """``axes``, ascending, in runs without gaps."""
    runs: list[list[int]] = []
    for axis in axes:
        if runs and axis == runs[-1][-1] + 1:
            runs[-1].append(axis)
        else:
            runs.append([axis])
    return runs
