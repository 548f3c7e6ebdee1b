"""Functions of one number, products and groups of them, in torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from xdsl.ir import Operation, SSAValue

from pqc.dialects import onnx
from pqc.dialects.blob import ConstantOp, constant_of
from pqc.dialects.onnx import shape_of
from pqc.training.torch_library import Tensor, functional, torch

Function = Callable[..., Tensor]


def _hard_sigmoid(x: Tensor, alpha: float, beta: float) -> Tensor:
    return (x * alpha + beta).clamp(0, 1)


def _selu(x: Tensor, alpha: float, gamma: float) -> Tensor:
    return functional.elu(x, alpha) * gamma


def _thresholded_relu(x: Tensor, alpha: float) -> Tensor:
    return functional.threshold(x, alpha, 0.0)


FUNCTIONS: Mapping[str, Function] = {
    "abs": torch.abs,
    "celu": functional.celu,
    "elu": functional.elu,
    "erf": torch.erf,
    "exp": torch.exp,
    "hard_sigmoid": _hard_sigmoid,
    "leaky_relu": functional.leaky_relu,
    "neg": torch.neg,
    "pow": torch.pow,
    "selu": _selu,
    "sigmoid": torch.sigmoid,
    "softplus": functional.softplus,
    "softsign": functional.softsign,
    "sqrt": torch.sqrt,
    "tanh": torch.tanh,
    "thresholded_relu": _thresholded_relu,
}
"""By the names of :data:`pqc.numerics.functions.FUNCTIONS`: x and the parameters."""


def function(op: onnx.FunctionOp) -> Function:
    """A function of one number."""
    evaluate, parameters = FUNCTIONS[op.function.data], op.values

    def run(x: Tensor) -> Tensor:
        return evaluate(x, *parameters)

    return run


def _per_channel(value: SSAValue, rank: int) -> Tensor | None:
    """A constant of channels as a tensor that broadcasts against an activation; None where it is none."""
    array = constant_of(value)
    return None if array is None else torch.from_numpy(np.array(array)).reshape(-1, *[1] * (rank - 2))


def _of_two(op: Operation, x: SSAValue, y: SSAValue, combine: Callable[[Tensor, Tensor], Tensor]) -> Function:
    constant = _per_channel(y, len(shape_of(x)))

    def run(first: Tensor, second: Tensor | None = None) -> Tensor:
        return combine(first, second if constant is None else constant.to(first.device))

    return run


def add(op: onnx.AddOp) -> Function:
    """A sum; inside a group a term may be constant."""
    return _of_two(op, op.x, op.y, lambda x, y: x + y)


def subtract(op: onnx.SubOp) -> Function:
    """A difference."""
    return _of_two(op, op.x, op.y, lambda x, y: x - y)


def multiply(op: onnx.MulOp) -> Function:
    """A product; inside a group a factor may be constant."""
    return _of_two(op, op.x, op.y, lambda x, y: x * y)


def prelu(op: onnx.PReluOp) -> Function:
    """A slope for each channel where x is negative."""
    return _of_two(op, op.x, op.slope, lambda x, slope: torch.where(x < 0, x * slope, x))


def group(op: onnx.PointwiseOp, operations: Mapping[type[Operation], Callable[[Any], Function]]) -> Function:
    """All that a group holds, one after the other."""
    argument, yielded = op.body.block.args[0], op.yielded
    inside = [inner for inner in op.operations[:-1] if not isinstance(inner, ConstantOp)]
    steps = [(inner, operations[type(inner)](inner)) for inner in inside]

    def run(x: Tensor) -> Tensor:
        values: dict[SSAValue, Tensor] = {argument: x}
        for inner, step in steps:
            values[inner.results[0]] = step(*(values[value] for value in inner.operands if value in values))
        return values[yielded]

    return run
