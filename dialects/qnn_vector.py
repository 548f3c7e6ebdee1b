"""The operations of the ``qnn`` dialect from activations to activations, as the vector unit computes them."""

from __future__ import annotations

from xdsl.dialects.builtin import DYNAMIC_INDEX, TensorType
from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, prop_def, result_def, traits_def
from xdsl.traits import Pure

from pqc.dialects.constants import check_elements
from pqc.dialects.pq_types import QuantizedType, WindowAttr, quantized
from pqc.dialects.qnn_base import ARRAY, ClippedOp, check_shift, integer, integers
from pqc.dialects.rules import (
    I64_ATTR,
    check_window,
    expect,
    expect_field,
    output_size,
    spell_shape,
    tensor_type,
)
from pqc.isa.instructions import Add, Multiply, Pool, Rescale
from pqc.isa.legality import mean_is_exact
from pqc.numerics.element import Element
from pqc.numerics.pooling import PoolMode
from pqc.numerics.requantize import Clip
from pqc.numerics.window import Window


def _check_shape(what: str, kind: QuantizedType, result: QuantizedType) -> None:
    expect(
        kind.get_shape() == result.get_shape(), f"the {what} is {kind}, the result {result}: they must have one shape"
    )
    expect(len(kind.get_shape()) in (2, 4), f"the {what} is {kind}, it must have 2 or 4 dimensions")


@irdl_op_definition
class AddOp(ClippedOp):
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
                "multipliers": integers(multipliers),
                "shift": integer(shift),
                "clip": integers([clip.low, clip.high]),
            },
            result_types=[QuantizedType.of(quantized(left).get_shape(), clip.element, scale)],
        )

    def verify_(self) -> None:
        """Operands and result have one shape."""
        result = quantized(self.result)
        _check_shape("left operand", quantized(self.left), result)
        _check_shape("right operand", quantized(self.right), result)
        multipliers = self.multipliers.get_values()
        expect(len(multipliers) == 2, f"multipliers {list(multipliers)}, there must be one for each operand")
        for value, field in zip(multipliers, ("left_multiplier", "right_multiplier"), strict=True):
            expect_field("multiplier", value, Add, field)
        check_shift(self.shift.value.data)
        self.check_clip()


@irdl_op_definition
class RescaleOp(ClippedOp):
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
                "multiplier": integer(multiplier),
                "shift": integer(shift),
                "clip": integers([clip.low, clip.high]),
            },
            result_types=[QuantizedType.of(quantized(x).get_shape(), clip.element, scale)],
        )

    def verify_(self) -> None:
        """Operand and result have one shape."""
        _check_shape("operand", quantized(self.x), quantized(self.result))
        expect_field("multiplier", self.multiplier.value.data, Rescale, "multiplier")
        check_shift(self.shift.value.data)
        self.check_clip()


@irdl_op_definition
class MapOp(IRDLOperation):
    """Each element replaced by its entry of a table: any function of one number.

    ``table`` [1 or channels, 2^bits of an element], in the order of the elements, the least one first.
    """

    name = "qnn.map"
    x = operand_def(QuantizedType)
    table = operand_def(TensorType)
    result = result_def(QuantizedType)
    traits = traits_def(Pure())
    assembly_format = "$x `,` $table attr-dict `:` type($x) `,` type($table) `->` type($result)"

    def __init__(self, x: SSAValue, table: SSAValue, *, element: Element, scale: float) -> None:
        shape = quantized(x).get_shape()
        super().__init__(operands=[x, table], result_types=[QuantizedType.of(shape, element, scale)])

    def verify_(self) -> None:
        """The table has an entry for each element of the operand, and one row or one for each channel."""
        x, result = quantized(self.x), quantized(self.result)
        _check_shape("operand", x, result)
        shape, channels, entries = tensor_type(self.table).get_shape(), x.get_shape()[1], 1 << x.element.bits
        expect(
            shape in ((1, entries), (channels, entries)),
            f"the table is {spell_shape(shape)}, it must be 1x{entries} or {channels}x{entries} for {x}",
        )
        check_elements("table", self.table, result.element, shape)


