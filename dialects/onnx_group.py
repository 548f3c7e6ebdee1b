"""``onnx.pointwise``: several operations of the ``onnx`` dialect that together are a function of one element.

    %y = onnx.pointwise %x {
    ^bb0(%a : tensor<?x16x8x8xf32>):
      %s = onnx.function %a "sigmoid" [] : (tensor<?x16x8x8xf32>) -> tensor<?x16x8x8xf32>
      %m = onnx.mul %a, %s : (tensor<?x16x8x8xf32>, tensor<?x16x8x8xf32>) -> tensor<?x16x8x8xf32>
      onnx.yield %m : tensor<?x16x8x8xf32>
    } : (tensor<?x16x8x8xf32>) -> tensor<?x16x8x8xf32>

An element of the result depends on the same element of ``x`` and on its channel alone. So in integers all that it
holds is one table, and none of the values inside has a grid.
"""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import Operation, Region, SSAValue
from xdsl.irdl import IRDLOperation, irdl_op_definition, operand_def, region_def, traits_def
from xdsl.traits import IsolatedFromAbove, IsTerminator, Pure
from xdsl.utils.exceptions import VerifyException

from pqc.dialects.blob import ConstantOp
from pqc.dialects.onnx_base import FloatOp, FloatTensor, Value, shape_of, tensor
from pqc.dialects.onnx_pointwise import AddOp, ClipOp, FunctionOp, MulOp, PReluOp, ReluOp, SubOp
from pqc.numerics import shapes
from pqc.numerics.shapes import Shape

POINTWISE = (AddOp, ClipOp, FunctionOp, MulOp, PReluOp, ReluOp, SubOp)
"""What a group may hold, besides constants."""


@irdl_op_definition
class YieldOp(IRDLOperation):
    """What a group gives."""

    name = "onnx.yield"
    value = operand_def(FloatTensor)
    traits = traits_def(IsTerminator())
    assembly_format = "$value attr-dict `:` type($value)"

    def __init__(self, value: SSAValue) -> None:
        super().__init__(operands=[value])


@irdl_op_definition
class PointwiseOp(FloatOp):
    """A function of each element by itself, made of several operations and their constants."""

    name = "onnx.pointwise"
    x = operand_def(FloatTensor)
    body = region_def("single_block")
    traits = traits_def(Pure(), IsolatedFromAbove())
    assembly_format = "$x $body attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, body: Region) -> None:
        """``body`` is one block with an argument of the type of ``x``, which ends in a :class:`YieldOp`."""
        super().__init__(operands=[x], regions=[body], result_types=[tensor(shapes.activation(shape_of(x)))])

    @property
    def operations(self) -> Sequence[Operation]:
        """What it holds, in order: constants, operations, and the yield at the end."""
        return list(self.body.block.ops)

    @property
    def yielded(self) -> SSAValue:
        """The value inside that is the result.

        Raises:
            VerifyException: the group does not end in a yield.
        """
        last = self.body.block.last_op
        if not isinstance(last, YieldOp):
            raise VerifyException(f"{self.name}: a group ends in onnx.yield")
        return last.value

    def result_shape(self) -> Shape:
        """That of ``x``."""
        return shapes.activation(shape_of(self.x))

    def verify_(self) -> None:
        """Also: it takes and gives one tensor, and what it holds treats each element by itself."""
        super().verify_()
        arguments = self.body.block.args
        if len(arguments) != 1 or arguments[0].type != SSAValue.get(self.x).type:
            raise VerifyException(f"{self.name}: a group has one argument of the type of its operand")
        for op in self.operations[:-1]:
            if not isinstance(op, (ConstantOp, *POINTWISE)):
                raise VerifyException(f"{self.name}: a group holds no {op.name}, which looks at other elements")
        if self.yielded.type != arguments[0].type:
            raise VerifyException(
                f"{self.name}: a group gives {arguments[0].type} as it takes, not {self.yielded.type}"
            )
