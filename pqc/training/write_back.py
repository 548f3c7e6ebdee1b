"""From trained parameters back to the intermediate representation: constants as the machine has them."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Operation
from xdsl.rewriter import InsertPoint, Rewriter

from pqc.dialects import onnx
from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import hint
from pqc.dialects.pq import ConvolutionOp
from pqc.numerics.arrays import AnyArray
from pqc.numerics.element import Element
from pqc.passes.attributes import ERROR, MEASUREMENTS
from pqc.training.layers import ProductQuantized, Weighted
from pqc.training.network import Network
from pqc.training.torch_library import Tensor, torch

MEASURED = (ERROR, MEASUREMENTS)
"""Attributes that say how far a layer was from the float one when it was fitted: of a trained one they say nothing."""


def write_back(network: Network) -> None:
    """Replace the constants of the module that ``network`` was made from by what its layers have learned.

    Tables become integers with a step for each output, and weights lie on grids of powers of two, so that whoever
    computes the network in float32 gets the same results.
    """
    with torch.no_grad():
        for op, layer in network.layer_of.items():
            if isinstance(op, ConvolutionOp) and isinstance(layer, ProductQuantized):
                _write_lookup(op, layer)
            elif isinstance(op, onnx.ConvOp | onnx.GemmOp) and isinstance(layer, Weighted):
                _write_weights(op, layer)


def _write_lookup(op: ConvolutionOp, layer: ProductQuantized) -> None:
    codebook, table, bias, step = (_array(values) for values in layer.parameters_on_grid())
    entries, config = Element(op.config.table_bits.data, signed=True), op.config
    made = [
        ConstantOp("codebook", codebook.astype(op.prototype_element.storage)),
        ConstantOp("table", table.astype(entries.storage)),
        ConstantOp("bias", bias.astype(np.int32)),
        ConstantOp("step", step.astype(np.float32)),
    ]
    new = ConvolutionOp(
        op.x,
        made[0].result,
        made[1].result,
        made[2].result,
        op.residual,
        window=op.window.data,
        config=config,
        grid=op.grid,
        shift=op.shift.value.data,
        low=op.low,
        high=op.high,
        result_type=op.result.type,
        step=made[3].result,
    )
    new.attributes.update({name: value for name, value in op.attributes.items() if name not in MEASURED})
    new.result.name_hint = op.result.name_hint
    _replace(op, [*made, new])


def _write_weights(op: onnx.ConvOp | onnx.GemmOp, layer: Weighted) -> None:
    weight, bias = layer.constants()
    made = [ConstantOp(_label(op, 1), _array(weight)), ConstantOp(_label(op, 2), _array(bias))]
    for constant in made:
        constant.location = op.location
        hint(constant.result, constant.label)
    Rewriter.insert_op(made, InsertPoint.before(op))
    op.operands[1], op.operands[2] = made[0].result, made[1].result
    for name in MEASURED:
        op.attributes.pop(name, None)


def _label(op: Operation, index: int) -> str:
    owner = op.operands[index].owner
    return owner.label if isinstance(owner, ConstantOp) else ("weight", "bias")[index - 1]


def _replace(op: ConvolutionOp, made: list[Operation]) -> None:
    for new in made:
        new.location = op.location
        if isinstance(new, ConstantOp):
            hint(new.result, new.label)
    Rewriter.replace_op(op, made)


def _array(values: Tensor) -> AnyArray:
    return values.detach().cpu().numpy()
