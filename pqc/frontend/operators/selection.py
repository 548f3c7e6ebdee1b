"""Operators that take some elements of an activation, or one several times, by places that are constant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pqc.dialects.onnx import PadOp, SliceOp
from pqc.frontend.node import Node
from pqc.frontend.operators.moves import around, picked, repeated, with_size
from pqc.frontend.values import Activation, RefusalError
from pqc.numerics import shapes
from pqc.numerics.shapes import LARGEST_FRAME, Shape


def slice_elements(node: Node) -> Activation:
    """With constant starts, ends, axes and steps; the frames stay whole."""
    x = node.activation()
    starts = _integers(node, 1, "starts")
    ends = _integers(node, 2, "ends")
    axes = _integers(node, 3, "axes", range(len(starts)))
    steps = _integers(node, 4, "steps", [1] * len(starts))
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise RefusalError("starts, ends, axes and steps differ in length")
    taken = [range(size) for size in (node.frames, *x.shape[1:])]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        place = node.axis(axis, len(x.shape))
        if step == 0:
            raise RefusalError(f"step 0 along axis {place}")
        taken[place] = range(taken[place].stop)[start:end:step]
    if list(taken[0]) != list(range(node.frames)):
        raise RefusalError("it takes a part of the first dimension, the frames, or turns it round")
    if any(not part for part in taken):
        raise RefusalError(f"nothing is left of {shapes.text(x.shape)}")
    return _taken(node, x, taken[1:])


def _taken(node: Node, x: Activation, parts: Sequence[range]) -> Activation:
    """What ``parts`` says of each dimension behind the frames."""
    if [*parts] == [range(size) for size in x.shape[1:]]:
        return x
    if len(parts) > 3 or min(part.step for part in parts) < 1:
        for axis, part in enumerate(parts, start=1):
            x = picked(node, x, axis, part)
        return x
    carried = [parts[0], range(1), parts[1]] if len(parts) == 2 else parts
    places, steps, sizes = ([getter(part) for part in carried] for getter in (_start, _step, len))
    op = SliceOp(node.seen(x), places, steps, sizes)
    return node.emit(op, (x.shape[0], *(len(part) for part in parts)))


def _start(part: range) -> int:
    return part.start


def _step(part: range) -> int:
    return part.step


def _integers(node: Node, index: int, what: str, default: Sequence[int] | None = None) -> list[int]:
    value = node.optional_constant(index, what) if default is not None else node.constant(index, what)
    return list(default or ()) if value is None else [int(item) for item in value.array.reshape(-1)]


def split(node: Node) -> list[Activation]:
    """Along any axis but the first, into parts of constant or equal sizes."""
    x = node.activation()
    axis = node.axis(node.integer("axis", 0), len(x.shape))
    if axis == 0:
        raise RefusalError("it splits the first dimension, the frames")
    count, size = len(node.proto.output), x.shape[axis]
    each = -(-size // max(1, node.integer("num_outputs", count)))
    equal = [min(each, size - start) for start in range(0, size, each)]
    sizes = node.listed("split", 1, "the sizes") or tuple(equal)
    if sum(sizes) != size or len(sizes) != count or min(sizes) < 1:
        raise RefusalError(f"{count} parts of {list(sizes)} are not the {size} elements of axis {axis}")
    starts = [sum(sizes[:index]) for index in range(count)]
    return [picked(node, x, axis, range(start, start + part)) for start, part in zip(starts, sizes, strict=True)]


def gather(node: Node) -> Activation:
    """Along any axis but the first, with constant indices in up to 256 evenly spaced pieces."""
    x = node.activation()
    axis = node.axis(node.integer("axis", 0), len(x.shape))
    if axis == 0:
        raise RefusalError("it takes some of the first dimension, the frames")
    indices, size = node.numbers(1, "the indices"), x.shape[axis]
    places = [int(place) for place in indices.reshape(-1)]
    if any(not -size <= place < size for place in places) or not places:
        raise RefusalError(f"the indices {places[:8]} along axis {axis} are not some of its {size} elements")
    found = picked(node, x, axis, [place % size for place in places])
    return node.view(found, (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]))


def pad(node: Node) -> Activation:
    """In mode constant with zeros, or in mode edge, reflect or wrap; with constant pads, not of the frames."""
    x = node.activation()
    rank = len(x.shape)
    mode = node.string("mode", "constant")
    if mode not in ("constant", *_PLACES):
        raise RefusalError(f"mode is '{mode}', allowed are 'constant', {', '.join(map(repr, _PLACES))}")
    value = node.scalar(2, "the padding value")
    if mode == "constant" and value:
        raise RefusalError(f"the padding value is {value}; only 0 is supported")
    pads = node.listed("pads", 1, "pads") or ()
    axes = [node.axis(axis, rank) for axis in _integers(node, 3, "axes", range(rank))]
    if len(pads) != 2 * len(axes):
        raise RefusalError(f"pads must have {2 * len(axes)} values, it has {len(pads)}")
    before, after = [0] * rank, [0] * rank
    for i, axis in enumerate(axes):
        before[axis], after[axis] = pads[i], pads[i + len(axes)]
    if before[0] or after[0]:
        raise RefusalError("it pads the first dimension, the frames")
    if any(low + size + high < 1 for size, low, high in zip(x.shape[1:], before[1:], after[1:], strict=True)):
        raise RefusalError(f"pads {list(pads)} leave nothing of {shapes.text(x.shape)}")
    if sum(map(abs, pads)) > LARGEST_FRAME:
        raise RefusalError(f"pads {list(pads)} make {shapes.text(x.shape)} larger than any frame may be")
    if mode == "constant":
        return with_zeros(node, x, before, after)
    for axis in range(1, rank):
        wanted = range(-before[axis], x.shape[axis] + after[axis])
        x = picked(node, x, axis, [_PLACES[mode](place, x.shape[axis]) for place in wanted])
    return x


def _nearest(place: int, size: int) -> int:
    """The element that is nearest to ``place``."""
    return min(max(place, 0), size - 1)


def _reflected(place: int, size: int) -> int:
    """Where ``place`` is seen in mirrors at the first and the last element."""
    there = place % max(1, 2 * (size - 1))
    return min(there, 2 * (size - 1) - there)


def _wrapped(place: int, size: int) -> int:
    """Where ``place`` lies if the map begins anew behind its end."""
    return place % size


_PLACES: Mapping[str, Callable[[int, int], int]] = {"edge": _nearest, "reflect": _reflected, "wrap": _wrapped}
"""By mode of padding: where the element at a place is taken from."""


def with_zeros(node: Node, x: Activation, before: Sequence[int], after: Sequence[int]) -> Activation:
    """``x`` with that many zeros before and after each dimension; negative numbers cut off."""
    parts = [range(max(0, -low), size + min(0, high)) for size, low, high in zip(x.shape, before, after, strict=True)][
        1:
    ]
    x = _taken(node, x, parts)
    low, high = ([max(0, count) for count in counts] for counts in (before, after))
    if not any(low) and not any(high):
        return x
    if len(x.shape) in (2, 4):
        return node.emit(PadOp(node.seen(x), low[1:], high[1:]))
    for axis in range(1, len(x.shape)):
        if low[axis] or high[axis]:
            op = PadOp(node.seen(x, around(x.shape, axis)), (0, low[axis], 0), (0, high[axis], 0))
            x = node.emit(op, with_size(x.shape, axis, low[axis] + x.shape[axis] + high[axis]))
    return x


def expand(node: Node) -> Activation:
    """To a constant shape, which keeps the first dimension, the frames."""
    x = node.activation()
    wanted = [int(size) for size in node.numbers(1, "the shape").reshape(-1)]
    wanted = [1] * (len(x.shape) - len(wanted)) + wanted
    if len(wanted) != len(x.shape) or wanted[0] not in (1, node.frames):
        raise RefusalError(f"the shape {wanted} does not keep the frames in front of {shapes.text(x.shape)}")
    if any(1 not in (size, old) and size != old for size, old in zip(wanted[1:], x.shape[1:], strict=True)):
        raise RefusalError(f"{shapes.text(x.shape)} cannot be expanded to {wanted}")
    return expanded(node, x, (x.shape[0], *map(max, wanted[1:], x.shape[1:])))


def expanded(node: Node, x: Activation, shape: Shape) -> Activation:
    """``x`` with its dimensions of 1 repeated until it has ``shape``."""
    for axis, size in enumerate(shape):
        if axis and x.shape[axis] != size:
            x = repeated(node, x, axis, size)
    return x


def tile(node: Node) -> Activation:
    """By constant repeats of any dimension but the first."""
    x = node.activation()
    times = [int(count) for count in node.numbers(1, "the repeats").reshape(-1)]
    if len(times) != len(x.shape) or min(times) < 1 or times[0] != 1:
        raise RefusalError(f"the repeats {times} of {shapes.text(x.shape)} must be 1 of the frames, and none below 1")
    for axis, count in enumerate(times):
        if count > 1:
            x = repeated(node, x, axis, count)
    return x
