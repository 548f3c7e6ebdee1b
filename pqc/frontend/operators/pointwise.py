"""Functions of one number, products and differences.

Operators that ONNX itself defines by others (Swish, Gelu, HardSwish, Mish) are imported as those.
"""

from __future__ import annotations

import math

import numpy as np
from xdsl.ir import SSAValue

from pqc.dialects.onnx import AddOp, FunctionOp, MulOp, PReluOp, SubOp, shape_of
from pqc.dialects.onnx_base import FloatOp
from pqc.frontend.node import Node
from pqc.frontend.operators.by_channel import WithConstant
from pqc.frontend.operators.elementwise import add_values, broadcast
from pqc.frontend.values import Activation, Constant, RefusalError
from pqc.numerics.arrays import AnyArray
from pqc.numerics.functions import FUNCTIONS
from pqc.numerics.shapes import Shape

_BY_OPERATOR = {definition.operator: name for name, definition in FUNCTIONS.items()}


def function(node: Node) -> Activation:
    """Of any activation, with any parameters; a table in integers, off by half a step of the result's grid."""
    x = node.activation()
    return node.emit(_function(node, node.seen(x)), x.shape)


def _function(node: Node, x: SSAValue) -> FunctionOp:
    """The function that the node's operator is, with the node's parameters."""
    name = _BY_OPERATOR[node.proto.op_type]
    parameters = FUNCTIONS[name].parameters.items()
    return FunctionOp(x, name, [node.real(attribute, unsaid) for attribute, unsaid in parameters])


def power(node: Node) -> Activation:
    """An activation to the power of one constant number."""
    exponent = node.scalar(1, "the exponent")
    if exponent is None:
        raise RefusalError("the exponent (input 1) is missing")
    x = node.activation()
    return node.emit(FunctionOp(node.seen(x), "pow", [exponent]), x.shape)


def prelu(node: Node) -> Activation:
    """With a constant slope that is the same for all frames."""
    slope = node.constant(1, "the slope")
    return WithConstant(node, slope, slope.array, PReluOp, "as a slope of").applied(node.activation())


class _Formula:
    """Operations of one node, one after the other."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._shape = node.activation().shape
        self.x = node.operand()

    def emit(self, op: FloatOp) -> SSAValue:
        """The result of an operation."""
        return self.node.emit(op).value

    def function(self, x: SSAValue, name: str, *parameters: float) -> SSAValue:
        """A function of ``x``."""
        return self.emit(FunctionOp(x, name, parameters))

    def times(self, x: SSAValue, y: SSAValue | float) -> SSAValue:
        """A product."""
        return self.emit(MulOp(x, y if isinstance(y, SSAValue) else self._constant(y)))

    def plus(self, x: SSAValue, y: SSAValue | float) -> SSAValue:
        """A sum."""
        return self.emit(AddOp(x, y if isinstance(y, SSAValue) else self._constant(y)))

    def give(self, value: SSAValue) -> Activation:
        """The node's result."""
        return self.node.view(Activation(value, shape_of(value)), self._shape)

    def _constant(self, number: float) -> SSAValue:
        return self.node.weight(Constant(np.full(self._shape[1], number, np.float32), f"{self.node.name}.{number:.6g}"))


def swish(node: Node) -> Activation:
    """Of any activation, with any alpha: x times Sigmoid of alpha * x."""
    formula, alpha = _Formula(node), node.real("alpha", 1.0)
    inside = formula.x if alpha == 1.0 else formula.times(formula.x, alpha)
    return formula.give(formula.times(formula.x, formula.function(inside, "sigmoid")))


def hard_swish(node: Node) -> Activation:
    """Of any activation: x times HardSigmoid of x."""
    formula = _Formula(node)
    return formula.give(formula.times(formula.x, formula.function(formula.x, "hard_sigmoid", 1 / 6, 0.5)))


