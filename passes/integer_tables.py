"""Real tables brought onto the integers that the machine adds up, before a network leaves the compiler.

    %y = pq.convolution %x, %c, %table, %bias ...  ->  %y = pq.convolution %x, %c, %table', %bias' step %step ...

The numbers are those that ``quantize`` would give a real table. The step of an output is what one unit of its sum
counts for behind the machine's requantization, so that quantizing finds the same multiplier again.
"""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.rewriter import Rewriter

from pqc.codebook.table import quantize_table
from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import hint
from pqc.dialects.pq import ConvolutionOp
from pqc.numerics.arrays import FloatArray
from pqc.numerics.quantization import Float64, Requantization
from pqc.passes.attributes import Grids, main_of, target_of
from pqc.passes.constants import constant_array
from pqc.passes.quantizer import Quantizer


def effective_steps(scale: Float64, parameters: Requantization, result_scale: float) -> FloatArray:
    """What one unit of each output's sum counts for once it is requantized, float32 [outputs].

    Sums on such a step have the same multiplier and shift as those on ``scale`` [outputs]. Where the multiplier is 0,
    because nothing of the sum arrives, the scale stays.
    """
    counted = result_scale * parameters.multiplier * np.exp2(-parameters.shift.astype(np.float64))
    steps = np.where(parameters.multiplier > 0, counted, scale)
    return np.maximum(steps, np.finfo(np.float32).tiny).astype(np.float32)


def in_integers(quantizer: Quantizer, op: ConvolutionOp) -> list[Operation]:
    """The integer form of ``op``, whose table is real, behind its constants.

    Raises:
        ModelError: the table cannot be held in the bits that its configuration says.
    """
    quantized = quantize_table(
        constant_array(op.table),
        constant_array(op.bias),
        op.config.table_bits.data,
        quantizer.target.accumulator_bits,
        quantizer.power_of_two_of(op),
    )
    parameters = quantizer.requantization(op, quantized.scale)
    steps = effective_steps(quantized.scale, parameters, quantizer.grids.scale_of(op.result))
    constants = [
        ConstantOp("table", quantized.table),
        ConstantOp("bias", quantized.bias),
        ConstantOp("step", steps),
    ]
    for constant in constants:
        constant.location = op.location
        hint(constant.result, constant.label)
    table, bias, step = (constant.result for constant in constants)
    made = op.with_table(table, bias, step)
    made.attributes.update(op.attributes)
    made.location = op.location
    made.result.name_hint = op.result.name_hint
    return [*constants, made]


def with_integer_tables(module: ModuleOp) -> ModuleOp:
    """A copy of a module, calibrated and fitted, in which every ``pq.convolution`` has the integer form.

    Raises:
        ModelError: a table cannot be held in the bits that its configuration says.
    """
    copy = module.clone()
    quantizer = Quantizer(Grids(copy), target_of(copy))
    layers = [layer for layer in main_of(copy).body.block.ops if isinstance(layer, ConvolutionOp)]
    for layer in layers:
        if layer.step is None:
            Rewriter.replace_op(layer, in_integers(quantizer, layer))
    return copy
