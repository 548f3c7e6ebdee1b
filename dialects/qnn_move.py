"""The operations of the ``qnn`` dialect that move integers and compute nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xdsl.dialects.builtin import DYNAMIC_INDEX, DenseArrayBase, IntegerAttr, i64
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

from pqc.dialects.pq_types import I64_ATTR, QuantizedType, expect
from pqc.dialects.qnn import ARRAY, quantized


def _moved(x: SSAValue, shape: Sequence[int]) -> QuantizedType:
    kind = quantized(x)
    return QuantizedType.of((DYNAMIC_INDEX, *shape), kind.element, kind.scale)


def _check_same_grid(x: QuantizedType, result: QuantizedType) -> None:
    expect(x.grid == result.grid, f"result is {result}, the operand {x}: moving data keeps the grid")


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
        before, after = self.x.type.get_shape()[1:], self.result.type.get_shape()[1:]
        expect(np.prod(before) == np.prod(after), f"{list(before)} cannot be reshaped to {list(after)}")
        _check_same_grid(self.x.type, self.result.type)


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
            properties={"permutation": DenseArrayBase.from_list(i64, list(permutation))},
            result_types=[_moved(x, [shape[axis] for axis in permutation[1:]])],
        )

    def verify_(self) -> None:
        """A permutation that leaves the frames where they are."""
        shape, order = self.x.type.get_shape(), self.permutation.get_values()
        expect(
            sorted(order) == list(range(len(shape))) and order[0] == 0,
            f"permutation {list(order)} must be one of {len(shape)} dimensions and start with 0",
        )
        expect(
            self.result.type.get_shape() == tuple(shape[axis] for axis in order),
            f"result is {self.result.type}, the permutation gives {[shape[axis] for axis in order][1:]}",
        )
        _check_same_grid(self.x.type, self.result.type)


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
                "starts": DenseArrayBase.from_list(i64, list(starts)),
                "steps": DenseArrayBase.from_list(i64, list(steps)),
            },
            result_types=[_moved(x, shape)],
        )

    def verify_(self) -> None:
        """Every element taken is inside the operand."""
        before, after = self.x.type.get_shape()[1:], self.result.type.get_shape()[1:]
        starts, steps = self.starts.get_values(), self.steps.get_values()
        expect(len(before) == len(after) == len(starts) == len(steps), "one start and one step for each dimension")
        for axis, (size, count, start, step) in enumerate(zip(before, after, starts, steps, strict=True)):
            expect(
                start >= 0 and step >= 1 and start + (count - 1) * step < size,
                f"dimension {axis + 1}: {count} elements from {start} in steps of {step} are not inside {size}",
            )
        _check_same_grid(self.x.type, self.result.type)


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
                "before": DenseArrayBase.from_list(i64, list(before)),
                "after": DenseArrayBase.from_list(i64, list(after)),
            },
            result_types=[_moved(x, [size + low + high for size, low, high in sizes])],
        )

    def verify_(self) -> None:
        """No negative padding, and a result as large as operand and padding."""
        before, after = self.before.get_values(), self.after.get_values()
        shape = self.x.type.get_shape()[1:]
        expect(len(before) == len(after) == len(shape), "one padding before and after for each dimension")
        expect(min(*before, *after) >= 0, f"padding {list(before)}, {list(after)} must not be negative")
        expected = tuple(size + low + high for size, low, high in zip(shape, before, after, strict=True))
        expect(self.result.type.get_shape()[1:] == expected, f"result is {self.result.type}, padding gives {expected}")
        _check_same_grid(self.x.type, self.result.type)


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
            properties={"axis": IntegerAttr(axis, i64)},
            result_types=[_moved(parts[0], shape[1:])],
        )

    def verify_(self) -> None:
        """Shapes that differ along the axis alone, and add up there."""
        axis, result = self.axis.value.data, self.result.type
        kinds = [quantized(part) for part in self.parts]
        expect(len(kinds) >= 1 and 1 <= axis < len(result.get_shape()), f"axis = {axis} of {result}")
        for kind in kinds:
            _check_same_grid(kind, result)
            same = [
                a == b for i, (a, b) in enumerate(zip(kind.get_shape(), result.get_shape(), strict=True)) if i != axis
            ]
            expect(all(same), f"{kind} and {result} differ in another dimension than {axis}")
        total = sum(kind.get_shape()[axis] for kind in kinds)
        expect(result.get_shape()[axis] == total, f"result is {result}, the operands make {total} along axis {axis}")
