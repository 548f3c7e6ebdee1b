"""Resize, where it copies elements: which one each element of the result is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, floor, isfinite

import numpy as np

from pqc.frontend.node import Node
from pqc.frontend.operators.moves import picked
from pqc.frontend.values import Activation, RefusalError
from pqc.numerics import shapes

_ROUNDED: Mapping[str, Callable[[float], int]] = {
    "round_prefer_floor": lambda place: ceil(place - 0.5),
    "round_prefer_ceil": lambda place: floor(place + 0.5),
    "floor": floor,
    "ceil": ceil,
}
"""By nearest_mode: the element that is nearest to a place between elements."""

_COORDINATES = ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric")

_POLICIES: Mapping[str, Callable[[list[float]], float]] = {"not_larger": min, "not_smaller": max}


def resize(node: Node) -> Activation:
    """In mode nearest, to constant scales or sizes, with any rounding, in all coordinates but tf_crop_and_resize."""
    x = node.activation()
    axes, scales, sizes = _asked(node, len(x.shape), x.shape)
    changed = any(axis and size != x.shape[axis] for axis, size in zip(axes, sizes, strict=True))
    if any(axis == 0 and scale != 1 for axis, scale in zip(axes, scales, strict=True)):
        raise RefusalError("it resizes the first dimension, the frames")
    if max(sizes, default=1) > shapes.LARGEST_FRAME:
        raise RefusalError(f"the sizes {sizes} are larger than any frame may be")
    if min(sizes, default=1) < 1:
        raise RefusalError(f"nothing is left of {shapes.text(x.shape)}")
    mode = node.string("mode", "nearest")
    if changed and mode != "nearest":
        raise RefusalError(f"mode is '{mode}'; only 'nearest' copies elements, others would have to be computed")
    for axis, scale, size in zip(axes, scales, sizes, strict=True):
        if axis:
            x = picked(node, x, axis, _places(node, x.shape[axis], scale, size))
    return x


def _asked(node: Node, rank: int, shape: shapes.Shape) -> tuple[list[int], list[float], list[int]]:
    """The axes, their scales and their new sizes."""
    axes = [node.axis(axis, rank) for axis in node.integers("axes", range(rank))]
    old = [node.frames if axis == 0 else shape[axis] for axis in axes]
    scales, sizes = (node.optional_constant(index, what) for index, what in ((2, "the scales"), (3, "the sizes")))
    if sizes is not None and sizes.array.size:
        wanted = [int(size) for size in node.numbers(3, "the sizes").reshape(-1)]
        if len(wanted) != len(axes):
            raise RefusalError(f"{len(wanted)} sizes for {len(axes)} axes")
        factors = [size / before for size, before in zip(wanted, old, strict=True)]
        policy = node.string("keep_aspect_ratio_policy", "stretch")
        if policy in _POLICIES:
            factor = _POLICIES[policy](factors)
            return axes, [factor] * len(axes), [floor(factor * before + 0.5) for before in old]
        return axes, factors, wanted
    if scales is None or scales.array.size != len(axes):
        raise RefusalError(f"there must be a scale or a size for each of {len(axes)} axes")
    factors = [float(scale) for scale in scales.array.reshape(-1)]
    if not all(isfinite(factor) and factor > 0 for factor in factors):
        raise RefusalError(f"the scales {factors} must be positive and finite")
    # in float32, as onnxruntime multiplies: a factor of 7/12 makes 7 of 12, and not a little less
    grown = scales.array.reshape(-1).astype(np.float32) * np.array(old, np.float32)
    return axes, factors, [floor(size) for size in grown.tolist()]


def _places(node: Node, before: int, scale: float, size: int) -> list[int]:
    """For each of ``size`` elements of the result the one of ``before`` that it is."""
    if size == before and scale == 1:
        return list(range(before))
    rounding = node.string("nearest_mode", "round_prefer_floor")
    mode = node.string("coordinate_transformation_mode", "half_pixel")
    if rounding not in _ROUNDED:
        raise RefusalError(f"nearest_mode is '{rounding}', allowed are {', '.join(map(repr, _ROUNDED))}")
    if mode not in _COORDINATES:
        raise RefusalError(
            f"coordinate_transformation_mode is '{mode}', allowed are {', '.join(map(repr, _COORDINATES))}"
        )
    found = [_ROUNDED[rounding](_source(mode, place, before, scale, size)) for place in range(size)]
    return [min(max(place, 0), before - 1) for place in found]


def _source(mode: str, place: int, before: int, scale: float, size: int) -> float:
    """Where in the input the element at ``place`` of the result lies."""
    if mode == "asymmetric":
        return place / scale
    if mode == "align_corners":
        return 0.0 if size == 1 else place * (before - 1) / (size - 1)
    if mode == "pytorch_half_pixel" and size == 1:
        return 0.0
    offset = before / 2 * (1 - size / (scale * before)) if mode == "half_pixel_symmetric" else 0.0
    return offset + (place + 0.5) / scale - 0.5