@irdl_op_definition
class MultiplyOp(ClippedOp):
    """Elementwise product on the result's grid: multiply by a number, shift, round half up, saturate.

    The right operand may have 1 instead of the left one's channels, rows or columns, and is then the same along them.
    """

    name = "qnn.multiply"
    left = operand_def(QuantizedType)
    right = operand_def(QuantizedType)
    multiplier = prop_def(I64_ATTR)
    shift = prop_def(I64_ATTR)
    assembly_format = (
        "$left `,` $right `multiplier` $multiplier `shift` $shift `clip` $clip attr-dict `:` type($left) `,` "
        "type($right) `->` type($result)"
    )

    def __init__(
        self, left: SSAValue, right: SSAValue, *, multiplier: int, shift: int, clip: Clip, scale: float
    ) -> None:
        super().__init__(
            operands=[left, right],
            properties={
                "multiplier": integer(multiplier),
                "shift": integer(shift),
                "clip": integers([clip.low, clip.high]),
            },
            result_types=[QuantizedType.of(quantized(left).get_shape(), clip.element, scale)],
        )

    def verify_(self) -> None:
        """The right operand can be repeated to the left one's shape."""
        left, right, result = (quantized(value) for value in (self.left, self.right, self.result))
        _check_shape("left operand", left, result)
        shape, repeated = left.get_shape(), right.get_shape()
        expect(
            len(shape) == len(repeated)
            and all(size in (1, whole) for size, whole in zip(repeated[1:], shape[1:], strict=True)),
            f"the right operand is {right}, the left one {left}: each dimension must be the same or 1",
        )
        expect_field("multiplier", self.multiplier.value.data, Multiply, "multiplier")
        check_shift(self.shift.value.data)
        self.check_clip()


def _check_pool(x: QuantizedType, window: Window, result: QuantizedType) -> None:
    shape = x.get_shape()
    expect(len(shape) == 4, f"the input is {x}, it must have channels, rows and columns")
    check_window(window, Pool)
    expected = (DYNAMIC_INDEX, shape[1], *output_size(window, shape[2], shape[3]))
    expect(result.get_shape() == expected, f"the result is {result}, input and window give {spell_shape(expected)}")


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
        x, result = quantized(self.x), quantized(self.result)
        _check_pool(x, self.window.data, result)
        expect(x.grid == result.grid, f"the result is {result}, a maximum stays on the grid of {x}")


@irdl_op_definition
class AveragePoolOp(ClippedOp):
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
                "mode": integer(mode),
                "multiplier": integer(multiplier),
                "shift": integer(shift),
                "clip": integers([clip.low, clip.high]),
            },
            result_types=[QuantizedType.of(shape, clip.element, scale)],
        )

    @property
    def pool_mode(self) -> PoolMode:
        """Which taps count."""
        return PoolMode(self.mode.value.data)

    def verify_(self) -> None:
        """The window gives the result's shape, and the sums fit the vector unit."""
        averages = (PoolMode.AVERAGE, PoolMode.AVERAGE_WITH_PADDING)
        expect(self.mode.value.data in averages, f"mode = {self.mode.value.data}, allowed are 1 and 2")
        window, multiplier, shift = self.window.data, self.multiplier.value.data, self.shift.value.data
        _check_pool(quantized(self.x), window, quantized(self.result))
        expect_field("multiplier", multiplier, Pool, "multiplier")
        check_shift(shift)
        taps = window.kernel[0] * window.kernel[1]
        expect(
            mean_is_exact(taps, multiplier, shift),
            f"multiplier = {multiplier} and shift = {shift} leave 64 bits with {taps} taps",
        )
        self.check_clip()
