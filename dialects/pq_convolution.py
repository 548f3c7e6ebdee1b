"""The ``pq`` dialect on real numbers: a convolution by product quantization as one operation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import DYNAMIC_INDEX, FloatAttr, IntegerAttr, TensorType, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
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

from pqc.dialects.constants import F32, S32, check_elements, check_type, constant
from pqc.dialects.pq_rules import check_codebook, check_encoding
from pqc.dialects.pq_types import (
    ConfigAttr,
    GridAttr,
    WindowAttr,
)
from pqc.dialects.rules import (
    I64_ATTR,
    expect,
    integer_type,
    output_size,
    spell_shape,
    tensor_type,
)
from pqc.numerics.element import Element
from pqc.numerics.window import Window


def _float_shape(what: str, value: SSAValue) -> Sequence[int]:
    """Channels, rows and columns of an activation at the float level."""
    kind = tensor_type(value)
    shape = kind.get_shape()
    expect(
        len(shape) == 4 and shape[0] == DYNAMIC_INDEX and min(shape[1:]) >= 1 and kind.element_type == F32,
        f"the {what} is {kind}, it must be an f32 tensor of ? frames of channels, rows and columns",
    )
    return shape[1:]


INT32 = (1 << 31) - 1
"""The largest sum of the integer form."""


@irdl_op_definition
class ConvolutionOp(IRDLOperation):
    """A convolution by product quantization between real numbers, looked up in a table of real numbers or integers.

    The input is brought onto ``grid``, encoded with the integer codebook, and looked up in the table; bias, residual
    and clip follow, as in ``onnx.conv``. The codebook is [groups, prototypes, length], or [1, prototypes, length] if it
    is shared, the table [subspaces, prototypes, outputs]; see :class:`pqc.numerics.grouping.Cut`.

    In the real form table and bias [outputs] are f32. In the integer form, which fitting leaves and which has a
    ``step``, they are the integers that the machine adds up, and the result is step[o] * (bias[o] + sum over s of
    table[s, code, o]): the sum is exact, and multiplied once, so that whoever computes it gets the same bits.
    """

    name = "pq.convolution"
    x = operand_def(TensorType)
    codebook = operand_def(TensorType)
    table = operand_def(TensorType)
    bias = operand_def(TensorType)
    step = opt_operand_def(TensorType)
    residual = opt_operand_def(TensorType)
    window = prop_def(WindowAttr)
    config = prop_def(ConfigAttr)
    grid = prop_def(GridAttr)
    shift = prop_def(I64_ATTR)
    low = opt_prop_def(FloatAttr)
    high = opt_prop_def(FloatAttr)
    result = result_def(TensorType)
    traits = traits_def(Pure())
    irdl_options = (AttrSizedOperandSegments(as_property=True),)
    assembly_format = (
        "$x `,` $codebook `,` $table `,` $bias (`step` $step^ `:` type($step))? "
        "(`residual` $residual^ `:` type($residual))? $window $config `on` $grid `shift` $shift "
        "(`low` $low^)? (`high` $high^)? attr-dict `:` type($x) `,` type($codebook) `,` type($table) `,` type($bias) "
        "`->` type($result)"
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
        step: SSAValue | None = None,
    ) -> None:
        super().__init__(
            operands=[x, codebook, table, bias, step, residual],
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

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """``low`` and ``high``, None where absent."""
        low, high = self.low, self.high
        return (None if low is None else low.value.data, None if high is None else high.value.data)

    def with_residual(self, residual: SSAValue) -> ConvolutionOp:
        """The same with ``residual`` added in front of the bounds."""
        return self._copy(self.table, self.bias, self.step, residual)

    def with_table(self, table: SSAValue, bias: SSAValue, step: SSAValue | None) -> ConvolutionOp:
        """The same with another table: of integers where there is a ``step``, else of real numbers."""
        return self._copy(table, bias, step, self.residual)

    def _copy(self, table: SSAValue, bias: SSAValue, step: SSAValue | None, residual: SSAValue | None) -> ConvolutionOp:
        return ConvolutionOp(
            self.x,
            self.codebook,
            table,
            bias,
            residual,
            window=self.window.data,
            config=self.config,
            grid=self.grid,
            shift=self.shift.value.data,
            low=self.low,
            high=self.high,
            result_type=self.result.type,
            step=step,
        )

    @property
    def prototype_element(self) -> Element:
        """The integers that prototypes consist of."""
        return Element(self.config.prototype_bits.data, self.grid.integers.signed)

    def verify_(self) -> None:
        """Codebook, table, bias and residual have the shapes that input, window and result ask for."""
        channels, rows, columns = _float_shape("input", self.x)
        outputs, *map_size = _float_shape("result", self.result)
        window, config = self.window.data, self.config
        element = self.prototype_element
        check_encoding(self.shift.value.data, element.bits, window)
        cut, prototypes = check_codebook(self.codebook, channels, window, element, config.grouped, config.sharing)
        for what, found, wanted in (
            ("prototypes", prototypes, config.prototypes.data),
            ("elements a prototype", cut.length, config.length.data),
        ):
            expect(found == wanted, f"the codebook has {found} {what}, the configuration {wanted}")
        if self.step is None:
            check_type("table", self.table, F32, [cut.subspaces, prototypes, outputs])
            check_type("bias", self.bias, F32, [outputs])
        else:
            self._check_integers(self.step, cut.subspaces, outputs)
        expected = output_size(window, rows, columns)
        expect(
            tuple(map_size) == expected,
            f"the result has a map of {spell_shape(map_size)}, input and window give {spell_shape(expected)}",
        )
        expect(
            self.residual is None or self.residual.type == self.result.type,
            "the residual must have the type of the result",
        )
        low, high = self.bounds
        low, high = -math.inf if low is None else low, math.inf if high is None else high
        expect(low <= high, f"low = {low} and high = {high} are no bounds")

    def _check_integers(self, step: SSAValue, subspaces: int, outputs: int) -> None:
        """The integer form: entries of ``table_bits``, sums that an int32 holds, positive steps."""
        entries = Element(self.config.table_bits.data, signed=True)
        shape = [subspaces, self.config.prototypes.data, outputs]
        stored = integer_type(Element(8 * entries.storage_bytes, signed=True))
        check_type("table", self.table, stored, shape)
        check_elements("table", self.table, entries, shape)
        check_type("bias", self.bias, S32, [outputs])
        reach = sum(
            count * max(-low, high)
            for count, (low, high) in (
                (subspaces, constant("table", self.table).data.bounds),
                (1, constant("bias", self.bias).data.bounds),
            )
        )
        expect(reach <= INT32, f"sums of table entries and bias could reach {reach}, an int32 holds {INT32}")
        steps = check_type("step", step, F32, [outputs])
        least, most = float(steps.min()), float(steps.max())
        expect(least > 0 and math.isfinite(most), f"the step is {least} to {most}, it must be positive and finite")
