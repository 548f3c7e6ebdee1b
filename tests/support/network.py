"""Small networks being written as ONNX models, and two that many tests use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import helper
from support.onnx_models import model, node

from pqc.numerics.arrays import AnyArray, FloatArray

Draw: TypeAlias = st.DrawFn
Frame: TypeAlias = tuple[int, ...]


class Network:
    """A model being written; ``frames`` holds the shape of each activation without the frames."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.inputs: dict[str, Frame] = {}
        self.frames: dict[str, Frame] = {}
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, AnyArray] = {}
        self.outputs: list[str] = []

    def take(self, frame: Frame) -> None:
        """One more input."""
        name = f"input{len(self.inputs)}"
        self.inputs[name] = self.frames[name] = frame

    def constant(self, values: AnyArray) -> str:
        """A constant by a new name."""
        name = f"constant{len(self.constants)}"
        self.constants[name] = values
        return name

    def weights(self, *shape: int) -> str:
        """Normally distributed numbers that keep activations about as large as they are."""
        reach = 1 / np.sqrt(np.prod(shape[1:], dtype=float))
        return self.constant((self.random.normal(size=shape) * reach).astype(np.float32))

    def numbers(self, *values: int) -> str:
        """A list of integers."""
        return self.constant(np.array(values, np.int64))

    def add(self, kind: str, operands: Sequence[str], frame: Frame, **attributes: object) -> str:
        """One more node, and the name of its result."""
        name = f"{kind.lower()}{len(self.nodes)}"
        self.nodes.append(node(kind, operands, [name], name=name, **attributes))
        self.frames[name] = frame
        return name

    def give(self, name: str) -> None:
        """One more output, under a name of its own."""
        self.outputs.append(f"output{len(self.outputs)}")
        self.nodes.append(node("Identity", [name], [self.outputs[-1]], name=self.outputs[-1]))

    def __repr__(self) -> str:
        """The nodes, one a line, as failing examples show them."""
        lines = [f"{name} = input {frame}" for name, frame in self.inputs.items()]
        for one in self.nodes:
            attributes = {entry.name: helper.get_attribute_value(entry) for entry in one.attribute}
            lines.append(f"{one.output[0]} = {one.op_type} {', '.join(one.input)} {attributes}")
        lines += [f"{name} = constant {array.shape}" for name, array in self.constants.items()]
        return "\n".join(lines)

    @property
    def unread(self) -> list[str]:
        """Activations that nothing reads."""
        read = {name for one in self.nodes for name in one.input}
        return [name for name in self.frames if name not in read]

    @property
    def proto(self) -> onnx.ModelProto:
        """The model."""
        shapes = {name: ("N", *frame) for name, frame in self.inputs.items()}
        return model(self.nodes, self.constants, shapes, self.outputs, opset=14)

    def data(self, count: int, seed: int = 0) -> dict[str, FloatArray]:
        """Normally distributed frames for each input."""
        random = np.random.default_rng(seed)
        return {name: random.normal(size=(count, *frame)).astype(np.float32) for name, frame in self.inputs.items()}


def three_convolutions(seed: int = 0) -> Network:
    """A first convolution, which stays conventional, then a large layer and one that all results go through."""
    network = Network(seed)
    network.take((2, 6, 6))
    x, channels = "input0", 2
    for outputs in (8, 12, 3):
        weights = network.weights(outputs, channels, 3, 3), network.weights(outputs)
        x = network.add("Conv", [x, *weights], (outputs, 6, 6), pads=[1, 1, 1, 1])
        x, channels = network.add("Relu", [x], (outputs, 6, 6)), outputs
    network.give(x)
    return network


def residual_network(seed: int = 0) -> Network:
    """Two convolutions with a residual addition around the second, a global mean and a matrix product."""
    network = Network(seed)
    network.take((2, 6, 6))
    around: dict[str, object] = {"pads": [1, 1, 1, 1]}
    stem = network.add("Conv", ["input0", network.weights(4, 2, 3, 3), network.weights(4)], (4, 6, 6), **around)
    start = network.add("Relu", [stem], (4, 6, 6))
    body = network.add("Conv", [start, network.weights(4, 4, 3, 3), network.weights(4)], (4, 6, 6), **around)
    total = network.add("Add", [body, start], (4, 6, 6))
    end = network.add("Relu", [total], (4, 6, 6))
    mean = network.add("GlobalAveragePool", [end], (4, 1, 1))
    flat = network.add("Flatten", [mean], (4,))
    network.give(network.add("Gemm", [flat, network.weights(3, 4), network.weights(3)], (3,), transB=1))
    return network


Step: TypeAlias = Callable[[Draw, Network, str], str | None]
"""Adds a node that reads an activation; None if no such node can."""