def mish(node: Node) -> Activation:
    """Of any activation: x times Tanh of Softplus of x."""
    formula = _Formula(node)
    inside = formula.function(formula.function(formula.x, "softplus"), "tanh")
    return formula.give(formula.times(formula.x, inside))


def gelu(node: Node) -> Activation:
    """Of any activation, with any approximate: x / 2 times (1 + Erf of x / sqrt 2), or its approximation by Tanh."""
    approximate, formula = node.string("approximate", "none"), _Formula(node)
    x = formula.x
    if approximate == "none":
        bent = formula.function(formula.times(x, math.sqrt(0.5)), "erf")
    elif approximate == "tanh":
        cube = formula.times(formula.times(formula.times(x, x), x), 0.044715)
        bent = formula.function(formula.times(formula.plus(x, cube), math.sqrt(2 / math.pi)), "tanh")
    else:
        raise RefusalError(f"approximate is '{approximate}', allowed are 'none' and 'tanh'")
    return formula.give(formula.times(formula.times(x, 0.5), formula.plus(bent, 1.0)))


def sub(node: Node) -> Activation:
    """Two activations, or an activation and a constant that is the same for all frames; either is broadcast."""
    left, right = node.input(0), node.input(1)
    if isinstance(left, Activation) and isinstance(right, Activation):
        shape, sides = broadcast(node, left, right)
        return node.emit(SubOp(*sides), shape)
    if isinstance(right, Constant):
        return add_values(node, node.activation(0), right, -right.array)
    constant, x = node.constant(0, "what is subtracted from"), node.activation(1)
    negated = node.emit(FunctionOp(node.seen(x), "neg"), x.shape)
    return add_values(node, negated, constant, constant.array)


def mul(node: Node) -> Activation:
    """Two activations, or an activation and a constant that is the same for all frames; either is broadcast."""
    left, right = node.input(0), node.input(1)
    if isinstance(left, Activation) and isinstance(right, Activation):
        return product(node, left, right)
    if isinstance(right, Constant):
        return scaled(node, node.activation(0), right, right.array)
    constant = node.constant(0, "the other factor")
    return scaled(node, node.activation(1), constant, constant.array)


def div(node: Node) -> Activation:
    """By an activation, whose inverse is a table in integers, or by a constant that is nowhere 0; as Mul otherwise."""
    left, right = node.input(0), node.input(1)
    if isinstance(right, Activation):
        upside_down = node.at("inverse").emit(FunctionOp(node.seen(right), "pow", [-1.0]), right.shape)
        if isinstance(left, Activation):
            return product(node, left, upside_down)
        numerator = node.constant(0, "what is divided")
        return scaled(node, upside_down, numerator, numerator.array)
    divisor = node.constant(1, "the divisor")
    if not divisor.array.all():
        raise RefusalError("the divisor (input 1) holds 0")
    inverse = (1 / divisor.array.astype(np.float64)).astype(divisor.array.dtype)
    return scaled(node, node.activation(0), divisor, inverse)


def scaled(node: Node, x: Activation, constant: Constant, factors: AnyArray) -> Activation:
    """``x`` times what became of a constant, which is the same for all frames.

    Raises:
        RefusalError: it is not, or larger than ``x``.
    """
    return WithConstant(node, constant, factors, MulOp, "times").applied(x)


def product(node: Node, left: Activation, right: Activation) -> Activation:
    """The product of two activations.

    Where one has the result's shape and the other is broadcast over rows and columns, the operation itself does so;
    what is broadcast comes second.
    """
    for large, small in ((left, right), (right, left)):
        if len(large.shape) in (2, 4) and _goes_into(small.shape, large.shape):
            return node.emit(MulOp(node.seen(large), node.seen(small)), large.shape)
    shape, sides = broadcast(node, left, right)
    return node.emit(MulOp(*sides), shape)


def _goes_into(small: Shape, large: Shape) -> bool:
    same_rank = len(small) == len(large) and small[0] == large[0]
    return same_rank and all(size in (1, whole) for size, whole in zip(small[1:], large[1:], strict=True))
