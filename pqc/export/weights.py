"""Weights of conventional layers as the machine holds them, in a network that leaves the compiler."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.rewriter import InsertPoint, Rewriter

from pqc.codebook.weights import on_powers_of_two
from pqc.dialects.blob import ConstantOp
from pqc.dialects.onnx import ConvOp, GemmOp
from pqc.passes.attributes import Grids, main_of
from pqc.passes.constants import constant_array
from pqc.passes.quantize import QuantizePass


def round_weights(module: ModuleOp, bits: int = QuantizePass.weight_bits) -> None:
    """Round weights and biases of the conventional layers of a calibrated module to grids of powers of two.

    On a target that only shifts these are the grids that quantizing chooses, so that the program stays the same.
    """
    grids = Grids(module)
    for op in list(main_of(module).body.block.ops):
        if not isinstance(op, ConvOp | GemmOp):
            continue
        weight, bias = constant_array(op.weight), constant_array(op.bias)
        rounded = on_powers_of_two(weight, bias, bits, grids[op.x].scale.data)
        for index, array in zip((1, 2), rounded, strict=True):
            owner = op.operands[index].owner
            constant = ConstantOp(owner.label if isinstance(owner, ConstantOp) else "constant", array)
            constant.location = op.location
            Rewriter.insert_op(constant, InsertPoint.before(op))
            op.operands[index] = constant.result
