"""One ONNX node as its converter sees it: typed attributes, resolved inputs, and a place to put operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import onnx
import onnx.helper
from xdsl.ir import SSAValue

from pqc.dialects.onnx_base import FloatOp
from pqc.dialects.pq import ConvolutionOp
from pqc.frontend.builder import Builder
from pqc.frontend.loader import DOMAINS
from pqc.frontend.values import Activation, Constant, RefusalError
from pqc.numerics import shapes
from pqc.numerics.arrays import AnyArray
from pqc.numerics.shapes import Shape


def node_name(node: onnx.NodeProto) -> str:
    """The node's name, or that of its first output where it has none."""
    return node.name or next((name for name in node.output if name), "")


def operator_name(node: onnx.NodeProto) -> str:
    """The node's operator: its type, behind its domain where that is not the standard one."""
    return node.op_type if node.domain in DOMAINS else f"{node.domain}.{node.op_type}"


def values_read(node: onnx.NodeProto) -> list[str]:
    """The names of what ``node`` reads: its inputs, and what graphs inside of it take from around them."""
    inside = (graph for attribute in node.attribute for graph in (attribute.g, *attribute.graphs))
    return [name for name in node.input if name] + [name for graph in inside for name in _captured(graph)]


def values_made(node: onnx.NodeProto) -> list[str]:
    """The names of its results; the first one stands for no other node."""
    return [name for name in node.output if name]


def _captured(graph: onnx.GraphProto) -> list[str]:
    """What a graph inside of a node reads that nothing in it makes."""
    own = {entry.name for entry in graph.input} | {tensor.name for tensor in graph.initializer}
    own.update(name for node in graph.node for name in node.output)
    read = [name for node in graph.node for name in values_read(node)]
    return [name for name in dict.fromkeys([*read, *(entry.name for entry in graph.output)]) if name not in own]


@dataclass(frozen=True)
class Node:
    """A node whose inputs are all known; None stands for an optional input that is left out."""

    proto: onnx.NodeProto
    inputs: Sequence[Activation | Constant | None]
    builder: Builder
    frames: int
    """What the exporter's arithmetic takes the number of frames to be."""
    opset: int
    """The version of the standard operators that the model is written in."""
    step: str = ""
    """What of the node's work is being written down, where that is several operations with results of their own."""

    @property
    def name(self) -> str:
        """What locations call it."""
        name = node_name(self.proto)
        return f"{name}.{self.step}" if self.step else name

    def at(self, step: str) -> Node:
        """The node while one of its steps is written down, whose results have a name of their own."""
        return replace(self, step=step)

    def attribute(self, name: str, default: Any) -> Any:
        """An attribute's value as Python sees it, or ``default``."""
        for attribute in self.proto.attribute:
            if attribute.name == name:
                return onnx.helper.get_attribute_value(attribute)
        return default

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        return int(self.attribute(name, default))

    def flag(self, name: str, *, default: bool = False) -> bool:
        """An integer attribute that means yes or no."""
        return self.integer(name, int(default)) != 0

    def real(self, name: str, default: float) -> float:
        """A float attribute."""
        return float(self.attribute(name, default))

    def string(self, name: str, default: str) -> str:
        """A string attribute."""
        value = self.attribute(name, default)
        return value.decode() if isinstance(value, bytes) else str(value)

    def integers(self, name: str, default: Sequence[int]) -> tuple[int, ...]:
        """A list of integers, or ``default``."""
        return tuple(int(item) for item in cast("Sequence[Any]", self.attribute(name, default)))

    def input(self, index: int) -> Activation | Constant | None:
        """An input, None where it is left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def activation(self, index: int = 0) -> Activation:
        """An input that depends on the network's inputs.

        Raises:
            RefusalError: it is a constant.
        """
        value = self.input(index)
        if not isinstance(value, Activation):
            raise RefusalError(f"input {index} must be an activation, it is a constant")
        return value

    def operand(self, index: int = 0) -> SSAValue:
        """The value of :meth:`activation`, in the shape that it is computed with."""
        return self.seen(self.activation(index))

    def seen(self, activation: Activation, shape: Shape | None = None) -> SSAValue:
        """The value of ``activation`` in ``shape``, or in the shape that it is computed with."""
        return self.builder.realize(activation, shapes.carried(activation.shape) if shape is None else shape, self.name)

    def constant(self, index: int, what: str) -> Constant:
        """An input that is known at import time; ``what`` says what it is.

        Raises:
            RefusalError: it is left out, or depends on the network's inputs.
        """
        value = self.optional_constant(index, what)
        if value is None:
            raise RefusalError(f"{what} (input {index}) is missing")
        return value

    def optional_constant(self, index: int, what: str) -> Constant | None:
        """The same, None where it is left out."""
        value = self.input(index)
        if isinstance(value, Activation):
            raise RefusalError(f"{what} (input {index}) must be a constant, it depends on the network's inputs")
        return value

    def listed(self, attribute: str, index: int, what: str) -> tuple[int, ...] | None:
        """Integers that older operator sets give as ``attribute`` and newer ones as input ``index``."""
        if self.attribute(attribute, None) is not None:
            return self.integers(attribute, ())
        value = self.optional_constant(index, what)
        return None if value is None else tuple(int(item) for item in value.array.reshape(-1))

    def numbers(self, index: int, what: str) -> AnyArray:
        """A constant input of integers.

        Raises:
            RefusalError: it is left out, depends on the network's inputs, or holds other numbers.
        """
        array = self.constant(index, what).array
        if array.dtype.kind not in "iu":
            raise RefusalError(f"{what} (input {index}) must be integers, they are {array.dtype}")
        return array

    def scalar(self, index: int, what: str) -> float | None:
        """A constant input of one element, None where it is left out."""
        value = self.optional_constant(index, what)
        if value is None or value.array.size == 0:
            return None
        if value.array.size != 1:
            raise RefusalError(f"{what} (input {index}) must be one number, it has {value.array.size}")
        return float(value.array.reshape(()))

    def weight(self, constant: Constant, array: AnyArray | None = None) -> SSAValue:
        """A constant, or what became of its ``array``, as an operand."""
        return self.builder.constant(np.ascontiguousarray(constant.array if array is None else array), constant.label)

    def whole(self, constant: Constant) -> SSAValue:
        """A constant of float32 or of integers, as it is, as an operand."""
        return self.builder.whole(np.ascontiguousarray(constant.array), constant.label)

    def emit(self, op: FloatOp | ConvolutionOp, shape: Shape | None = None) -> Activation:
        """Append ``op`` with this node's name as its location; its result is seen in ``shape``, or in its own."""
        made = self.builder.emit(op, self.name)
        return made if shape in (None, made.shape) else self.view(made, shape)

    def view(self, activation: Activation, shape: Shape) -> Activation:
        """The same elements in another ``shape``, which may have any dimensions."""
        return Activation(activation.value, shape, self.name)

    def axis(self, value: int, rank: int) -> int:
        """``value`` counted from the front.

        Raises:
            RefusalError: it lies outside ``rank`` dimensions.
        """
        if not -rank <= value < rank:
            raise RefusalError(f"axis {value} does not exist, the input has {rank} dimensions")
        return value % rank
