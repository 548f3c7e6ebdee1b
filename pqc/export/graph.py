"""The graph of an ONNX file being written: nodes and constants by unique names."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import chain, count
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
from xdsl.ir import SSAValue

from pqc.dialects.blob import ConstantOp
from pqc.errors import InternalError
from pqc.numerics.arrays import AnyArray
from pqc.passes.constants import constant_array


class Graph:
    """Nodes in order, initializers, and the ONNX name of each value of the function.

    ``inputs`` are the names of the function's arguments; ``outputs`` those that no other value may have.
    """

    def __init__(self, inputs: Mapping[SSAValue, str], outputs: Sequence[str]) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self._names = dict(inputs)
        self._values = {*inputs.values(), *outputs}
        self._nodes: set[str] = set()
        self._constants: dict[tuple[str, str], str] = {}

    def node(self, kind: str, inputs: Sequence[str], name: str, *, domain: str = "", **attributes: Any) -> str:
        """Append a node; its result, whose name is returned, is called as the node."""
        given = _unique(name or kind, self._nodes)
        result = _unique(given, self._values)
        self.nodes.append(onnx.helper.make_node(kind, inputs, [result], name=given, domain=domain, **attributes))
        return result

    def define(self, value: SSAValue, name: str) -> None:
        """From now on ``name`` is what a value of the function is called."""
        self._names[value] = name

    def give(self, value: SSAValue, output: str) -> None:
        """Make a value an output of the network."""
        name = _unique(output, self._nodes)
        self.nodes.append(onnx.helper.make_node("Identity", [self.operand(value)], [output], name=name))

    def operand(self, value: SSAValue) -> str:
        """The name of a value that was written before, or of a constant, which is written where it is not yet.

        Raises:
            InternalError: nothing gave the value.
        """
        owner = value.owner
        if isinstance(owner, ConstantOp):
            return self.constant(owner.array, owner.label)
        if value not in self._names:
            raise InternalError(f"a value of {value.type} is exported before what gives it")
        return self._names[value]

    def constant_of(self, value: SSAValue, label: str, shape: tuple[int, ...] | None = None) -> str:
        """The name of an initializer called ``label`` that holds a constant, seen in ``shape`` where one is given."""
        array = constant_array(value)
        return self.constant(array if shape is None else array.reshape(shape), label)

    def constant(self, array: AnyArray, label: str) -> str:
        """The name of an initializer; the same array under the same label is one."""
        tensor = onnx.numpy_helper.from_array(np.ascontiguousarray(array))
        key = (label, hashlib.sha256(tensor.SerializeToString()).hexdigest())
        if key not in self._constants:
            tensor.name = self._constants[key] = _unique(label, self._values)
            self.initializers.append(tensor)
        return self._constants[key]


def _unique(name: str, taken: set[str]) -> str:
    """``name``, or the same with a number behind it, that is not taken yet; from now on it is."""
    found = next(one for one in chain([name], (f"{name}_{number}" for number in count(2))) if one not in taken)
    taken.add(found)
    return found
