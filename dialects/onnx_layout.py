"""Operations of the ``onnx`` dialect that only move elements."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, i64
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, var_operand_def

from pqc.dialects.onnx_base import INTEGERS, FloatOp, FloatTensor, Value, integers, shape_of, tensor
from pqc.numerics import shapes
from pqc.numerics.shapes import Shape


@irdl_op_definition
class ReshapeOp(FloatOp):
    """The same elements, frame by frame, in the shape that the result's type says."""

    name = "onnx.reshape"
    x = operand_def(FloatTensor)
    assembly_format = "$x attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, shape: Sequence[int]) -> None:
        """``shape`` includes the frames: ``(-1, 64)``."""
        super().__init__(operands=[x], result_types=[tensor(shapes.reshape(shape_of(x), tuple(shape)))])

    def result_shape(self) -> Shape:
        """The result's own, if it holds as many elements as ``x``."""
        return shapes.reshape(shape_of(self.x), shape_of(self.result))


@irdl_op_definition
class TransposeOp(FloatOp):
    """Result dimension i is dimension ``perm[i]`` of ``x``; the frames stay first."""

    name = "onnx.transpose"
    x = operand_def(FloatTensor)
    perm = prop_def(INTEGERS)
    assembly_format = "$x $perm attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, perm: Sequence[int]) -> None:
        super().__init__(
            operands=[x],
            properties={"perm": integers(perm)},
            result_types=[tensor(shapes.transpose(shape_of(x), perm))],
        )

    def result_shape(self) -> Shape:
        """The dimensions of ``x`` in the order ``perm``."""
        return shapes.transpose(shape_of(self.x), self.perm.get_values())


@irdl_op_definition
class SliceOp(FloatOp):
    """Every ``steps[i]``-th element from ``starts[i]`` of dimension i + 1; the result's type says how many."""

    name = "onnx.slice"
    x = operand_def(FloatTensor)
    starts = prop_def(INTEGERS)
    steps = prop_def(INTEGERS)
    assembly_format = "$x `starts` $starts `steps` $steps attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, starts: Sequence[int], steps: Sequence[int], sizes: Sequence[int]) -> None:
        super().__init__(
            operands=[x],
            properties={"starts": integers(starts), "steps": integers(steps)},
            result_types=[tensor(shapes.slicing(shape_of(x), starts, steps, sizes))],
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """Elements taken of each dimension behind the frames."""
        return shape_of(self.result)[1:]

    def result_shape(self) -> Shape:
        """The result's own, if it lies within ``x``."""
        return shapes.slicing(shape_of(self.x), self.starts.get_values(), self.steps.get_values(), self.sizes)


@irdl_op_definition
class PadOp(FloatOp):
    """Dimension i + 1 of ``x`` with ``before[i]`` zeros in front and ``after[i]`` behind."""

    name = "onnx.pad"
    x = operand_def(FloatTensor)
    before = prop_def(INTEGERS)
    after = prop_def(INTEGERS)
    assembly_format = "$x `before` $before `after` $after attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, before: Sequence[int], after: Sequence[int]) -> None:
        super().__init__(
            operands=[x],
            properties={"before": integers(before), "after": integers(after)},
            result_types=[tensor(shapes.padding(shape_of(x), before, after))],
        )

    def result_shape(self) -> Shape:
        """That of ``x``, grown."""
        return shapes.padding(shape_of(self.x), self.before.get_values(), self.after.get_values())


@irdl_op_definition
class ConcatOp(FloatOp):
    """All operands along ``axis``, which is not the frames."""

    name = "onnx.concat"
    parts = var_operand_def(FloatTensor)
    axis = prop_def(IntegerAttr.constr(type=i64))
    assembly_format = "$parts `axis` $axis attr-dict `:` functional-type(operands, results)"

    def __init__(self, parts: Sequence[Value], axis: int) -> None:
        super().__init__(
            operands=[parts],
            properties={"axis": IntegerAttr(axis, i64)},
            result_types=[tensor(shapes.concatenation([shape_of(part) for part in parts], axis))],
        )

    def result_shape(self) -> Shape:
        """That of the parts, as long as all of them along ``axis``."""
        return shapes.concatenation([shape_of(part) for part in self.parts], self.axis.value.data)
