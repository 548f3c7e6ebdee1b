"""The operations of the ``qnn`` dialect that fill 32-bit accumulators, and the one that reads accumulators."""

from __future__ import annotations

from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
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

from pqc.dialects.constants import S32, check_elements, check_requantization, check_sizes, check_type
from pqc.dialects.pq_types import QuantizedType, WindowAttr, quantized
from pqc.dialects.qnn_base import ClippedOp, integer, integers
from pqc.dialects.rules import (
    I64_ATTR,
    accumulator_type,
    check_accumulators,
    check_window,
    expect,
    expect_field,
    expect_range,
    output_size,
    tensor_type,
)
from pqc.isa.instructions import Convolve
from pqc.numerics.element import Element
from pqc.numerics.requantize import Clip
from pqc.numerics.window import Window

ACCUMULATOR_BITS = 32
"""What the conventional unit accumulates in."""


def _check_layer(weight: SSAValue, shape: tuple[int, ...], bits: int, bias: SSAValue, sums: SSAValue) -> None:
    """Weights of ``shape`` and ``bits`` signed bits, a bias for each output, and accumulators of 32 bits."""
    expect_range("weight_bits", bits, 1, 16)
    expect_field("outputs", shape[0], Convolve, "outputs")
    check_elements("weight", weight, Element(bits, True), shape)
    check_type("bias", bias, S32, [shape[0]])
    kind = tensor_type(sums)
    expect(kind.element_type == S32, f"the accumulators are {kind}, their elements must be si32")


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
        shape = (DYNAMIC_INDEX, tensor_type(weight).get_shape()[0], *window.output_size(height, width))
        super().__init__(
            operands=[x, weight, bias],
            properties={
                "window": WindowAttr(window),
                "groups": integer(groups),
                "weight_bits": integer(weight_bits),
            },
            result_types=[accumulator_type(shape, ACCUMULATOR_BITS)],
        )

    def verify_(self) -> None:
        """Weights, bias and accumulators fit the input, the groups and the window."""
        kind, window, groups = quantized(self.x), self.window.data, self.groups.value.data
        shape = kind.get_shape()
        expect(len(shape) == 4, f"the input is {kind}, it must have channels, rows and columns")
        outputs, *_ = check_sizes("weight", self.weight, "outputs", "channels / groups", "rows", "columns")
        expect(
            groups >= 1 and shape[1] % groups == 0 and outputs % groups == 0,
            f"groups = {groups} must divide {shape[1]} channels and {outputs} outputs",
        )
        check_window(window, Convolve)
        weights = (outputs, shape[1] // groups, *window.kernel)
        _check_layer(self.weight, weights, self.weight_bits.value.data, self.bias, self.accumulator)
        check_accumulators(self.accumulator, (DYNAMIC_INDEX, outputs, *output_size(window, shape[2], shape[3])))


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
        shape = (DYNAMIC_INDEX, tensor_type(weight).get_shape()[0])
        super().__init__(
            operands=[x, weight, bias],
            properties={"weight_bits": integer(weight_bits)},
            result_types=[accumulator_type(shape, ACCUMULATOR_BITS)],
        )

    def verify_(self) -> None:
        """Weights, bias and accumulators fit the input."""
        kind = quantized(self.x)
        shape = kind.get_shape()
        expect(len(shape) == 2, f"the input is {kind}, it must have features alone")
        outputs, _ = check_sizes("weight", self.weight, "outputs", "features")
        _check_layer(self.weight, (outputs, shape[1]), self.weight_bits.value.data, self.bias, self.accumulator)
        check_accumulators(self.accumulator, (DYNAMIC_INDEX, outputs))


@irdl_op_definition
class RequantizeOp(ClippedOp):
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
        "$accumulator `,` $multiplier `,` $shift (`residual` $residual^ `,` $residual_multiplier `:` type($residual) "
        "`,` type($residual_multiplier))? `clip` $clip attr-dict `:` type($accumulator) `,` type($multiplier) `,` "
        "type($shift) `->` type($result)"
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
        super().__init__(
            operands=[accumulator, multiplier, shift, residual, residual_multiplier],
            properties={"clip": integers([clip.low, clip.high])},
            result_types=[QuantizedType.of(tensor_type(accumulator).get_shape(), clip.element, scale)],
        )

    def verify_(self) -> None:
        """One parameter for each channel; result and residual have the accumulators' shape."""
        result = quantized(self.result)
        shape = result.get_shape()
        check_accumulators(self.accumulator, shape)
        expect(
            (self.residual is None) == (self.residual_multiplier is None),
            "a residual comes with a residual multiplier, and no multiplier without one",
        )
        if self.residual is not None:
            kind = quantized(self.residual)
            expect(kind.get_shape() == shape, f"the residual is {kind}, the result {result}: they must have one shape")
        check_requantization(self.multiplier, self.shift, self.residual_multiplier, shape[1])
        self.check_clip()
