"""Operators that treat each element by itself: additions to a random network."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from support.network import Draw, Network


def relu(draw: Draw, network: Network, x: str) -> str:
    return network.add("Relu", [x], network.frames[x])


def clip(draw: Draw, network: Network, x: str) -> str:
    bounds = draw(st.sampled_from([(0.0, 0.5), (-0.5, 0.5), (0.0, None), (None, 0.25), (-2.0, -0.25), (0.5, 6.0)]))
    names = ["" if bound is None else network.constant(np.array(bound, np.float32)) for bound in bounds]
    return network.add("Clip", [x, *names], network.frames[x])


def add(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    if draw(st.booleans()):
        shape = (frame[0], *[1] * (len(frame) - 1))
        other = network.constant(network.random.normal(size=shape).astype(np.float32))
    else:
        other = draw(st.sampled_from([name for name, size in network.frames.items() if size == frame]))
    return network.add("Add", draw(st.permutations([x, other])), frame)


FUNCTIONS: list[tuple[str, dict[str, object]]] = [
    ("Sigmoid", {}),
    ("HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
    ("HardSwish", {}),
    ("Tanh", {}),
    ("LeakyRelu", {"alpha": 0.2}),
    ("Elu", {}),
    ("Softplus", {}),
    ("Erf", {}),
    ("Abs", {}),
    ("Neg", {}),
]
"""Operators that are a function of one number, with attributes."""


def function(draw: Draw, network: Network, x: str) -> str:
    kind, attributes = draw(st.sampled_from(FUNCTIONS))
    return network.add(kind, [x], network.frames[x], **attributes)


def swish(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    return network.add("Mul", [x, network.add("Sigmoid", [x], frame)], frame)


def gelu(draw: Draw, network: Network, x: str) -> str:
    """As PyTorch writes it."""
    frame = network.frames[x]

    def number(value: float) -> str:
        return network.constant(np.array(value, np.float32))

    bent = network.add("Erf", [network.add("Div", [x, number(2**0.5)], frame)], frame)
    product = network.add("Mul", [x, network.add("Add", [bent, number(1)], frame)], frame)
    return network.add("Mul", [product, number(0.5)], frame)


def prelu(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    slope = network.random.uniform(0, 0.5, size=(frame[0], *[1] * (len(frame) - 1))).astype(np.float32)
    return network.add("PRelu", [x, network.constant(slope)], frame)


def subtract(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    other = draw(st.sampled_from([name for name, size in network.frames.items() if size == frame]))
    return network.add("Sub", [x, other], frame)


def multiply(draw: Draw, network: Network, x: str) -> str:
    """By a constant of each channel, or by what has the same shape but for sizes of 1."""
    frame = network.frames[x]
    if draw(st.booleans()):
        factors = network.random.normal(size=(frame[0], *[1] * (len(frame) - 1))).astype(np.float32)
        return network.add("Mul", [x, network.constant(factors)], frame)
    fitting = [
        name
        for name, size in network.frames.items()
        if len(size) == len(frame) and all(one in (1, whole) for one, whole in zip(size, frame, strict=True))
    ]
    return network.add("Mul", draw(st.permutations([x, draw(st.sampled_from(fitting))])), frame)


def squeeze_and_excite(draw: Draw, network: Network, x: str) -> str:
    """A gate for each channel that follows from the mean of all channels."""
    frame = network.frames[x]
    mean = network.add("GlobalAveragePool", [x], (frame[0], 1, 1))
    mixed = network.add("Conv", [mean, network.weights(frame[0], frame[0], 1, 1)], (frame[0], 1, 1))
    return network.add("Mul", [x, network.add("Sigmoid", [mixed], (frame[0], 1, 1))], frame)


def softmax(draw: Draw, network: Network, x: str) -> str:
    frame = network.frames[x]
    return network.add("Softmax", [x], frame, axis=draw(st.integers(1, len(frame))))
