"""The ``pq`` dialect on real numbers: values brought onto a grid, and still real."""

from __future__ import annotations

from xdsl.irdl import irdl_op_definition, operand_def, prop_def

from pqc.dialects.onnx_base import FloatOp, FloatTensor, Value, shape_of, tensor
from pqc.dialects.pq_attributes import GridAttr
from pqc.numerics import shapes
from pqc.numerics.shapes import Shape


@irdl_op_definition
class OnGridOp(FloatOp):
    """``clip(floor(x / scale + 1/2)) * scale``: the multiple of the grid's scale next to ``x``, halves upwards.

    It says which grid the integers of ``x`` will lie on, so that nothing has to be measured, and lets a network of
    real numbers compute what these integers stand for.
    """

    name = "pq.on_grid"
    x = operand_def(FloatTensor)
    grid = prop_def(GridAttr)
    assembly_format = "$x `on` $grid attr-dict `:` functional-type(operands, results)"

    def __init__(self, x: Value, grid: GridAttr) -> None:
        super().__init__(operands=[x], properties={"grid": grid}, result_types=[tensor(shapes.activation(shape_of(x)))])

    def result_shape(self) -> Shape:
        """That of ``x``."""
        return shapes.activation(shape_of(self.x))
