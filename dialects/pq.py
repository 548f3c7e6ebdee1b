"""The ``pq`` dialect: convolution by product quantization, as one step on real numbers and as two on integers.

One convolution at the integer level::

    %codes = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 ...
    %accumulator = pq.lookup %codes, %table, %bias table_bits 8 : ... -> tensor<?x16x32x32xsi16>
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import DYNAMIC_INDEX, FloatAttr, IntegerAttr, StringAttr, TensorType, i64
from xdsl.ir import Attribute, Dialect, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure

from pqc.dialects.constants import F32, S32, check_elements, check_sizes, check_type
from pqc.dialects.pq_attributes import check_metric
from pqc.dialects.pq_types import (
    CodesType,
    ConfigAttr,
    GridAttr,
    QuantizedType,
    WindowAttr,
    codes_type,
    quantized,
)
from pqc.dialects.rules import (
    I64_ATTR,
    accumulator_type,
    check_accumulators,
    check_window,
    element_of,
    expect,
    expect_field,
    expect_range,
    integer_format,
    output_size,
    spell_shape,
    tensor_type,
)
from pqc.isa.instructions import Encode, Lookup
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.window import Window


def subspaces_of(channels: int, window: Window, length: int) -> int:
    """Subvectors that a window over ``channels`` is cut into: ceil(channels * kernel area / length)."""
    return -(-channels * window.kernel[0] * window.kernel[1] // length)


def _check_codebook(codebook: SSAValue, channels: int, window: Window, element: Element) -> tuple[int, int, int]:
    """The codebook goes with the input; returns its subspaces, prototypes and length."""
    subspaces, prototypes, length = check_sizes("codebook", codebook, "subspaces", "prototypes", "length")
    expected = subspaces_of(channels, window, length)
    expect(
        subspaces == expected,
        f"the codebook has {subspaces} subspaces; {channels} channels, a window of {spell_shape(window.kernel)} and "
        f"length {length} make {expected}",
    )
    for field, value in (("subspaces", subspaces), ("prototypes", prototypes), ("length", length)):
        expect_field(field, value, Encode, field)
    check_elements("codebook", codebook, element, [subspaces, prototypes, length])
    return subspaces, prototypes, length


def _check_encoding(shift: int, prototype_bits: int, window: Window) -> None:
    """The numbers fit the fields of the encode instruction."""
    expect_field("shift", shift, Encode, "shift")
    expect_range("prototype_bits", prototype_bits, 1, 16)
    check_window(window, Encode)


def _float_shape(what: str, value: SSAValue) -> Sequence[int]:
    """Channels, rows and columns of an activation at the float level."""
    kind = tensor_type(value)
    shape = kind.get_shape()
    expect(
        len(shape) == 4 and shape[0] == DYNAMIC_INDEX and min(shape[1:]) >= 1 and kind.element_type == F32,
        f"the {what} is {kind}, it must be an f32 tensor of ? frames of channels, rows and columns",
    )
    return shape[1:]


@irdl_op_definition
class ConvolutionOp(IRDLOperation):
    """A convolution by product quantization, on real numbers: the level between fitting and quantizing.

    The input is brought onto ``grid``, encoded with the integer codebook, and looked up in a table of real numbers;
    bias, residual and clip follow, as in ``onnx.conv``.
    """

    name = "pq.convolution"
    x = operand_def(TensorType)
    codebook = operand_def(TensorType)
    table = operand_def(TensorType)
    bias = operand_def(TensorType)
    residual = opt_operand_def(TensorType)
    window = prop_def(WindowAttr)
    config = prop_def(ConfigAttr)
    grid = prop_def(GridAttr)
    shift = prop_def(I64_ATTR)
    low = opt_prop_def(FloatAttr)
    high = opt_prop_def(FloatAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$x `,` $codebook `,` $table `,` $bias (`residual` $residual^ `:` type($residual))? $window $config "
        "`on` $grid `shift` $shift (`low` $low^)? (`high` $high^)? attr-dict `:` type($x) `,` type($codebook) `,` "
        "type($table) `,` type($bias) `->` type($result)"
    )

    def __init__(
        self,
        x: SSAValue,
        codebook: SSAValue,
        table: SSAValue,
        bias: SSAValue,
        residual: SSAValue | None,
        *,
        window: Window,
        config: ConfigAttr,
        grid: GridAttr,
        shift: int,
        low: FloatAttr | None,
        high: FloatAttr | None,
        result_type: Attribute,
    ) -> None:
        super().__init__(
            operands=[x, codebook, table, bias, residual],
            properties={
                "window": WindowAttr(window),
                "config": config,
                "grid": grid,
                "shift": IntegerAttr(shift, i64),
                "low": low,
                "high": high,
            },
            result_types=[result_type],
        )

    def verify_(self) -> None:
        """Codebook, table, bias and residual have the shapes that input, window and result ask for."""
        channels, rows, columns = _float_shape("input", self.x)
        outputs, *map_size = _float_shape("result", self.result)
        window, config = self.window.data, self.config
        element = Element(config.prototype_bits.data, self.grid.integers.signed)
        _check_encoding(self.shift.value.data, element.bits, window)
        subspaces, prototypes, length = _check_codebook(self.codebook, channels, window, element)
        for what, found, wanted in (
            ("prototypes", prototypes, config.prototypes.data),
            ("elements a prototype", length, config.length.data),
        ):
            expect(found == wanted, f"the codebook has {found} {what}, the configuration {wanted}")
        check_type("table", self.table, F32, [subspaces, prototypes, outputs])
        check_type("bias", self.bias, F32, [outputs])
        expected = output_size(window, rows, columns)
        expect(
            tuple(map_size) == expected,
            f"the result has a map of {spell_shape(map_size)}, input and window give {spell_shape(expected)}",
        )
        expect(
            self.residual is None or self.residual.type == self.result.type,
            "the residual must have the type of the result",
        )
        low = -math.inf if self.low is None else self.low.value.data
        high = math.inf if self.high is None else self.high.value.data
        expect(low <= high, f"low = {low} and high = {high} are no bounds")


@irdl_op_definition
class EncodeOp(IRDLOperation):
    """Pick the nearest prototype for each position and subspace; ties go to the lowest index.

    The input is shifted right by ``shift`` (round half up) and saturated to ``prototype_bits`` first; padding
    contributes zeros.
    """

    name = "pq.encode"
    x = operand_def(QuantizedType)
    codebook = operand_def(TensorType)
    window = prop_def(WindowAttr)
    metric = prop_def(StringAttr)
    shift = prop_def(I64_ATTR)
    prototype_bits = prop_def(I64_ATTR)
    codes = result_def(CodesType)
    traits = traits_def(Pure())
    assembly_format = (
        "$x `,` $codebook $window `metric` $metric `shift` $shift `prototype_bits` $prototype_bits attr-dict `:` "
        "type($x) `,` type($codebook) `->` type($codes)"
    )

    def __init__(
        self, x: SSAValue, codebook: SSAValue, *, window: Window, metric: Metric, shift: int, prototype_bits: int
    ) -> None:
        _, _, height, width = quantized(x).get_shape()
        subspaces, prototypes, _ = tensor_type(codebook).get_shape()
        super().__init__(
            operands=[x, codebook],
            properties={
                "window": WindowAttr(window),
                "metric": StringAttr(metric.name.lower()),
                "shift": IntegerAttr(shift, i64),
                "prototype_bits": IntegerAttr(prototype_bits, i64),
            },
            result_types=[CodesType.of((DYNAMIC_INDEX, subspaces, *window.output_size(height, width)), prototypes)],
        )

    @property
    def distance(self) -> Metric:
        """The metric."""
        return Metric[self.metric.data.upper()]

    @property
    def prototype_element(self) -> Element:
        """The grid's integers: the codebook's signedness at ``prototype_bits``."""
        return Element(self.prototype_bits.value.data, element_of(tensor_type(self.codebook).element_type).signed)

    def verify_(self) -> None:
        """Codebook and codes have the shapes that input and window ask for, and the numbers fit the hardware."""
        kind, window = quantized(self.x), self.window.data
        shape = kind.get_shape()
        expect(len(shape) == 4, f"the input is {kind}, it must have channels, rows and columns")
        check_metric(self.metric.data)
        bits = self.prototype_bits.value.data
        _check_encoding(self.shift.value.data, bits, window)
        subspaces, prototypes, _ = _check_codebook(self.codebook, shape[1], window, Element(bits, kind.element.signed))
        size = (DYNAMIC_INDEX, subspaces, *output_size(window, shape[2], shape[3]))
        expected = CodesType.of(size, prototypes)
        expect(self.codes.type == expected, f"the codes are {self.codes.type}, input and codebook give {expected}")


@irdl_op_definition
class LookupOp(IRDLOperation):
    """Add up the table entries that the codes select, and the bias, in two's complement accumulators."""

    name = "pq.lookup"
    codes = operand_def(CodesType)
    table = operand_def(TensorType)
    bias = operand_def(TensorType)
    table_bits = prop_def(I64_ATTR)
    accumulator = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$codes `,` $table `,` $bias `table_bits` $table_bits attr-dict `:` type($codes) `,` type($table) `,` "
        "type($bias) `->` type($accumulator)"
    )

    def __init__(
        self, codes: SSAValue, table: SSAValue, bias: SSAValue, *, table_bits: int, accumulator_bits: int
    ) -> None:
        frames, _, rows, columns = codes_type(codes).get_shape()
        shape = (frames, tensor_type(table).get_shape()[2], rows, columns)
        super().__init__(
            operands=[codes, table, bias],
            properties={"table_bits": IntegerAttr(table_bits, i64)},
            result_types=[accumulator_type(shape, accumulator_bits)],
        )

    @property
    def accumulator_bits(self) -> int:
        """Width of the sums."""
        bits, _ = integer_format(tensor_type(self.accumulator).element_type)
        return bits

    def verify_(self) -> None:
        """Table, bias and accumulators have the shapes that the codes ask for."""
        codes = codes_type(self.codes)
        frames, subspaces, rows, columns = codes.get_shape()
        _, _, outputs = check_sizes("table", self.table, "subspaces", "prototypes", "outputs")
        bits = self.table_bits.value.data
        expect_range("table_bits", bits, 1, 16)
        expect_field("outputs", outputs, Lookup, "outputs")
        check_elements("table", self.table, Element(bits, True), [subspaces, codes.prototypes.data, outputs])
        check_type("bias", self.bias, S32, [outputs])
        check_accumulators(self.accumulator, (frames, outputs, rows, columns))


Pq = Dialect("pq", [ConvolutionOp, EncodeOp, LookupOp], [WindowAttr, GridAttr, ConfigAttr, QuantizedType, CodesType])
"""The dialect."""
