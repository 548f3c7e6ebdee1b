"""The operations of the ``qnn`` dialect that move integers and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from xdsl.dialects.builtin import DYNAMIC_INDEX
from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    operand_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import Pure

from pqc.dialects.pq_types import QuantizedType, quantized
from pqc.dialects.qnn_base import ARRAY, integer, integers
from pqc.dialects.rules import I64_ATTR, expect, expect_range, spell_shape


def _moved(x: SSAValue, shape: Sequence[int]) -> QuantizedType:
    kind = quantized(x)
    return QuantizedType.of((DYNAMIC_INDEX, *shape), kind.element, kind.scale)


def _check_same_grid(x: QuantizedType, result: QuantizedType) -> None:
    expect(x.grid == result.grid, f"the result is {result}, the operand {x}: moving data keeps the grid")


def _check_computed(*kinds: QuantizedType) -> None:
    """Raise VerifyException unless all are features, or channels, rows and columns: what transfers and units walk."""
    for kind in kinds:
        expect(len(kind.get_shape()) in (2, 4), f"{kind} must have 2 or 4 dimensions; only a reshape takes others")


@irdl_op_definition
class ReshapeOp(IRDLOperation):
    """The same integers in row-major order under another shape."""

    name = "qnn.reshape"
    x = operand_def(QuantizedType)
    result = result_def(QuantizedType)
    traits = traits_def(Pure())
    assembly_format = "$x attr-dict `:` type($x) `->` type($result)"

    def __init__(self, x: SSAValue, *, shape: Sequence[int]) -> None:
        super().__init__(operands=[x], result_types=[_moved(x, shape)])

    def verify_(self) -> None:
        """As many elements after as before."""
        x, result = quantized(self.x), quantized(self.result)
        expect(
            math.prod(x.get_shape()[1:]) == math.prod(result.get_shape()[1:]),
            f"{x} cannot be reshaped to {result}: they have different numbers of elements",
        )
        _check_same_grid(x, result)


@irdl_op_definition
class TransposeOp(IRDLOperation):
    """Dimension i of the result is dimension ``permutation[i]`` of the operand; the frames stay first."""

    name = "qnn.transpose"
    x = operand_def(QuantizedType)
    permutation = prop_def(ARRAY)
    result = result_def(QuantizedType)
    traits = traits_def(Pure())
    assembly_format = "$x `permutation` $permutation attr-dict `:` type($x) `->` type($result)"

    def __init__(self, x: SSAValue, *, permutation: Sequence[int]) -> None:
        shape = quantized(x).get_shape()
        super().__init__(
            operands=[x],
            properties={"permutation": integers(permutation)},
            result_types=[_moved(x, [shape[axis] for axis in permutation[1:]])],
        )

    def verify_(self) -> None:
        """A permutation that leaves the frames where they are."""
        x, result, order = quantized(self.x), quantized(self.result), self.permutation.get_values()
        _check_computed(x, result)
        shape = x.get_shape()
        expect(
            sorted(order) == list(range(len(shape))) and order[0] == 0,
            f"permutation {list(order)} must be one of {len(shape)} dimensions and start with 0",
        )
        expected = tuple(shape[axis] for axis in order)
        expect(result.get_shape() == expected, f"the result is {result}, the permutation gives {spell_shape(expected)}")
        _check_same_grid(x, result)


@irdl_op_definition
class SliceOp(IRDLOperation):
    """Every ``steps``-th element from ``starts`` on, for each dimension behind the frames."""

    name = "qnn.slice"
    x = operand_def(QuantizedType)
    starts = prop_def(ARRAY)
    steps = prop_def(ARRAY)
    result = result_def(QuantizedType)
    traits = traits_def(Pure())
    assembly_format = "$x `starts` $starts `steps` $steps attr-dict `:` type($x) `->` type($result)"

    def __init__(self, x: SSAValue, *, starts: Sequence[int], steps: Sequence[int], shape: Sequence[int]) -> None:
        super().__init__(
            operands=[x],
            properties={
                "starts": integers(starts),
                "steps": integers(steps),
            },
            result_types=[_moved(x, shape)],
        )

    def verify_(self) -> None:
        """Every element taken is inside the operand."""
        x, result = quantized(self.x), quantized(self.result)
        _check_computed(x, result)
        before, after = x.get_shape()[1:], result.get_shape()[1:]
        starts, steps = self.starts.get_values(), self.steps.get_values()
        expect(
            len(before) == len(after) == len(starts) == len(steps), "there must be one start and one step a dimension"
        )
        for axis, (size, count, start, step) in enumerate(zip(before, after, starts, steps, strict=True)):
            expect(
                start >= 0 and step >= 1 and start + (count - 1) * step < size,
                f"dimension {axis + 1}: {count} elements from {start} in steps of {step} are not inside {size}",
            )
        _check_same_grid(x, result)


@irdl_op_definition
class PadOp(IRDLOperation):
    """Zeros before and after, for each dimension behind the frames."""

    name = "qnn.pad"
    x = operand_def(QuantizedType)
    before = prop_def(ARRAY)
    after = prop_def(ARRAY)
    result = result_def(QuantizedType)
    traits = traits_def(Pure())
    assembly_format = "$x `before` $before `after` $after attr-dict `:` type($x) `->` type($result)"

    def __init__(self, x: SSAValue, *, before: Sequence[int], after: Sequence[int]) -> None:
        sizes = zip(quantized(x).get_shape()[1:], before, after, strict=True)
        super().__init__(
            operands=[x],
            properties={
                "before": integers(before),
                "after": integers(after),
            },
            result_types=[_moved(x, [size + low + high for size, low, high in sizes])],
        )

    def verify_(self) -> None:
        """No negative padding, and a result as large as operand and padding."""
        before, after = self.before.get_values(), self.after.get_values()
        x, result = quantized(self.x), quantized(self.result)
        _check_computed(x, result)
        shape = x.get_shape()[1:]
        expect(len(before) == len(after) == len(shape), "there must be one padding before and one after a dimension")
        expect(min(*before, *after) >= 0, f"padding {list(before)} and {list(after)} must not be negative")
        expected = tuple(size + low + high for size, low, high in zip(shape, before, after, strict=True))
        expect(result.get_shape()[1:] == expected, f"the result is {result}, the padding gives {spell_shape(expected)}")
        _check_same_grid(x, result)


@irdl_op_definition
class ConcatOp(IRDLOperation):
    """Operands on one grid, one behind the other along ``axis``."""

    name = "qnn.concat"
    parts = var_operand_def(QuantizedType)
    axis = prop_def(I64_ATTR)
    result = result_def(QuantizedType)
    traits = traits_def(Pure())
    assembly_format = "$parts `axis` $axis attr-dict `:` type($parts) `->` type($result)"

    def __init__(self, parts: Sequence[SSAValue], *, axis: int) -> None:
        shapes = [quantized(part).get_shape() for part in parts]
        shape = list(shapes[0])
        shape[axis] = sum(other[axis] for other in shapes)
        super().__init__(
            operands=[list(parts)],
            properties={"axis": integer(axis)},
            result_types=[_moved(parts[0], shape[1:])],
        )

    def verify_(self) -> None:
        """Shapes that differ along the axis alone, and add up there."""
        axis, result = self.axis.value.data, quantized(self.result)
        shape = result.get_shape()
        kinds = [quantized(part) for part in self.parts]
        _check_computed(result, *kinds)
        expect(len(kinds) >= 1, "there is nothing to concatenate")
        expect_range("axis", axis, 1, len(shape) - 1)
        for kind in kinds:
            _check_same_grid(kind, result)
            part = kind.get_shape()
            expect(
                len(part) == len(shape) and part[:axis] == shape[:axis] and part[axis + 1 :] == shape[axis + 1 :],
                f"{kind} and {result} may differ in dimension {axis} alone",
            )
        total = sum(kind.get_shape()[axis] for kind in kinds)
        expect(shape[axis] == total, f"the result is {result}, the operands make {total} along axis {axis}")
