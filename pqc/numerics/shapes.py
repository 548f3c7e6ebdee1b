"""The result shape of every float operation: one definition for the importer, the verifiers and the kernels.

A shape here includes its first dimension, the frames: any number, or ``FRAMES`` where it is left open.
Activations that are computed with are [frames, channels, height, width] or [frames, features]; what a network takes
and gives may have other dimensions behind the frames, and a reshape leads from one to the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeAlias

from pqc.numerics.window import Window

FRAMES = -1
"""The number of frames where it is left open."""

Shape: TypeAlias = tuple[int, ...]

MOST_DIMENSIONS = 9
"""Dimensions of a tensor, the frames included; a program file holds no more."""

LARGEST_FRAME = 2**28
"""Elements of an activation of one frame; 8192 x 8192 images with 4 channels are that large."""


class ShapeError(ValueError):
    """Operands whose shapes do not go together, in one sentence."""


def text(shape: Sequence[int]) -> str:
    """``?x16x32x32`` for the shape of an activation."""
    return "x".join("?" if size == FRAMES else str(size) for size in shape)


def framed(shape: Shape) -> Shape:
    """``shape`` itself: frames of any dimensions.

    Raises:
        ShapeError: it has no dimension behind the frames, too many, an empty one, or is larger than any image.
    """
    if not 2 <= len(shape) <= MOST_DIMENSIONS:
        raise ShapeError(f"a tensor has 2 to {MOST_DIMENSIONS} dimensions, the first the frames; this is {text(shape)}")
    if min(shape[1:]) < 1:
        raise ShapeError(f"the dimensions behind the frames are at least 1, this activation is {text(shape)}")
    if prod(shape[1:]) > LARGEST_FRAME:
        raise ShapeError(f"an activation has at most {LARGEST_FRAME} elements in a frame, this one is {text(shape)}")
    return shape


def activation(shape: Shape) -> Shape:
    """``shape`` itself.

    Raises:
        ShapeError: it is neither [frames, channels, height, width] nor [frames, features], or larger than any image.
    """
    if len(shape) not in (2, 4):
        raise ShapeError(f"an activation has 2 or 4 dimensions, this one is {text(shape)}")
    return framed(shape)


def carried(shape: Shape) -> Shape:
    """The shape in which an activation of ``shape`` is computed with: 2 or 4 dimensions, the elements in their order.

    The first dimension behind the frames, the channels, stays what it is; the others become rows and columns.
    """
    frames, channels, *rest = framed(shape)
    if len(rest) in (0, 2):
        return shape
    return (frames, channels, prod(rest[:-1]), rest[-1])


def image(shape: Shape) -> Shape:
    """``shape`` itself.

    Raises:
        ShapeError: it is not [frames, channels, height, width].
    """
    if len(activation(shape)) != 4:
        raise ShapeError(f"the input must be [frames, channels, height, width], it is {text(shape)}")
    return shape


def _channels(name: str, shape: Shape, channels: int) -> None:
    if shape != (channels,):
        raise ShapeError(f"{name} must have one value for each of the {channels} channels, it is {text(shape)}")


def _placed(x: Shape, channels: int, window: Window) -> Shape:
    rows, columns = window.output_size(x[2], x[3])
    if rows < 1 or columns < 1:
        raise ShapeError(
            f"a window of {window.extent[0]}x{window.extent[1]} with pads {list(window.pads)} does not fit on {text(x)}"
        )
    return (x[0], channels, rows, columns)


def convolution(x: Shape, weight: Shape, bias: Shape, window: Window, group: int) -> Shape:
    """[frames, outputs, rows, columns] for a weight [outputs, channels / group, kernel rows, kernel columns].

    No window may span padding alone.
    """
    image(x)
    if len(weight) != 4 or min(weight) < 1:
        raise ShapeError(f"the weight must be [outputs, channels, rows, columns], it is {text(weight)}")
    if group < 1 or x[1] % group or weight[0] % group:
        raise ShapeError(f"group {group} does not divide {x[1]} input channels and {weight[0]} output channels")
    if weight[1] * group != x[1]:
        raise ShapeError(f"a weight {text(weight)} in {group} groups wants {weight[1] * group} channels, not {x[1]}")
    _channels("the bias", bias, weight[0])
    placed = _placed(x, weight[0], window)
    for axis in (0, 1):
        first = -window.pads[axis]
        last = first + (placed[2 + axis] - 1) * window.strides[axis]
        if first + window.extent[axis] <= 0 or last >= x[2 + axis]:
            height, width = window.extent
            raise ShapeError(
                f"pads {list(window.pads)} put a whole window of {height}x{width} on {text(x)} into the padding; "
                "a Pad in front of the convolution can do that"
            )
    return placed


def gemm(x: Shape, weight: Shape, bias: Shape) -> Shape:
    """[frames, outputs] for x [frames, features] and a weight [outputs, features]."""
    if len(activation(x)) != 2:
        raise ShapeError(f"the input must be [frames, features], it is {text(x)}")
    if len(weight) != 2 or weight[1] != x[1]:
        raise ShapeError(f"the weight must be [outputs, {x[1]}], it is {text(weight)}")
    _channels("the bias", bias, weight[0])
    return (x[0], weight[0])


def batch_normalization(x: Shape, parameters: Sequence[Shape]) -> Shape:
    """The shape of ``x``, whose second dimension each of ``parameters`` covers."""
    activation(x)
    for name, shape in zip(("the scale", "the bias", "the mean", "the variance"), parameters, strict=True):
        _channels(name, shape, x[1])
    return x


def residual(result: Shape, added: Shape) -> Shape:
    """``result``, to which a tensor of the same shape is added."""
    if added != result:
        raise ShapeError(f"the residual must be {text(result)} like the result, it is {text(added)}")
    return result


def addition(x: Shape, y: Shape) -> Shape:
    """The shape of ``x``, for ``y`` of the same shape or with one value per channel."""
    if y not in (activation(x), (x[1],)):
        raise ShapeError(f"{text(y)} added to {text(x)} must have the same shape, or be {x[1]} values, one per channel")
    return x


def difference(x: Shape, y: Shape) -> Shape:
    """The shape of ``x``, from which a tensor of the same shape is taken."""
    if y != activation(x):
        raise ShapeError(f"{text(y)} taken from {text(x)} must have the same shape")
    return x


def product(x: Shape, y: Shape) -> Shape:
    """The shape of ``x``, for ``y`` [channels] or of as many dimensions, each but the frames as in ``x`` or 1."""
    if y == (activation(x)[1],):
        return x
    if (
        len(y) != len(x)
        or y[0] != x[0]
        or any(size not in (1, whole) for size, whole in zip(y[1:], x[1:], strict=True))
    ):
        raise ShapeError(
            f"{text(y)} times {text(x)} must have the same shape with some dimensions 1, or be {x[1]} values, one per "
            "channel"
        )
    return x


def per_channel(x: Shape, values: Shape) -> Shape:
    """The shape of ``x``, whose every channel has one of ``values``."""
    _channels("the slope", values, activation(x)[1])
    return x


def pooling(x: Shape, window: Window) -> Shape:
    """[frames, channels, rows, columns]; no window may lie wholly in the padding."""
    image(x)
    (top, left, bottom, right), (height, width) = window.pads, window.extent
    if max(top, bottom) >= height or max(left, right) >= width:
        raise ShapeError(f"pads {list(window.pads)} must be smaller than the window, {height}x{width}")
    placed = _placed(x, x[1], window)
    for axis in (0, 1):
        if not _sees(window, axis, x[2 + axis], placed[2 + axis]):
            raise ShapeError(f"dilations {list(window.dilations)} put a whole window of {text(x)} into the padding")
    return placed


def _sees(window: Window, axis: int, size: int, count: int) -> bool:
    """Whether each of ``count`` windows has a tap inside a map of ``size`` rows or columns."""
    starts = range(-window.pads[axis], count * window.strides[axis] - window.pads[axis], window.strides[axis])
    taps = range(0, window.extent[axis], window.dilations[axis])
    return all(any(0 <= start + tap < size for tap in taps) for start in starts)


def global_pooling(x: Shape) -> Shape:
    """[frames, channels, 1, 1]."""
    return (*image(x)[:2], 1, 1)


def reshape(x: Shape, target: Shape) -> Shape:
    """``target``, which keeps the frames and the number of elements of a frame; both may have any dimensions."""
    framed(x)
    if framed(target)[0] != x[0] or prod(target[1:]) != prod(x[1:]):
        raise ShapeError(f"{text(x)} has not as many elements per frame as {text(target)}")
    return target


def transpose(x: Shape, perm: Sequence[int]) -> Shape:
    """Result dimension i is dimension ``perm[i]`` of ``x``; the frames stay first."""
    if sorted(perm) != list(range(len(activation(x)))) or perm[0] != 0:
        raise ShapeError(f"perm must be an order of 0..{len(x) - 1} with 0 first, it is {list(perm)}")
    return tuple(x[axis] for axis in perm)


def slicing(x: Shape, starts: Sequence[int], steps: Sequence[int], sizes: Sequence[int]) -> Shape:
    """[frames, *sizes]: ``sizes[i]`` elements of dimension i + 1, every ``steps[i]``-th from ``starts[i]``."""
    rank = len(activation(x)) - 1
    if not len(starts) == len(steps) == len(sizes) == rank:
        raise ShapeError(f"starts, steps and sizes need one value for each of the {rank} dimensions behind the frames")
    for size, start, step, taken in zip(x[1:], starts, steps, sizes, strict=True):
        if start < 0 or step < 1 or taken < 1 or start + (taken - 1) * step >= size:
            raise ShapeError(f"{taken} elements from {start} in steps of {step} do not lie within 0..{size - 1}")
    return (x[0], *sizes)


def padding(x: Shape, before: Sequence[int], after: Sequence[int]) -> Shape:
    """Dimension i + 1 grows by ``before[i]`` and ``after[i]`` zeros."""
    if not len(before) == len(after) == len(activation(x)) - 1:
        raise ShapeError(f"before and after need one value for each of the {len(x) - 1} dimensions behind the frames")
    if min(*before, *after) < 0:
        raise ShapeError(f"padding must not be negative, it is {list(before)} before and {list(after)} after")
    return (x[0], *(size + low + high for size, low, high in zip(x[1:], before, after, strict=True)))


def concatenation(parts: Sequence[Shape], axis: int) -> Shape:
    """All of ``parts`` along ``axis``; their other dimensions agree."""
    if not parts:
        raise ShapeError("concatenation needs at least one operand")
    first = activation(parts[0])
    if not 1 <= axis < len(first):
        raise ShapeError(f"axis must be within 1..{len(first) - 1}, it is {axis}")
    for part in parts[1:]:
        if len(part) != len(first) or (part[:axis], part[axis + 1 :]) != (first[:axis], first[axis + 1 :]):
            raise ShapeError(f"{text(first)} and {text(part)} differ in more than dimension {axis}")
    return (*first[:axis], sum(part[axis] for part in parts), *first[axis + 1 :])
