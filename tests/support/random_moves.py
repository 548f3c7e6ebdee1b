"""Operators that move elements: additions to a random network."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from support.network import Draw, Network
from support.onnx_models import node


def concat(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    axis = draw(st.integers(0, len(frame) - 1))
    rest = frame[:axis] + frame[axis + 1 :]
    fitting = [
        name
        for name, size in network.frames.items()
        if len(size) == len(frame) and size[:axis] + size[axis + 1 :] == rest
    ]
    parts = [x, *draw(st.lists(st.sampled_from(fitting), min_size=1, max_size=2))]
    total = sum(network.frames[name][axis] for name in parts)
    return network.add("Concat", parts, (*frame[:axis], total, *frame[axis + 1 :]), axis=axis + 1)


def slices(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    starts = [draw(st.integers(0, size - 1)) for size in frame]
    ends = [draw(st.integers(start + 1, size)) for start, size in zip(starts, frame, strict=True)]
    steps = [draw(st.integers(1, 3)) for _ in frame]
    taken = tuple(len(range(*part)) for part in zip(starts, ends, steps, strict=True))
    axes = range(1, len(frame) + 1)
    return network.add("Slice", [x, *(network.numbers(*part) for part in (starts, ends, axes, steps))], taken)


def split(draw: Draw, network: Network, x: str) -> str | None:
    frame = network.frames[x]
    axis = draw(st.integers(0, len(frame) - 1))
    if frame[axis] < 2:
        return None
    first = draw(st.integers(1, frame[axis] - 1))
    name = f"split{len(network.nodes)}"
    parts = [f"{name}.{index}" for index in range(2)]
    sizes = network.numbers(first, frame[axis] - first)
    network.nodes.append(node("Split", [x, sizes], parts, name=name, axis=axis + 1))
    for part, size in zip(parts, (first, frame[axis] - first), strict=True):
        network.frames[part] = (*frame[:axis], size, *frame[axis + 1 :])
    return parts[0]


def gather(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    axis = draw(st.integers(0, len(frame) - 1))
    places = draw(st.lists(st.integers(0, frame[axis] - 1), min_size=1, max_size=6))
    taken = (*frame[:axis], len(places), *frame[axis + 1 :])
    return network.add("Gather", [x, network.numbers(*places)], taken, axis=axis + 1)


def tile(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    times = [draw(st.integers(1, 3)) for _ in frame]
    grown = tuple(size * count for size, count in zip(frame, times, strict=True))
    return network.add("Tile", [x, network.numbers(1, *times)], grown)


def resize(draw: Draw, network: Network, x: str) -> str | None:
    channels, *map_ = network.frames[x]
    scales = [draw(st.sampled_from([0.5, 1.0, 1.5, 2.0, 3.0])) for _ in map_]
    sizes = [int(size * scale) for size, scale in zip(map_, scales, strict=True)]
    if min(sizes) < 1:
        return None
    rounding = draw(st.sampled_from(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"]))
    coordinates = draw(st.sampled_from(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]))
    wanted: dict[str, object] = {"nearest_mode": rounding, "coordinate_transformation_mode": coordinates}
    operands = [x, "", network.constant(np.array([1, 1, *scales], np.float32))]
    return network.add("Resize", operands, (channels, *sizes), **wanted)


def depth_to_space(draw: Draw, network: Network, x: str) -> str | None:
    channels, height, width = network.frames[x]
    if channels % 4:
        return None
    mode = draw(st.sampled_from(["DCR", "CRD"]))
    return network.add("DepthToSpace", [x], (channels // 4, height * 2, width * 2), blocksize=2, mode=mode)


def space_to_depth(draw: Draw, network: Network, x: str) -> str | None:
    channels, height, width = network.frames[x]
    size = draw(st.integers(2, 3))
    if height % size or width % size:
        return None
    shape = (channels * size * size, height // size, width // size)
    return network.add("SpaceToDepth", [x], shape, blocksize=size)


def pad(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    before, after = ([draw(st.integers(0, 2)) for _ in frame] for _ in range(2))
    grown = tuple(sum(sizes) for sizes in zip(frame, before, after, strict=True))
    return network.add("Pad", [x, network.numbers(0, *before, 0, *after)], grown)


def transpose(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    order = draw(st.permutations(range(len(frame))))
    moved = tuple(frame[axis] for axis in order)
    return network.add("Transpose", [x], moved, perm=[0, *(axis + 1 for axis in order)])


def reshape(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    size = int(np.prod(frame))
    columns = draw(st.sampled_from([c for c in range(1, min(size, 12) + 1) if size % c == 0]))
    rows = draw(st.sampled_from([r for r in range(1, min(size, 12) + 1) if size // columns % r == 0]))
    shape = draw(st.sampled_from([(size,), (size // columns // rows, rows, columns)]))
    return network.add("Reshape", [x, network.numbers(0, *shape)], shape)
