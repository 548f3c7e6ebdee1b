"""Operators that only move elements."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from pqc.dialects.onnx import ConcatOp, PadOp, SliceOp, TransposeOp
from pqc.frontend.node import Node
from pqc.frontend.values import Activation, RefusalError
from pqc.numerics import shapes
from pqc.numerics.shapes import FRAMES


def _seen_as(node: Node, frame: Sequence[int]) -> Activation:
    """The input with the dimensions ``frame`` behind the frames."""
    return Activation(node.activation().value, (FRAMES, *frame), node.name)


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
    """Any order that keeps the first dimension, the frames."""
    x = node.activation().shape
    perm = node.integers("perm", tuple(reversed(range(len(x)))))
    if sorted(perm) != list(range(len(x))) or perm[0] != 0:
        raise RefusalError(f"perm {list(perm)} of {shapes.text(x)} must keep the first dimension, the frames")
    moved = [axis for axis in perm if axis and x[axis] != 1]
    if moved == sorted(moved):
        return _seen_as(node, [x[axis] for axis in perm[1:]])
    return node.emit(TransposeOp(node.operand(), perm))


def slice_elements(node: Node) -> Activation:
    """With constant starts, ends, axes and positive steps; the frames stay whole."""
    x = node.activation().shape
    starts = _integers(node, 1, "starts")
    ends = _integers(node, 2, "ends")
    axes = _integers(node, 3, "axes", range(len(starts)))
    steps = _integers(node, 4, "steps", [1] * len(starts))
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise RefusalError("starts, ends, axes and steps differ in length")
    taken = [range(size) for size in (node.frames, *x[1:])]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = node.axis(axis, len(x))
        if step < 1:
            raise RefusalError(f"step {step} along axis {place}; steps must be positive")
        taken[place] = range(taken[place].stop)[start:end:step]
    if len(taken[0]) != node.frames:
        raise RefusalError("it takes a part of the first dimension, the frames")
    if taken[1:] == [range(size) for size in x[1:]]:
        return node.activation()
    if any(not part for part in taken):
        raise RefusalError(f"nothing is left of {shapes.text(x)}")
    inner = taken[1:]
    starts, steps, sizes = [part.start for part in inner], [part.step for part in inner], [len(part) for part in inner]
    return node.emit(SliceOp(node.operand(), starts, steps, sizes))


def _integers(node: Node, index: int, what: str, default: Sequence[int] | None = None) -> list[int]:
    value = node.optional_constant(index, what) if default is not None else node.constant(index, what)
    return list(default or ()) if value is None else [int(item) for item in value.array.reshape(-1)]


def pad(node: Node) -> Activation:
    """In mode constant, with constant, non-negative pads of zeros; not of the frames."""
    x = node.activation().shape
    mode = node.string("mode", "constant")
    if mode != "constant":
        raise RefusalError(f"mode is '{mode}'; only 'constant' is supported")
    if node.scalar(2, "the padding value"):
        raise RefusalError(f"the padding value is {node.scalar(2, 'the padding value')}; only 0 is supported")
    pads = node.listed("pads", 1, "pads") or ()
    axes = [node.axis(axis, len(x)) for axis in _integers(node, 3, "axes", range(len(x)))]
    if len(pads) != 2 * len(axes):
        raise RefusalError(f"pads must have {2 * len(axes)} values, it has {len(pads)}")
    before, after = [0] * len(x), [0] * len(x)
    for i, axis in enumerate(axes):
        before[axis], after[axis] = pads[i], pads[i + len(axes)]
    if before[0] or after[0]:
        raise RefusalError("it pads the first dimension, the frames")
    if not any(before) and not any(after):
        return node.activation()
    return node.emit(PadOp(node.operand(), before[1:], after[1:]))


def concat(node: Node) -> Activation:
    """Of activations that differ along one axis at most, along that axis, which is not the first."""
    axis = node.axis(node.integer("axis", 1), len(node.activation().shape))
    if axis == 0:
        raise RefusalError("it joins along the first dimension, the frames")
    return node.emit(ConcatOp([node.operand(index) for index in range(len(node.inputs))], axis))
