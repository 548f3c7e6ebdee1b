"""The ``pq`` dialect on integers: encode, then lookup."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import DYNAMIC_INDEX, DenseArrayBase, IntegerAttr, StringAttr, TensorType, UnitAttr, i64
from xdsl.ir import SSAValue
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

from pqc.dialects.constants import S32, check_elements, check_sizes, check_type, constant
from pqc.dialects.pq_attributes import check_metric
from pqc.dialects.pq_rules import check_codebook, check_encoding, check_folded
from pqc.dialects.pq_types import (
    CodesType,
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
    integer_type,
    output_size,
    tensor_type,
)
from pqc.isa.instructions import Lookup
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, starts_of
from pqc.numerics.grouping import Codebooks, Cut, Grouping
from pqc.numerics.window import Window

ARRAY = DenseArrayBase.constr(i64)
"""Constraint of a list of numbers; prints as ``[1, 2]``."""


@irdl_op_definition
class EncodeOp(IRDLOperation):
    """Pick the nearest prototype for each position and subspace; ties go to the lowest index.

    The input is shifted right by ``shift`` (round half up) and saturated to ``prototype_bits`` first; padding
    contributes zeros. The codebook is [subspaces, prototypes, length], or, ``shared`` by all of them, [1, prototypes,
    length]. Subspaces that are ``folded`` have neither codes nor codebook; the others keep their order.
    """

    name = "pq.encode"
    x = operand_def(QuantizedType)
    codebook = operand_def(TensorType)
    shared = opt_prop_def(UnitAttr)
    folded = opt_prop_def(ARRAY)
    window = prop_def(WindowAttr)
    metric = prop_def(StringAttr)
    shift = prop_def(I64_ATTR)
    prototype_bits = prop_def(I64_ATTR)
    codes = result_def(CodesType)
    traits = traits_def(Pure())
    assembly_format = (
        "$x `,` $codebook (`shared` $shared^)? (`folded` $folded^)? $window `metric` $metric `shift` $shift "
        "`prototype_bits` $prototype_bits attr-dict `:` type($x) `,` type($codebook) `->` type($codes)"
    )

    def __init__(
        self,
        x: SSAValue,
        codebook: SSAValue,
        *,
        window: Window,
        metric: Metric,
        shift: int,
        prototype_bits: int,
        shared: bool = False,
        folded: Sequence[int] = (),
    ) -> None:
        _, channels, height, width = quantized(x).get_shape()
        _, prototypes, length = tensor_type(codebook).get_shape()
        subspaces = Cut.of(Grouping.WINDOW, channels, window, length).subspaces - len(folded)
        super().__init__(
            operands=[x, codebook],
            properties={
                "shared": UnitAttr() if shared else None,
                "folded": DenseArrayBase.from_list(i64, list(folded)) if folded else None,
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
    def folded_subspaces(self) -> tuple[int, ...]:
        """The subspaces that are left out."""
        return () if self.folded is None else tuple(self.folded.get_values())

    @property
    def starts(self) -> tuple[int, ...]:
        """The first window element of every subspace that is encoded."""
        left_out = self.folded_subspaces
        there = codes_type(self.codes).get_shape()[1] + len(left_out)
        every = starts_of(0, tensor_type(self.codebook).get_shape()[2], there)
        return tuple(start for number, start in enumerate(every) if number not in left_out)

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
        check_encoding(self.shift.value.data, bits, window)
        element, sharing = Element(bits, kind.element.signed), Codebooks.SHARED if self.shared else Codebooks.SEPARATE
        folded = self.folded_subspaces
        cut, prototypes = check_codebook(self.codebook, shape[1], window, element, Grouping.WINDOW, sharing, folded)
        check_folded(folded, cut.subspaces)
        size = (DYNAMIC_INDEX, cut.subspaces - len(folded), *output_size(window, shape[2], shape[3]))
        expected = CodesType.of(size, prototypes)
        expect(self.codes.type == expected, f"the codes are {self.codes.type}, input and codebook give {expected}")


@irdl_op_definition
class LookupOp(IRDLOperation):
    """Add up the table entries that the codes select, and the bias, in two's complement accumulators.

    With a ``window`` the codes are a map that it walks over: subspace (kernel row * kernel columns + kernel column) *
    groups + group of the table belongs to the code of this group at this tap, and a tap outside the map reads the
    group's code in ``padding``.
    """

    name = "pq.lookup"
    codes = operand_def(CodesType)
    table = operand_def(TensorType)
    bias = operand_def(TensorType)
    padding = opt_operand_def(TensorType)
    window = opt_prop_def(WindowAttr)
    table_bits = prop_def(I64_ATTR)
    accumulator = result_def(TensorType)
    traits = traits_def(Pure())
    assembly_format = (
        "$codes `,` $table `,` $bias (`window` $window^)? (`padding` $padding^ `:` type($padding))? "
        "`table_bits` $table_bits attr-dict `:` type($codes) `,` type($table) `,` type($bias) `->` type($accumulator)"
    )

    def __init__(
        self,
        codes: SSAValue,
        table: SSAValue,
        bias: SSAValue,
        *,
        table_bits: int,
        accumulator_bits: int,
        window: Window | None = None,
        padding: SSAValue | None = None,
    ) -> None:
        frames, _, height, width = codes_type(codes).get_shape()
        rows, columns = (height, width) if window is None else window.output_size(height, width)
        shape = (frames, tensor_type(table).get_shape()[2], rows, columns)
        super().__init__(
            operands=[codes, table, bias, padding],
            properties={
                "window": None if window is None else WindowAttr(window),
                "table_bits": IntegerAttr(table_bits, i64),
            },
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
        if self.window is not None:
            window = self.window.data
            rows, columns = self._check_window(codes, window)
            subspaces *= window.kernel[0] * window.kernel[1]
        expect((self.window is None) == (self.padding is None), "window and padding go together")
        _, _, outputs = check_sizes("table", self.table, "subspaces", "prototypes", "outputs")
        bits = self.table_bits.value.data
        expect_range("table_bits", bits, 1, 16)
        expect_field("outputs", outputs, Lookup, "outputs")
        expect_field("subspaces", subspaces, Lookup, "subspaces")
        check_elements("table", self.table, Element(bits, True), [subspaces, codes.prototypes.data, outputs])
        check_type("bias", self.bias, S32, [outputs])
        check_accumulators(self.accumulator, (frames, outputs, rows, columns))

    def _check_window(self, codes: CodesType, window: Window) -> tuple[int, int]:
        """The padding goes with the codes; returns rows and columns of the result."""
        _, groups, height, width = codes.get_shape()
        check_window(window, Lookup)
        if self.padding is not None:
            last = codes.prototypes.data - 1
            kind = integer_type(Element(8 if last < 256 else 16, False))
            check_type("padding", self.padding, kind, [groups])
            _, highest = constant("padding", self.padding).data.bounds
            expect(highest <= last, f"the padding holds code {highest}, the largest one is {last}")
        return output_size(window, height, width)
