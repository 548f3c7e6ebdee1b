"""Operators that say anew what the dimensions of an activation are, or put activations together."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from pqc.dialects.onnx import TransposeOp
from pqc.frontend.node import Node
from pqc.frontend.operators.moves import joined, permuted
from pqc.frontend.values import Activation, RefusalError
from pqc.numerics import shapes
from pqc.numerics.shapes import FRAMES


def _seen_as(node: Node, frame: Sequence[int]) -> Activation:
    """The input with the dimensions ``frame`` behind the frames."""
    return node.view(node.activation(), (FRAMES, *frame))


def flatten(node: Node) -> Activation:
    """With axis 1."""
    x = node.activation()
    axis = node.integer("axis", 1)
    if (axis + len(x.shape) if axis < 0 else axis) != 1:
        raise RefusalError(f"axis is {axis}; only axis 1 leaves the frames alone")
    return _seen_as(node, [prod(x.shape[1:])])


def reshape(node: Node) -> Activation:
    """To a constant shape that keeps the first dimension, the frames."""
    x = node.activation().shape
    known = (node.frames, *x[1:])
    target = [int(size) for size in node.constant(1, "the shape").array.reshape(-1)]
    asked = list(target)
    if not node.flag("allowzero"):
        target = [known[i] if size == 0 and i < len(known) else size for i, size in enumerate(target)]
    if target.count(-1) == 1:
        rest = -prod(target)
        target = [prod(known) // rest if size == -1 and rest > 0 else size for size in target]
    if prod(target) != prod(known) or min(target, default=0) < 1:
        raise RefusalError(f"{shapes.text(x)} cannot become {asked}")
    if target[0] != node.frames or len(target) < 2:
        raise RefusalError(f"the shape {asked} does not keep the first dimension of {shapes.text(x)}, the frames")
    return _seen_as(node, target[1:])


def squeeze(node: Node) -> Activation:
    """Of named axes of size 1 other than the first."""
    x = node.activation().shape
    named = node.listed("axes", 1, "axes")
    if named is None:
        raise RefusalError("without axes it would also drop the first dimension, the frames, of a single image")
    axes = {node.axis(axis, len(x)) for axis in named}
    if 0 in axes or any(x[axis] != 1 for axis in axes):
        raise RefusalError(f"axes {sorted(axes)} of {shapes.text(x)}: only dimensions of 1 behind the frames can go")
    return _seen_as(node, [size for axis, size in enumerate(x) if axis and axis not in axes])


def unsqueeze(node: Node) -> Activation:
    """At any axis other than the first."""
    x = node.activation().shape
    named = node.listed("axes", 1, "axes") or ()
    rank = len(x) + len(named)
    axes = {node.axis(axis, rank) for axis in named}
    if 0 in axes or len(axes) != len(named):
        raise RefusalError(f"axes {list(named)}: they must differ, and the first dimension stays the frames")
    rest = iter(x[1:])
    return _seen_as(node, [1 if axis in axes else next(rest) for axis in range(1, rank)])


def transpose(node: Node) -> Activation:
    """Any order of any dimensions that keeps the first one, the frames."""
    x = node.activation()
    rank = len(x.shape)
    perm = node.integers("perm", tuple(reversed(range(rank))))
    if sorted(perm) != list(range(rank)) or perm[0] != 0:
        raise RefusalError(f"perm {list(perm)} of {shapes.text(x.shape)} must keep the first dimension, the frames")
    moved = [axis for axis in perm if axis and x.shape[axis] != 1]
    if moved == sorted(moved):
        return _seen_as(node, [x.shape[axis] for axis in perm[1:]])
    return node.emit(TransposeOp(node.operand(), perm)) if rank == 4 else permuted(node, x, perm)


def depth_to_space(node: Node) -> Activation:
    """Of [frames, channels, height, width], in both modes."""
    x = node.activation()
    _, channels, height, width = shapes.image(x.shape)
    size = _block_size(node)
    if channels % (size * size):
        raise RefusalError(f"{channels} channels are not a multiple of the {size}x{size} elements of a block")
    left, depth_first = channels // (size * size), _is_depth_first(node)
    apart = (size, size, left) if depth_first else (left, size, size)
    order = (0, 3, 4, 1, 5, 2) if depth_first else (0, 1, 4, 2, 5, 3)
    moved = permuted(node, node.view(x, (FRAMES, *apart, height, width)), order)
    return node.view(moved, (FRAMES, left, height * size, width * size))


def space_to_depth(node: Node) -> Activation:
    """Of [frames, channels, height, width] whose height and width are multiples of blocksize, in both modes."""
    x = node.activation()
    _, channels, height, width = shapes.image(x.shape)
    size = _block_size(node)
    if height % size or width % size:
        raise RefusalError(f"{height}x{width} is no multiple of blocks of {size}x{size}")
    apart = (FRAMES, channels, height // size, size, width // size, size)
    order = (0, 3, 5, 1, 2, 4) if _is_depth_first(node) else (0, 1, 3, 5, 2, 4)
    moved = permuted(node, node.view(x, apart), order)
    return node.view(moved, (FRAMES, channels * size * size, height // size, width // size))


def _is_depth_first(node: Node) -> bool:
    """Whether the elements of a block are the outer part of the channels."""
    mode = node.string("mode", "DCR")
    if mode not in ("DCR", "CRD"):
        raise RefusalError(f"mode is '{mode}', allowed are 'DCR' and 'CRD'")
    return mode == "DCR"


def _block_size(node: Node) -> int:
    size = node.integer("blocksize", 0)
    if size < 1:
        raise RefusalError(f"blocksize is {size}, allowed is at least 1")
    return size


def concat(node: Node) -> Activation:
    """Of activations that differ along one axis at most, along that axis, which is not the first."""
    first, *others = [node.activation(index) for index in range(len(node.inputs))]
    axis = node.axis(node.integer("axis", 1), len(first.shape))
    if axis == 0:
        raise RefusalError("it joins along the first dimension, the frames")
    for other in others:
        if len(other.shape) != len(first.shape) or _but(other, axis) != _but(first, axis):
            texts = shapes.text(first.shape), shapes.text(other.shape)
            raise RefusalError(f"{texts[0]} and {texts[1]} differ in more than dimension {axis}")
    return joined(node, [first, *others], axis)


def _but(x: Activation, axis: int) -> tuple[int, ...]:
    """All dimensions but one."""
    return x.shape[:axis] + x.shape[axis + 1 :]
