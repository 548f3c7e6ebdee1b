"""The ``qnn`` dialect: the rest of a network in integers, as the conventional and vector units compute it.

Formulas are those of ``pqc.numerics``; every result that leaves an accumulator is saturated to ``clip``.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseArrayBase,
    IntegerAttr,
    IntegerType,
    Signedness,
    TensorType,
    i64,
)
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure

from pqc.dialects.pq_types import I64_ATTR, QuantizedType, WindowAttr, element_of, expect
from pqc.numerics.pooling import PoolMode
from pqc.numerics.requantize import MAXIMUM_SHIFT, Clip
from pqc.numerics.window import Window

ARRAY = DenseArrayBase.constr(i64)
"""A list of integers; prints as ``[1, 2]``."""

ACCUMULATOR = IntegerType(32, Signedness.SIGNED)
"""What the conventional unit accumulates in."""


def _array(values: Sequence[int]) -> DenseArrayBase[IntegerType]:
    return DenseArrayBase.from_list(i64, list(values))


def _integer(value: int) -> IntegerAttr[IntegerType]:
    return IntegerAttr(value, i64)


def quantized(value: SSAValue) -> QuantizedType:
    """The type of a quantized activation.

    Raises:
        VerifyException: the value is none.
    """
    kind = value.type
    expect(isinstance(kind, QuantizedType), f"{kind} is not a quantized tensor")
    assert isinstance(kind, QuantizedType)
    return kind


def _check_clip(bounds: DenseArrayBase[IntegerType], kind: QuantizedType) -> None:
    values, element = bounds.get_values(), kind.element
    expect(
        len(values) == 2 and element.minimum <= values[0] <= values[1] <= element.maximum,
        f"clip {list(values)} is not inside [{element.minimum}, {element.maximum}] of {element}",
    )


def _check_shift(shift: IntegerAttr[IntegerType]) -> None:
    expect(0 <= shift.value.data <= MAXIMUM_SHIFT, f"shift = {shift.value.data}, allowed are 0 to {MAXIMUM_SHIFT}")


class _Clipped(IRDLOperation, abc.ABC):
    """Shared by the operations that saturate to ``clip``."""

    clip = prop_def(ARRAY)
    result = result_def(QuantizedType)
    traits = traits_def(Pure())

    @property
    def bounds(self) -> Clip:
        """The clip bounds with the result's element type."""
        low, high = self.clip.get_values()
        return Clip(self.result.type.element, low, high)


@irdl_op_definition
class Conv2dOp(IRDLOperation):
    """A grouped convolution with signed weights [outputs, channels / groups, rows, columns], in 32-bit accumulators."""

    name = "qnn.conv2d"
    x = operand_def(QuantizedType)
    weight = operand_def(TensorType)
    bias = operand_def(TensorType)
    window = prop_def(WindowAttr)
    groups = prop_def(I64_ATTR)
    weight_bits = prop_def(I64_ATTR)
    accumulator = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$x `,` $weight `,` $bias $window `groups` $groups `weight_bits` $weight_bits attr-dict `:` type($x) `,` "
        "type($weight) `,` type($bias) `->` type($accumulator)"
    )

    def __init__(
        self, x: SSAValue, weight: SSAValue, bias: SSAValue, *, window: Window, groups: int, weight_bits: int
    ) -> None:
        _, _, height, width = quantized(x).get_shape()
        weight_type = weight.type
        assert isinstance(weight_type, TensorType)
        shape = (DYNAMIC_INDEX, weight_type.get_shape()[0], *window.output_size(height, width))
        super().__init__(
            operands=[x, weight, bias],
            properties={
                "window": WindowAttr(window),
                "groups": _integer(groups),
                "weight_bits": _integer(weight_bits),
            },
            result_types=[TensorType(ACCUMULATOR, shape)],
        )

    def verify_(self) -> None:
        """Weights, bias and accumulators fit the input, the groups and the window."""
        x, weight, groups = self.x.type.get_shape(), self.weight.type.get_shape(), self.groups.value.data
        expect(len(x) == 4 and len(weight) == 4, "input and weights must have four dimensions")
        expect(
            groups >= 1 and x[1] % groups == 0 and weight[0] % groups == 0,
            f"groups = {groups} must divide {x[1]} channels and {weight[0]} outputs",
        )
        expected = (weight[0], x[1] // groups, *self.window.data.kernel)
        expect(tuple(weight) == expected, f"weights are {list(weight)}, input and window ask for {list(expected)}")
        element = element_of(self.weight.type.element_type)
        bits = self.weight_bits.value.data
        expect(element.signed and element.bits >= bits, f"weights of {element} for {bits} signed bits")
        expect(
            tuple(self.bias.type.get_shape()) == (weight[0],),
            f"bias is {self.bias.type}, there are {weight[0]} outputs",
        )
        result = TensorType(ACCUMULATOR, (DYNAMIC_INDEX, weight[0], *self.window.data.output_size(x[2], x[3])))
        expect(self.accumulator.type == result, f"accumulators are {self.accumulator.type}, they must be {result}")


@irdl_op_definition
class GemmOp(IRDLOperation):
    """A fully connected layer with signed weights [outputs, features], in 32-bit accumulators."""

    name = "qnn.gemm"
    x = operand_def(QuantizedType)
    weight = operand_def(TensorType)
    bias = operand_def(TensorType)
    weight_bits = prop_def(I64_ATTR)
    accumulator = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$x `,` $weight `,` $bias `weight_bits` $weight_bits attr-dict `:` type($x) `,` type($weight) `,` type($bias) "
        "`->` type($accumulator)"
    )

    def __init__(self, x: SSAValue, weight: SSAValue, bias: SSAValue, *, weight_bits: int) -> None:
        weight_type = weight.type
        assert isinstance(weight_type, TensorType)
        super().__init__(
            operands=[x, weight, bias],
            properties={"weight_bits": _integer(weight_bits)},
            result_types=[TensorType(ACCUMULATOR, (DYNAMIC_INDEX, weight_type.get_shape()[0]))],
        )

    def verify_(self) -> None:
        """Weights, bias and accumulators fit the input."""
        x, weight = self.x.type.get_shape(), self.weight.type.get_shape()
        expect(len(x) == 2, f"input is {self.x.type}, it must be [?, features]")
        expect(
            len(weight) == 2 and weight[1] == x[1],
            f"weights are {list(weight)}, the input has {x[1]} features",
        )
        element = element_of(self.weight.type.element_type)
        bits = self.weight_bits.value.data
        expect(element.signed and element.bits >= bits, f"weights of {element} for {bits} signed bits")
        expect(
            tuple(self.bias.type.get_shape()) == (weight[0],),
            f"bias is {self.bias.type}, there are {weight[0]} outputs",
        )
        result = TensorType(ACCUMULATOR, (DYNAMIC_INDEX, weight[0]))
        expect(self.accumulator.type == result, f"accumulators are {self.accumulator.type}, they must be {result}")


