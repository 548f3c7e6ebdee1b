"""Operations of the float level without parameters, in torch: each makes a function of its operands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xdsl.ir import Operation

from pqc.dialects import onnx
from pqc.numerics.window import Window
from pqc.training import pointwise
from pqc.training.patches import padded
from pqc.training.torch_library import Tensor, functional, torch

Function = Callable[..., Tensor]


def _pointwise(op: onnx.PointwiseOp) -> Function:
    return pointwise.group(op, OPERATIONS)


def _relu(_: onnx.ReluOp) -> Function:
    def run(x: Tensor) -> Tensor:
        return functional.relu(x)

    return run


def _clip(op: onnx.ClipOp) -> Function:
    low, high = op.bounds

    def run(x: Tensor) -> Tensor:
        return x.clamp(low, high)

    return run


def _max_pool(op: onnx.MaxPoolOp) -> Function:
    window = op.window

    def run(x: Tensor) -> Tensor:
        around = padded(x, window, -torch.inf)
        return functional.max_pool2d(around, window.kernel, window.strides, 0, window.dilations)

    return run


def _average_pool(op: onnx.AveragePoolOp) -> Function:
    window, whole = op.window, bool(op.count_include_pad.value.data)

    def run(x: Tensor) -> Tensor:
        inside = torch.ones_like(x[:1, :1])
        counts = window.kernel[0] * window.kernel[1] if whole else _sums(inside, window).clamp_min(1)
        return _sums(x, window) / counts

    return run


def _sums(x: Tensor, window: Window) -> Tensor:
    """The sum of each window, channel by channel."""
    channels = x.shape[1]
    ones = x.new_ones(channels, 1, *window.kernel)
    return functional.conv2d(padded(x, window), ones, None, window.strides, 0, window.dilations, channels)


def _global_average_pool(_: onnx.GlobalAveragePoolOp) -> Function:

    def run(x: Tensor) -> Tensor:
        return x.mean(dim=(2, 3), keepdim=True)

    return run


def _reshape(op: onnx.ReshapeOp) -> Function:
    shape = op.result_shape()[1:]

    def run(x: Tensor) -> Tensor:
        return x.reshape(len(x), *shape)

    return run


def _transpose(op: onnx.TransposeOp) -> Function:
    order = tuple(op.perm.get_values())

    def run(x: Tensor) -> Tensor:
        return x.permute(order)

    return run


def _slice(op: onnx.SliceOp) -> Function:
    ranges = zip(op.starts.get_values(), op.steps.get_values(), op.sizes, strict=True)
    slices = tuple(slice(start, start + (size - 1) * step + 1, step) for start, step, size in ranges)

    def run(x: Tensor) -> Tensor:
        return x[(slice(None), *slices)]

    return run


def _pad(op: onnx.PadOp) -> Function:
    sides = list(zip(op.before.get_values(), op.after.get_values(), strict=True))
    flat = tuple(size for pair in reversed(sides) for size in pair)

    def run(x: Tensor) -> Tensor:
        return functional.pad(x, flat)

    return run


def _concat(op: onnx.ConcatOp) -> Function:
    axis = op.axis.value.data

    def run(*parts: Tensor) -> Tensor:
        return torch.cat(parts, dim=axis)

    return run


OPERATIONS: dict[type[Operation], Callable[[Any], Function]] = {
    onnx.AddOp: pointwise.add,
    onnx.SubOp: pointwise.subtract,
    onnx.MulOp: pointwise.multiply,
    onnx.FunctionOp: pointwise.function,
    onnx.PReluOp: pointwise.prelu,
    onnx.PointwiseOp: _pointwise,
    onnx.ReluOp: _relu,
    onnx.ClipOp: _clip,
    onnx.MaxPoolOp: _max_pool,
    onnx.AveragePoolOp: _average_pool,
    onnx.GlobalAveragePoolOp: _global_average_pool,
    onnx.ReshapeOp: _reshape,
    onnx.TransposeOp: _transpose,
    onnx.SliceOp: _slice,
    onnx.PadOp: _pad,
    onnx.ConcatOp: _concat,
}
"""One entry for every operation of the ``onnx`` dialect that is left behind fuse-epilogue and has no parameters."""
