"""Moving elements of activations of any dimensions, made of what moves two or three of them: the operators' tools.

Where an activation has neither 2 nor 4 dimensions, it is seen as [frames, before, size, after] around the dimension
that changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import combinations, groupby, permutations
from math import prod

from xdsl.ir import SSAValue

from pqc.dialects.onnx import ClipOp, ConcatOp, MaxPoolOp, PadOp, ReshapeOp, SliceOp, TransposeOp, shape_of
from pqc.dialects.pq import OnGridOp
from pqc.dialects.pq_types import GridAttr
from pqc.frontend.node import Node
from pqc.frontend.values import Activation, RefusalError
from pqc.numerics.shapes import FRAMES, Shape

LONGEST = 256
"""Pieces that a choice of elements may be made of."""

MOST_GROUPS = 6
"""Groups of dimensions that an order may take apart."""

_AT_ONCE = 4
"""Copies that one concatenation makes; more are copies of copies, which moves twice the elements at most."""


def around(shape: Shape, axis: int) -> Shape:
    """[frames, before, size, after] of the dimension ``axis``, which is not the first."""
    return (FRAMES, prod(shape[1:axis]), shape[axis], prod(shape[axis + 1 :]))


def with_size(shape: Shape, axis: int, size: int) -> Shape:
    """``shape`` with another ``size`` of the dimension ``axis``."""
    return (*shape[:axis], size, *shape[axis + 1 :])


def permuted(node: Node, x: Activation, order: Sequence[int]) -> Activation:
    """Result dimension i is dimension ``order[i]`` of ``x``; the frames stay first.

    Raises:
        RefusalError: it takes more groups of dimensions apart than are tried.
    """
    shape = tuple(x.shape[axis] for axis in order)
    sizes, wanted = _grouped(x.shape, order)
    if len(sizes) > MOST_GROUPS:
        raise RefusalError(
            f"the order {list(order)} takes {len(sizes)} groups of dimensions apart; at most {MOST_GROUPS} are tried"
        )
    now = tuple(range(len(sizes)))
    for blocks in _rotations(now, wanted):
        x = _exchanged(node, x, tuple(prod(sizes[group] for group in block) for block in blocks[0]), blocks[1])
    return node.view(x, shape)


def _grouped(shape: Shape, order: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Sizes of the runs of dimensions that ``order`` leaves together, and the runs in their new order.

    Dimensions of 1 can be anywhere, so they are left out.
    """
    axes = [axis for axis, size in enumerate(shape) if axis and size != 1]
    ranks = [axes.index(axis) for axis in order if axis in axes]
    runs = [[rank for _, rank in run] for _, run in groupby(enumerate(ranks), key=lambda pair: pair[1] - pair[0])]
    before = sorted(runs)
    sizes = tuple(prod(shape[axes[rank]] for rank in run) for run in before)
    return sizes, tuple(before.index(run) for run in runs)


Blocks = tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]
"""Three or fewer runs of groups, and the order that they are brought into."""


@cache
def _rotations(start: tuple[int, ...], wanted: tuple[int, ...]) -> tuple[Blocks, ...]:
    """The fewest exchanges of up to three blocks that lead from one order of groups to another."""
    paths: dict[tuple[int, ...], tuple[Blocks, ...]] = {start: ()}
    edge = [start]
    while wanted not in paths:
        found: list[tuple[int, ...]] = []
        for state in edge:
            for step in _exchanges(state):
                reached = tuple(group for index in step[1] for group in step[0][index])
                if reached not in paths:
                    paths[reached] = (*paths[state], step)
                    found.append(reached)
        edge = found
    return paths[wanted]


def _exchanges(state: tuple[int, ...]) -> list[Blocks]:
    made: list[Blocks] = []
    for first, second in combinations(range(1, len(state) + 1), 2):
        blocks = tuple(block for block in (state[:first], state[first:second], state[second:]) if block)
        made += [(blocks, order) for order in permutations(range(len(blocks)))]
    return made


def _exchanged(node: Node, x: Activation, sizes: Sequence[int], order: Sequence[int]) -> Activation:
    """``x`` as [frames, *sizes] with these two or three dimensions in another ``order``."""
    if len(sizes) == 2:
        # what becomes channels in front of a convolution lies along a row
        sizes, order = (sizes[0], 1, sizes[1]), (2, 1, 0)
    turned = (0, *(axis + 1 for axis in order))
    value = node.seen(x, (FRAMES, *sizes))
    before = value.owner
    if isinstance(before, TransposeOp) and [turned[axis] for axis in before.perm.get_values()] == [0, 1, 2, 3]:
        return Activation(before.x, tuple((FRAMES, *sizes)[axis] for axis in turned), node.name)
    return node.emit(TransposeOp(value, turned))


