"""The ``pq`` dialect on real numbers: a convolution by product quantization as one operation."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import DYNAMIC_INDEX, FloatAttr, IntegerAttr, TensorType, i64
from xdsl.ir import Attribute, SSAValue
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

from pqc.dialects.constants import F32, check_type
from pqc.dialects.pq_rules import check_codebook, check_encoding
from pqc.dialects.pq_types import (
    ConfigAttr,
    GridAttr,
    WindowAttr,
)
from pqc.dialects.rules import (
    I64_ATTR,
    expect,
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


@irdl_op_definition
class ConvolutionOp(IRDLOperation):
    """A convolution by product quantization, on real numbers: the level between fitting and quantizing.

    The input is brought onto ``grid``, encoded with the integer codebook, and looked up in a table of real numbers;
    bias, residual and clip follow, as in ``onnx.conv``. The codebook is [groups, prototypes, length], the table
    [subspaces, prototypes, outputs]; see :class:`pqc.numerics.grouping.Cut`.
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
        check_encoding(self.shift.value.data, element.bits, window)
        cut, prototypes = check_codebook(self.codebook, channels, window, element, config.grouped)
        for what, found, wanted in (
            ("prototypes", prototypes, config.prototypes.data),
            ("elements a prototype", cut.length, config.length.data),
        ):
            expect(found == wanted, f"the codebook has {found} {what}, the configuration {wanted}")
        check_type("table", self.table, F32, [cut.subspaces, prototypes, outputs])
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
