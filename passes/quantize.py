"""From real numbers to integers: every tensor becomes quantized, every operation one of ``pq`` and ``qnn``.

%y = onnx.conv %x, %w, %b low 0.0  ->  %a = qnn.conv2d %x, %w', %b' ...
                                       %y = qnn.requantize %a, %multiplier, %shift clip [0, 255]

The result is the network that the machine computes, bit for bit: later passes say only where and when.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Block, Region, SSAValue
from xdsl.passes import ModulePass

from pqc.dialects.blob import ConstantOp
from pqc.dialects.pq import OnGridOp
from pqc.passes.attributes import CALIBRATION, INPUT_GRIDS, Grids, main_of, target_of
from pqc.passes.quantizer import Quantizer


def quantize_function(function: FuncOp, grids: Grids, quantizer: Quantizer) -> FuncOp:
    """A function of the same name that computes in integers."""
    source = function.body.block
    block = Block(arg_types=[grids.type_of(argument) for argument in source.args])
    for old, new in zip(source.args, block.args, strict=True):
        new.name_hint = old.name_hint
    values: dict[SSAValue, SSAValue] = dict(zip(source.args, block.args, strict=True))
    for op in source.ops:
        if isinstance(op, ReturnOp):
            block.add_op(ReturnOp(*[values[value] for value in op.operands]))
        elif isinstance(op, OnGridOp):
            # its operand is on that grid already
            values[op.result] = values[op.x]
        elif not isinstance(op, ConstantOp):
            made = quantizer.convert(op, [values.get(value, value) for value in op.operands])
            block.add_ops(made)
            values[op.results[0]] = made[-1].results[0]
    results = block.last_op
    assert isinstance(results, ReturnOp)
    kinds = ([a.type for a in block.args], [value.type for value in results.operands])
    return FuncOp(function.sym_name.data, kinds, Region(block))


@dataclass(frozen=True)
class QuantizePass(ModulePass):
    """Turn the float network into integers on the grids that calibration chose."""

    name = "quantize"
    weight_bits: int = 8
    keep_calibration: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Replace the function; what only learning needed is dropped, but for frames that a later pass asks for."""
        function, grids = main_of(op), Grids(op)
        quantizer = Quantizer(grids, target_of(op), self.weight_bits)
        integers = quantize_function(function, grids, quantizer)
        function.detach()
        op.body.block.add_op(integers)
        function.erase()
        for name in (INPUT_GRIDS,) if self.keep_calibration else (CALIBRATION, INPUT_GRIDS):
            op.attributes.pop(name, None)
