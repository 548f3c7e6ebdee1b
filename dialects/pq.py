"""The ``pq`` dialect: convolution by product quantization, as one step on real numbers and as two on integers.

One convolution at the integer level::

    %codes = pq.encode %x, %codebook <[3, 3] strides [1, 1] pads [1, 1, 1, 1] dilations [1, 1]> metric "l2" shift 0 ...
    %accumulator = pq.lookup %codes, %table, %bias table_bits 8 : ... -> tensor<?x16x32x32xsi16>
"""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    Signedness,
    StringAttr,
    TensorType,
    i64,
)
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

from pqc.dialects.pq_types import (
    I64_ATTR,
    CodesType,
    ConfigAttr,
    GridAttr,
    QuantizedType,
    WindowAttr,
    element_of,
    expect,
)
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric
from pqc.numerics.window import Window


def subspaces_of(channels: int, window: Window, length: int) -> int:
    """Subvectors that a window over ``channels`` is cut into: ceil(channels * kernel area / length)."""
    return -(-channels * window.kernel[0] * window.kernel[1] // length)


def _check_codebook(codebook: TensorType[Attribute], channels: int, window: Window, bits: int, signed: bool) -> None:
    shape, element = codebook.get_shape(), element_of(codebook.element_type)
    expect(len(shape) == 3, f"codebook is {codebook}, it must be [subspaces, prototypes, length]")
    expected = subspaces_of(channels, window, shape[2])
    expect(
        shape[0] == expected,
        f"codebook has {shape[0]} subspaces; {channels} channels, window {list(window.kernel)} and length {shape[2]} make {expected}",
    )
    expect(element.bits >= bits, f"prototype_bits = {bits} do not fit the codebook's {element}")
    expect(element.signed == signed, f"codebook of {element} on an input that is {'' if signed else 'un'}signed")


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
        """Codebook, table and bias have the shapes that input, window and result ask for."""
        x, result, table = self.x.type.get_shape(), self.result.type.get_shape(), self.table.type.get_shape()
        _check_codebook(
            self.codebook.type, x[1], self.window.data, self.config.prototype_bits.data, self.grid.integers.signed
        )
        shape = self.codebook.type.get_shape()
        expect(
            shape[1] == self.config.prototypes.data,
            f"codebook has {shape[1]} prototypes, the configuration {self.config.prototypes.data}",
        )
        expect(
            tuple(table) == (shape[0], shape[1], result[1]),
            f"table is {list(table)}, it must be [subspaces, prototypes, outputs] = {[shape[0], shape[1], result[1]]}",
        )
        expect(
            tuple(self.bias.type.get_shape()) == (result[1],),
            f"bias is {self.bias.type}, the result has {result[1]} channels",
        )
        rows_columns = self.window.data.output_size(x[2], x[3])
        expect(
            tuple(result[2:]) == rows_columns,
            f"result is {list(result)}, the window gives {list(rows_columns)} rows and columns",
        )


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
        "$x `,` $codebook $window `metric` $metric `shift` $shift `prototype_bits` $prototype_bits attr-dict `:` type($x) `,` "
        "type($codebook) `->` type($codes)"
    )

    def __init__(
        self, x: SSAValue, codebook: SSAValue, *, window: Window, metric: Metric, shift: int, prototype_bits: int
    ) -> None:
        x_type, codebook_type = x.type, codebook.type
        assert isinstance(x_type, QuantizedType) and isinstance(codebook_type, TensorType)
        _, _, height, width = x_type.get_shape()
        subspaces, prototypes, _ = codebook_type.get_shape()
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
        return Element(self.prototype_bits.value.data, element_of(self.codebook.type.element_type).signed)

    def verify_(self) -> None:
        """Codebook and codes have the shapes that input and window ask for."""
        x = self.x.type.get_shape()
        expect(len(x) == 4, f"input is {self.x.type}, it must have channels, rows and columns")
        expect(
            self.metric.data.upper() in Metric.__members__,
            f"metric {self.metric.data!r} is none of {', '.join(m.name.lower() for m in Metric)}",
        )
        expect(0 <= self.shift.value.data <= 31, f"shift = {self.shift.value.data}, allowed are 0 to 31")
        _check_codebook(
            self.codebook.type, x[1], self.window.data, self.prototype_bits.value.data, self.x.type.element.signed
        )
        subspaces, prototypes, _ = self.codebook.type.get_shape()
        expected = CodesType.of((DYNAMIC_INDEX, subspaces, *self.window.data.output_size(x[2], x[3])), prototypes)
        expect(self.codes.type == expected, f"codes are {self.codes.type}, input and codebook give {expected}")


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
        "$codes `,` $table `,` $bias `table_bits` $table_bits attr-dict `:` type($codes) `,` type($table) `,` type($bias) "
        "`->` type($accumulator)"
    )

    def __init__(
        self, codes: SSAValue, table: SSAValue, bias: SSAValue, *, table_bits: int, accumulator_bits: int
    ) -> None:
        codes_type, table_type = codes.type, table.type
        assert isinstance(codes_type, CodesType) and isinstance(table_type, TensorType)
        frames, _, rows, columns = codes_type.get_shape()
        shape = (frames, table_type.get_shape()[2], rows, columns)
        super().__init__(
            operands=[codes, table, bias],
            properties={"table_bits": IntegerAttr(table_bits, i64)},
            result_types=[TensorType(IntegerType(accumulator_bits, Signedness.SIGNED), shape)],
        )

    ACCUMULATORS: ClassVar = range(8, 33)

    @property
    def accumulator_bits(self) -> int:
        """Width of the sums."""
        kind = self.accumulator.type.element_type
        assert isinstance(kind, IntegerType)
        return kind.width.data

    def verify_(self) -> None:
        """Table, bias and accumulators have the shapes that the codes ask for."""
        frames, subspaces, rows, columns = self.codes.type.get_shape()
        table = self.table.type.get_shape()
        expect(
            tuple(table[:2]) == (subspaces, self.codes.type.prototypes.data),
            f"table is {list(table)}, the codes ask for [{subspaces}, {self.codes.type.prototypes.data}, outputs]",
        )
        element = element_of(self.table.type.element_type)
        expect(
            element.signed and element.bits >= self.table_bits.value.data,
            f"table of {element} for {self.table_bits.value.data} signed bits",
        )
        expect(
            tuple(self.bias.type.get_shape()) == (table[2],),
            f"bias is {self.bias.type}, the table has {table[2]} outputs",
        )
        kind = self.accumulator.type.element_type
        expect(
            isinstance(kind, IntegerType)
            and kind.width.data in self.ACCUMULATORS
            and kind.signedness.data is Signedness.SIGNED,
            f"accumulators are {kind}, allowed are si8 to si32",
        )
        expect(
            tuple(self.accumulator.type.get_shape()) == (frames, table[2], rows, columns),
            f"accumulators are {self.accumulator.type}, codes and table give {[frames, table[2], rows, columns]}",
        )


Pq = Dialect("pq", [ConvolutionOp, EncodeOp, LookupOp], [WindowAttr, GridAttr, ConfigAttr, QuantizedType, CodesType])
"""The dialect."""
