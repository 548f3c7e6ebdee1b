"""Operations of the ``onnx`` dialect that reduce the map."""

from __future__ import annotations

from abc import ABC

from xdsl.dialects.builtin import BoolAttr
from xdsl.irdl import irdl_op_definition, operand_def, prop_def

from pqc.dialects.onnx_base import (
    INTEGERS,
    FloatOp,
    FloatTensor,
    Value,
    WindowOp,
    integers,
    shape_of,
    tensor,
    window_properties,
)
from pqc.isa.instructions import Pool
from pqc.isa.limits import check_window
from pqc.numerics import shapes
from pqc.numerics.shapes import Shape
from pqc.numerics.window import Window


def _pooled(x: Value, window: Window) -> Shape:
    shape = shapes.pooling(shape_of(x), window)
    check_window(window, Pool)
    return shape


def _globally_pooled(x: Value) -> Shape:
    shape = shapes.global_pooling(shape_of(x))
    # the window of the pooling that it becomes is the whole map
    _, _, height, width = shape_of(x)
    check_window(Window((height, width)), Pool)
    return shape


class PoolOp(WindowOp, ABC):
    """Reduces each window to one value per channel."""

    x = operand_def(FloatTensor)
    kernel = prop_def(INTEGERS)

    @property
    def window(self) -> Window:
        """Kernel, strides, pads and dilations."""
        return self.window_with(self.kernel.get_values())

    def result_shape(self) -> Shape:
        """[frames, channels, rows, columns]."""
        return _pooled(self.x, self.window)


@irdl_op_definition
class MaxPoolOp(PoolOp):
    """The largest value in each window; padding never wins."""

    name = "onnx.max_pool"
    assembly_format = (
        "$x `kernel` $kernel (`strides` $strides^)? (`pads` $pads^)? (`dilations` $dilations^)? "
        "attr-dict `:` functional-type(operands, results)"
    )

    def __init__(self, x: Value, window: Window) -> None:
        super().__init__(
            operands=[x],
            properties={"kernel": integers(window.kernel), **window_properties(window)},
            result_types=[tensor(_pooled(x, window))],
        )


@irdl_op_definition
class AveragePoolOp(PoolOp):
    """The mean of each window over the taps inside the map, or over all taps with ``count_include_pad``."""

    name = "onnx.average_pool"
    count_include_pad = prop_def(BoolAttr, default_value=BoolAttr.from_bool(value=False))
    assembly_format = (
        "$x `kernel` $kernel (`strides` $strides^)? (`pads` $pads^)? (`dilations` $dilations^)? "
        "(`count_include_pad` $count_include_pad^)? attr-dict `:` functional-type(operands, results)"
    )

    def __init__(self, x: Value, window: Window, *, count_include_pad: bool = False) -> None:
        super().__init__(
            operands=[x],
            properties={
                "kernel": integers(window.kernel),
                **window_properties(window),
                "count_include_pad": BoolAttr.from_bool(count_include_pad),
            },
            result_types=[tensor(_pooled(x, window))],
        )


@irdl_op_definition
class GlobalAveragePoolOp(FloatOp):
    """The mean over height and width, [frames, channels, 1, 1]."""

    name = "onnx.global_average_pool"
    x = operand_def(FloatTensor)
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value) -> None:
        super().__init__(operands=[x], result_types=[tensor(_globally_pooled(x))])

    def result_shape(self) -> Shape:
        """[frames, channels, 1, 1]."""
        return _globally_pooled(self.x)
