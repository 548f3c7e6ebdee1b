"""Operations of the ``onnx`` dialect that treat each element by itself.

What holds several of them as one is in :mod:`pqc.dialects.onnx_group`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from xdsl.dialects.builtin import DenseArrayBase, Float64Type, StringAttr, f64
from xdsl.irdl import irdl_op_definition, operand_def, prop_def
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.onnx_base import ClippedOp, FloatOp, FloatTensor, Value, number, shape_of, tensor
from pqc.dialects.onnx_layers import check_outputs
from pqc.numerics import shapes
from pqc.numerics.functions import FUNCTIONS, Function
from pqc.numerics.shapes import Shape

Reals: TypeAlias = DenseArrayBase[Float64Type]
"""A list of real numbers as a property."""


def _added(x: Value, y: Value) -> Shape:
    shape = shapes.addition(shape_of(x), shape_of(y))
    if shape_of(y) != shape:
        # a constant of each channel, folded as a normalization is
        check_outputs(shape[1])
    return shape


@irdl_op_definition
class ReluOp(FloatOp):
    """``max(x, 0)``."""

    name = "onnx.relu"
    x = operand_def(FloatTensor)
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value) -> None:
        super().__init__(operands=[x], result_types=[tensor(shapes.activation(shape_of(x)))])

    def result_shape(self) -> Shape:
        """That of ``x``."""
        return shapes.activation(shape_of(self.x))


@irdl_op_definition
class ClipOp(ClippedOp):
    """``min(max(x, low), high)``."""

    name = "onnx.clip"
    x = operand_def(FloatTensor)
    assembly_format = "$x (`low` $low^)? (`high` $high^)? attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, *, low: float | None = None, high: float | None = None) -> None:
        super().__init__(
            operands=[x],
            properties={"low": number(low), "high": number(high)},
            result_types=[tensor(shapes.activation(shape_of(x)))],
        )

    def result_shape(self) -> Shape:
        """That of ``x``."""
        return shapes.activation(shape_of(self.x))


@irdl_op_definition
class AddOp(FloatOp):
    """``x + y``; ``y`` has the type of ``x``, or is a constant [channels] with one value per channel."""

    name = "onnx.add"
    x = operand_def(FloatTensor)
    y = operand_def(FloatTensor)
    assembly_format = "$x `,` $y attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, y: Value) -> None:
        super().__init__(operands=[x, y], result_types=[tensor(_added(x, y))])

    def result_shape(self) -> Shape:
        """That of ``x``."""
        return _added(self.x, self.y)


@irdl_op_definition
class FunctionOp(FloatOp):
    """A function of one number, by its name in :data:`pqc.numerics.functions.FUNCTIONS`, of every element."""

    name = "onnx.function"
    x = operand_def(FloatTensor)
    function = prop_def(StringAttr)
    parameters = prop_def(DenseArrayBase.constr(f64))
    assembly_format = "$x $function $parameters attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, function: str, parameters: Sequence[float] = ()) -> None:
        super().__init__(
            operands=[x],
            properties={
                "function": StringAttr(function),
                "parameters": DenseArrayBase.from_list(f64, list(parameters)),
            },
            result_types=[tensor(shapes.activation(shape_of(x)))],
        )

    @property
    def values(self) -> tuple[float, ...]:
        """The parameters."""
        return tuple(self.parameters.get_values())

    @property
    def definition(self) -> Function:
        """What it computes."""
        return FUNCTIONS[self.function.data]

    def result_shape(self) -> Shape:
        """That of ``x``."""
        return shapes.activation(shape_of(self.x))

    def verify_(self) -> None:
        """Also: there is such a function, and it has so many parameters."""
        name = self.function.data
        if name not in FUNCTIONS:
            raise VerifyException(f"{self.name}: there is no function {name!r}, there are {', '.join(FUNCTIONS)}")
        wanted = self.definition.parameters
        if len(self.values) != len(wanted):
            listed = ", ".join(wanted) or "none"
            raise VerifyException(f"{self.name}: {name} has {len(self.values)} parameters, it must have {listed}")
        super().verify_()


@irdl_op_definition
class PReluOp(FloatOp):
    """``x``, or ``slope * x`` where x is negative; ``slope`` is a constant [channels] with one value per channel."""

    name = "onnx.prelu"
    x = operand_def(FloatTensor)
    slope = operand_def(FloatTensor)
    assembly_format = "$x `,` $slope attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, slope: Value) -> None:
        super().__init__(operands=[x, slope], result_types=[tensor(shapes.per_channel(shape_of(x), shape_of(slope)))])

    def result_shape(self) -> Shape:
        """That of ``x``."""
        return shapes.per_channel(shape_of(self.x), shape_of(self.slope))


@irdl_op_definition
class MulOp(FloatOp):
    """``x * y``; ``y`` is a constant [channels], or has the dimensions of ``x``, any but the frames perhaps 1."""

    name = "onnx.mul"
    x = operand_def(FloatTensor)
    y = operand_def(FloatTensor)
    assembly_format = "$x `,` $y attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, y: Value) -> None:
        super().__init__(operands=[x, y], result_types=[tensor(shapes.product(shape_of(x), shape_of(y)))])

    def result_shape(self) -> Shape:
        """That of ``x``."""
        return shapes.product(shape_of(self.x), shape_of(self.y))


@irdl_op_definition
class SubOp(FloatOp):
    """``x - y``, both of one shape."""

    name = "onnx.sub"
    x = operand_def(FloatTensor)
    y = operand_def(FloatTensor)
    assembly_format = "$x `,` $y attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, y: Value) -> None:
        super().__init__(operands=[x, y], result_types=[tensor(shapes.difference(shape_of(x), shape_of(y)))])

    def result_shape(self) -> Shape:
        """That of ``x``."""
        return shapes.difference(shape_of(self.x), shape_of(self.y))