@irdl_op_definition
class RequantizeOp(_Clipped):
    """Accumulators, plus a residual where there is one, to activations: multiply, shift, round half up, saturate.

    Multiplier, shift and residual multiplier are one integer for each channel.
    """

    name = "qnn.requantize"
    accumulator = operand_def(TensorType)
    multiplier = operand_def(TensorType)
    shift = operand_def(TensorType)
    residual = opt_operand_def(QuantizedType)
    residual_multiplier = opt_operand_def(TensorType)
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    assembly_format = (
        "$accumulator `,` $multiplier `,` $shift (`residual` $residual^ `,` $residual_multiplier `:` type($residual) `,` "
        "type($residual_multiplier))? `clip` $clip attr-dict `:` type($accumulator) `,` type($multiplier) `,` type($shift) "
        "`->` type($result)"
    )

    def __init__(
        self,
        accumulator: SSAValue,
        multiplier: SSAValue,
        shift: SSAValue,
        residual: SSAValue | None,
        residual_multiplier: SSAValue | None,
        *,
        clip: Clip,
        scale: float,
    ) -> None:
        accumulator_type = accumulator.type
        assert isinstance(accumulator_type, TensorType)
        super().__init__(
            operands=[accumulator, multiplier, shift, residual, residual_multiplier],
            properties={"clip": _array([clip.low, clip.high])},
            result_types=[QuantizedType.of(accumulator_type.get_shape(), clip.element, scale)],
        )

    def verify_(self) -> None:
        """One parameter for each channel; result and residual have the accumulators' shape."""
        shape = tuple(self.accumulator.type.get_shape())
        expect(self.result.type.get_shape() == shape, f"result is {self.result.type}, accumulators {list(shape)}")
        parameters = [("multiplier", self.multiplier), ("shift", self.shift)]
        expect(
            (self.residual is None) == (self.residual_multiplier is None), "a residual comes with a residual multiplier"
        )
        if self.residual is not None and self.residual_multiplier is not None:
            expect(
                self.residual.type.get_shape() == shape,
                f"residual is {self.residual.type}, accumulators are {list(shape)}",
            )
            parameters.append(("residual multiplier", self.residual_multiplier))
        for what, value in parameters:
            kind = value.type
            assert isinstance(kind, TensorType)
            expect(tuple(kind.get_shape()) == (shape[1],), f"{what} is {kind}, there are {shape[1]} channels")
        _check_clip(self.clip, self.result.type)


@irdl_op_definition
class AddOp(_Clipped):
    """Elementwise sum on a common grid: multiply each, add, shift, round half up, saturate."""

    name = "qnn.add"
    left = operand_def(QuantizedType)
    right = operand_def(QuantizedType)
    multipliers = prop_def(ARRAY)
    shift = prop_def(I64_ATTR)
    assembly_format = (
        "$left `,` $right `multipliers` $multipliers `shift` $shift `clip` $clip attr-dict `:` type($left) `,` "
        "type($right) `->` type($result)"
    )

    def __init__(
        self, left: SSAValue, right: SSAValue, *, multipliers: tuple[int, int], shift: int, clip: Clip, scale: float
    ) -> None:
        super().__init__(
            operands=[left, right],
            properties={
                "multipliers": _array(multipliers),
                "shift": _integer(shift),
                "clip": _array([clip.low, clip.high]),
            },
            result_types=[QuantizedType.of(quantized(left).get_shape(), clip.element, scale)],
        )

    def verify_(self) -> None:
        """Operands and result have one shape."""
        shapes = [self.left.type.get_shape(), self.right.type.get_shape(), self.result.type.get_shape()]
        expect(len(set(shapes)) == 1, f"operands and result have shapes {shapes}, they must be equal")
        expect(len(self.multipliers.get_values()) == 2, "there is one multiplier for each operand")
        _check_shift(self.shift)
        _check_clip(self.clip, self.result.type)


