"""Layers, and what reduces a map, with random sizes: additions to a random network."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import strategies as st
from support.network import Draw, Frame, Network

from pqc.numerics.window import Window

MOST_REDUCED = 1 << 10
"""Elements to one: a window is seen at once, and the smallest target's activation buffer has 4 KiB."""


def window_on(draw: Draw, frame: Frame, *, dilated: bool, pooling: bool) -> Window | None:
    """A window that fits on ``frame``, and never lies wholly in the padding."""
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    strides = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    dilations = draw(st.tuples(st.integers(1, 2), st.integers(1, 2))) if dilated else (1, 1)
    most = kernel if pooling else Window(kernel, dilations=dilations).extent
    pads = [draw(st.integers(0, size - 1)) for size in (*most, *most)]
    drawn = Window(kernel, strides, (pads[0], pads[1], pads[2], pads[3]), dilations)
    return drawn if min(drawn.output_size(frame[1], frame[2])) >= 1 else None


def attributes_of(window: Window) -> dict[str, object]:
    names = {"kernel_shape": window.kernel, "strides": window.strides, "pads": window.pads}
    return {name: list(values) for name, values in names.items()}


def conv(draw: Draw, network: Network, x: str) -> str | None:
    frame = network.frames[x]
    window = window_on(draw, frame, dilated=True, pooling=False)
    if window is None:
        return None
    divisors = [size for size in range(1, frame[0] + 1) if frame[0] % size == 0]
    group = draw(st.sampled_from([1, 1, *divisors]))
    outputs = group * draw(st.integers(1, max(1, 40 // group)))
    operands = [x, network.weights(outputs, frame[0] // group, *window.kernel)]
    if draw(st.booleans()):
        operands.append(network.weights(outputs))
    size = (outputs, *window.output_size(frame[1], frame[2]))
    return network.add("Conv", operands, size, group=group, dilations=list(window.dilations), **attributes_of(window))


def gemm(draw: Draw, network: Network, x: str) -> str:
    outputs = draw(st.integers(1, 40))
    operands = [x, network.weights(outputs, *network.frames[x]), network.weights(outputs)]
    return network.add("Gemm", operands, (outputs,), transB=1)


def batch_norm(draw: Draw, network: Network, x: str) -> str:
    channels = network.frames[x][0]
    arrays = [network.random.normal(size=channels).astype(np.float32) for _ in range(3)]
    variance = (network.random.random(channels) + 0.5).astype(np.float32)
    parameters = [network.constant(array) for array in (*arrays, variance)]
    return network.add("BatchNormalization", [x, *parameters], network.frames[x])


def max_pool(draw: Draw, network: Network, x: str) -> str | None:
    return _pool(draw, network, x, "MaxPool", dilated=True)


def average_pool(draw: Draw, network: Network, x: str) -> str | None:
    return _pool(draw, network, x, "AveragePool", dilated=False)


def _pool(draw: Draw, network: Network, x: str, kind: str, *, dilated: bool) -> str | None:
    frame = network.frames[x]
    window = window_on(draw, frame, dilated=dilated, pooling=True)
    # on a map of one row or column a dilated window can lie wholly in the padding, where it has no maximum
    if window is None or (window.dilations != (1, 1) and min(frame[1:]) < 2):
        return None
    own: dict[str, object] = {"dilations": list(window.dilations)} if dilated else {}
    if kind == "AveragePool":
        own["count_include_pad"] = draw(st.integers(0, 1))
    return network.add(kind, [x], (frame[0], *window.output_size(frame[1], frame[2])), **attributes_of(window), **own)


def global_average_pool(draw: Draw, network: Network, x: str) -> str:
    return network.add("GlobalAveragePool", [x], (network.frames[x][0], 1, 1))


def reduce_map(draw: Draw, network: Network, x: str) -> str | None:
    frame = network.frames[x]
    axes = draw(st.lists(st.integers(1, len(frame)), min_size=1, max_size=len(frame), unique=True))
    if prod(frame[axis - 1] for axis in axes) > MOST_REDUCED:
        return None
    kept = tuple(1 if axis in axes else size for axis, size in enumerate(frame, start=1))
    kind = draw(st.sampled_from(["ReduceMean", "ReduceMax"]))
    return network.add(kind, [x], kept, axes=axes)


def by_position(draw: Draw, network: Network, x: str) -> str:
    """A matrix product along the last dimension, and a constant for each of its results."""
    *rest, features = network.frames[x]
    outputs = draw(st.integers(1, 12))
    factors = network.weights(features, outputs)
    made = network.add("MatMul", [x, factors], (*rest, outputs))
    return network.add("Add", [made, network.weights(outputs)], (*rest, outputs)) if draw(st.booleans()) else made
