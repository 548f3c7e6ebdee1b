"""Operations of the ``onnx`` dialect with weights; result shapes are those of :mod:`pqc.numerics.shapes`."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import Float64Type, FloatAttr, IntegerAttr, f64, i64
from xdsl.irdl import irdl_op_definition, operand_def, prop_def

from pqc.dialects.onnx_base import (
    FloatOp,
    FloatTensor,
    FusedOp,
    Value,
    WindowOp,
    number,
    shape_of,
    tensor,
    window_properties,
)
from pqc.isa.instructions import Convolve, Encode, Lookup
from pqc.isa.limits import check_field, check_window
from pqc.numerics import shapes
from pqc.numerics.shapes import Shape, ShapeError
from pqc.numerics.window import Window


def check_outputs(outputs: int) -> None:
    """Either unit can compute the layer, so that both must be able to count its outputs."""
    for instruction in (Convolve, Lookup):
        check_field("output channels", outputs, instruction, "outputs")


def _convolved(x: Value, weight: Value, bias: Value, window: Window, group: int) -> Shape:
    shape = shapes.convolution(shape_of(x), shape_of(weight), shape_of(bias), window, group)
    for instruction in (Convolve, Encode):
        check_window(window, instruction)
    check_outputs(shape[1])
    return shape


def _multiplied(x: Value, weight: Value, bias: Value) -> Shape:
    shape = shapes.gemm(shape_of(x), shape_of(weight), shape_of(bias))
    check_outputs(shape[1])
    return shape


def _normalized(x: Value, parameters: Sequence[Value]) -> Shape:
    shape = shapes.batch_normalization(shape_of(x), [shape_of(parameter) for parameter in parameters])
    # it is folded into the layer in front, or becomes one
    check_outputs(shape[1])
    return shape


@irdl_op_definition
class ConvOp(WindowOp, FusedOp):
    """Convolution plus bias [outputs], plus residual, clipped; weight [outputs, channels / group, height, width]."""

    name = "onnx.conv"
    group = prop_def(IntegerAttr.constr(type=i64), default_value=IntegerAttr(1, i64))
    assembly_format = (
        "$x `,` $weight `,` $bias (`residual` $residual^)? (`strides` $strides^)? (`pads` $pads^)? "
        "(`dilations` $dilations^)? (`group` $group^)? (`low` $low^)? (`high` $high^)? "
        "attr-dict `:` functional-type(operands, results)"
    )

    def __init__(
        self,
        x: Value,
        weight: Value,
        bias: Value,
        *,
        strides: tuple[int, int] = (1, 1),
        pads: tuple[int, int, int, int] = (0, 0, 0, 0),
        dilations: tuple[int, int] = (1, 1),
        group: int = 1,
        residual: Value | None = None,
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        kernel = shape_of(weight)[2:]
        if len(kernel) != 2:
            raise ShapeError(
                f"the weight must be [outputs, channels, rows, columns], it is {shapes.text(shape_of(weight))}"
            )
        window = Window((kernel[0], kernel[1]), strides, pads, dilations)
        shape = _convolved(x, weight, bias, window, group)
        super().__init__(
            operands=[x, weight, bias, residual],
            properties={
                **window_properties(window),
                "group": IntegerAttr(group, i64),
                "low": number(low),
                "high": number(high),
            },
            result_types=[tensor(shape)],
        )

    @property
    def window(self) -> Window:
        """Kernel (that of the weight), strides, pads and dilations."""
        return self.window_with(shape_of(self.weight)[2:])

    def result_shape(self) -> Shape:
        """[frames, outputs, rows, columns]."""
        return self.with_residual(_convolved(self.x, self.weight, self.bias, self.window, self.group.value.data))


@irdl_op_definition
class GemmOp(FusedOp):
    """x [frames, features] times the transpose of weight [outputs, features], plus bias, plus residual, clipped."""

    name = "onnx.gemm"
    assembly_format = (
        "$x `,` $weight `,` $bias (`residual` $residual^)? (`low` $low^)? (`high` $high^)? "
        "attr-dict `:` functional-type(operands, results)"
    )

    def __init__(
        self,
        x: Value,
        weight: Value,
        bias: Value,
        *,
        residual: Value | None = None,
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        shape = _multiplied(x, weight, bias)
        super().__init__(
            operands=[x, weight, bias, residual],
            properties={"low": number(low), "high": number(high)},
            result_types=[tensor(shape)],
        )

    def result_shape(self) -> Shape:
        """[frames, outputs]."""
        return self.with_residual(_multiplied(self.x, self.weight, self.bias))


@irdl_op_definition
class BatchNormOp(FloatOp):
    """``(x - mean) / sqrt(variance + epsilon) * scale + bias``, each parameter [channels]."""

    name = "onnx.batch_norm"
    x = operand_def(FloatTensor)
    scale = operand_def(FloatTensor)
    bias = operand_def(FloatTensor)
    mean = operand_def(FloatTensor)
    variance = operand_def(FloatTensor)
    epsilon = prop_def(FloatAttr[Float64Type])
    assembly_format = (
        "$x `,` $scale `,` $bias `,` $mean `,` $variance `epsilon` $epsilon "
        "attr-dict `:` functional-type(operands, results)"
    )

    def __init__(
        self, x: Value, scale: Value, bias: Value, mean: Value, variance: Value, *, epsilon: float = 1e-5
    ) -> None:
        super().__init__(
            operands=[x, scale, bias, mean, variance],
            properties={"epsilon": FloatAttr(epsilon, f64)},
            result_types=[tensor(_normalized(x, (scale, bias, mean, variance)))],
        )

    def result_shape(self) -> Shape:
        """That of ``x``."""
        return _normalized(self.x, (self.scale, self.bias, self.mean, self.variance))