@irdl_op_definition
class RescaleOp(_Clipped):
    """Bring a tensor onto another grid or inside other bounds: multiply, shift, round half up, saturate."""

    name = "qnn.rescale"
    x = operand_def(QuantizedType)
    multiplier = prop_def(I64_ATTR)
    shift = prop_def(I64_ATTR)
    assembly_format = (
        "$x `multiplier` $multiplier `shift` $shift `clip` $clip attr-dict `:` type($x) `->` type($result)"
    )

    def __init__(self, x: SSAValue, *, multiplier: int, shift: int, clip: Clip, scale: float) -> None:
        super().__init__(
            operands=[x],
            properties={
                "multiplier": _integer(multiplier),
                "shift": _integer(shift),
                "clip": _array([clip.low, clip.high]),
            },
            result_types=[QuantizedType.of(quantized(x).get_shape(), clip.element, scale)],
        )

    def verify_(self) -> None:
        """Operand and result have one shape."""
        expect(self.x.type.get_shape() == self.result.type.get_shape(), "operand and result must have one shape")
        _check_shift(self.shift)
        _check_clip(self.clip, self.result.type)


def _check_pool(x: QuantizedType, window: Window, result: QuantizedType) -> None:
    shape = x.get_shape()
    expect(len(shape) == 4, f"input is {x}, it must have channels, rows and columns")
    expected = (DYNAMIC_INDEX, shape[1], *window.output_size(shape[2], shape[3]))
    expect(result.get_shape() == expected, f"result is {result}, input and window give {list(expected[1:])}")


@irdl_op_definition
class MaxPoolOp(IRDLOperation):
    """The largest value in each window; padding never wins."""

    name = "qnn.max_pool"
    x = operand_def(QuantizedType)
    window = prop_def(WindowAttr)
    result = result_def(QuantizedType)
    traits = traits_def(Pure())
    assembly_format = "$x $window attr-dict `:` type($x) `->` type($result)"

    def __init__(self, x: SSAValue, *, window: Window) -> None:
        kind = quantized(x)
        _, channels, height, width = kind.get_shape()
        shape = (DYNAMIC_INDEX, channels, *window.output_size(height, width))
        super().__init__(
            operands=[x],
            properties={"window": WindowAttr(window)},
            result_types=[QuantizedType.of(shape, kind.element, kind.scale)],
        )

    def verify_(self) -> None:
        """The window gives the result's shape, and the grid stays."""
        _check_pool(self.x.type, self.window.data, self.result.type)
        expect(self.x.type.grid == self.result.type.grid, "a maximum stays on its operand's grid")


@irdl_op_definition
class AveragePoolOp(_Clipped):
    """The mean over each window, brought onto the result's grid; a global mean is a window as large as the map."""

    name = "qnn.average_pool"
    x = operand_def(QuantizedType)
    window = prop_def(WindowAttr)
    mode = prop_def(I64_ATTR)
    multiplier = prop_def(I64_ATTR)
    shift = prop_def(I64_ATTR)
    assembly_format = (
        "$x $window `mode` $mode `multiplier` $multiplier `shift` $shift `clip` $clip attr-dict `:` type($x) `->` "
        "type($result)"
    )

    def __init__(
        self, x: SSAValue, *, window: Window, mode: PoolMode, multiplier: int, shift: int, clip: Clip, scale: float
    ) -> None:
        _, channels, height, width = quantized(x).get_shape()
        shape = (DYNAMIC_INDEX, channels, *window.output_size(height, width))
        super().__init__(
            operands=[x],
            properties={
                "window": WindowAttr(window),
                "mode": _integer(mode),
                "multiplier": _integer(multiplier),
                "shift": _integer(shift),
                "clip": _array([clip.low, clip.high]),
            },
            result_types=[QuantizedType.of(shape, clip.element, scale)],
        )

    @property
    def pool_mode(self) -> PoolMode:
        """Which taps count."""
        return PoolMode(self.mode.value.data)

    def verify_(self) -> None:
        """The window gives the result's shape."""
        averages = (PoolMode.AVERAGE, PoolMode.AVERAGE_WITH_PADDING)
        expect(self.mode.value.data in averages, f"mode = {self.mode.value.data}, allowed are 1 and 2")
        _check_pool(self.x.type, self.window.data, self.result.type)
        _check_shift(self.shift)
        _check_clip(self.clip, self.result.type)