def joined(node: Node, parts: Sequence[Activation], axis: int) -> Activation:
    """All of ``parts``, which differ in the dimension ``axis`` alone, one behind the other along it."""
    total = sum(part.shape[axis] for part in parts)
    if len(parts) == 1:
        return parts[0]
    found = [_along(node, part, axis) for part in _alike(node, parts)]
    return node.emit(ConcatOp([value for value, _ in found], found[0][1]), with_size(parts[0].shape, axis, total))


def _alike(node: Node, parts: Sequence[Activation]) -> list[Activation]:
    """``parts``, which will share a grid: where the model gives them different ones, each changes its own first."""
    if len({given_grid(part.value) for part in parts}) == 1:
        return list(parts)
    return [node.emit(ClipOp(node.seen(part)), part.shape) for part in parts]


def given_grid(value: SSAValue) -> GridAttr | None:
    """The grid that an operation in front gives ``value``, which only passes integers on from there."""
    while not isinstance(value.owner, OnGridOp):
        owner = value.owner
        if isinstance(owner, ConcatOp):
            value = owner.parts[0]
        elif isinstance(owner, ReshapeOp | TransposeOp | SliceOp | PadOp | MaxPoolOp):
            value = owner.x
        else:
            return None
    return value.owner.grid


def _along(node: Node, x: Activation, axis: int) -> tuple[SSAValue, int]:
    """A value with 2 or 4 dimensions, and which of them is the dimension ``axis`` of ``x``."""
    if len(x.shape) in (2, 4):
        return node.seen(x), axis
    return node.seen(x, around(x.shape, axis)), 2


def repeated(node: Node, x: Activation, axis: int, times: int, *, each: bool = False) -> Activation:
    """``x`` that often along the dimension ``axis``: as a whole, or each element by itself."""
    before, size, after = around(x.shape, axis)[1:]
    unit = (FRAMES, before * size, 1, after) if each else (FRAMES, before, 1, size * after)
    copied = _copies(node, node.view(x, unit), times)
    return node.view(copied, with_size(x.shape, axis, size * times))


def _copies(node: Node, unit: Activation, times: int) -> Activation:
    """``unit`` [frames, before, n, after] as [frames, before, times * n, after]."""
    if times <= _AT_ONCE:
        return joined(node, [unit] * times, 2)
    half = _copies(node, unit, times // 2)
    return joined(node, [half, half, *([unit] if times % 2 else [])], 2)


def picked(node: Node, x: Activation, axis: int, places: Sequence[int]) -> Activation:
    """The elements at ``places`` along the dimension ``axis``, in that order.

    Raises:
        RefusalError: they are too many pieces.
    """
    size = x.shape[axis]
    times, rest = divmod(len(places), size)
    if not rest and list(places) == [place // times for place in range(len(places))]:
        return x if times == 1 else repeated(node, x, axis, times, each=True)
    pieces = _pieces(places)
    if len(pieces) > LONGEST:
        raise RefusalError(
            f"it takes {len(places)} elements of axis {axis} in {len(pieces)} pieces; at most {LONGEST} evenly spaced "
            "pieces are moved"
        )
    return joined(node, [_piece(node, x, axis, piece) for piece in pieces], axis)


def _pieces(places: Sequence[int]) -> list[range]:
    """``places`` as ascending, evenly spaced runs, each as long as can be."""
    pieces: list[range] = []
    for place in places:
        last = pieces[-1] if pieces else range(0)
        step = last.step if len(last) > 1 else place - last.start
        if last and step > 0 and place == last[-1] + step:
            pieces[-1] = range(last.start, place + 1, step)
        else:
            pieces.append(range(place, place + 1))
    return pieces


def _piece(node: Node, x: Activation, axis: int, taken: range) -> Activation:
    """The elements ``taken`` of the dimension ``axis``."""
    if taken == range(x.shape[axis]):
        return x
    value, place = _along(node, x, axis)
    sizes = with_size(shape_of(value), place, len(taken))[1:]
    starts, steps = [0] * len(sizes), [1] * len(sizes)
    starts[place - 1], steps[place - 1] = taken.start, taken.step
    return node.emit(SliceOp(value, starts, steps, sizes), with_size(x.shape, axis, len(taken)))
