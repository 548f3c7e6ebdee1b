"""A normalization behind a `pq.convolution` goes into its table, bias and step, where it can."""

from __future__ import annotations

import numpy as np
import pytest
from support.integer_layer import TABLE, module
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import ReturnOp

from pqc.dialects.blob import ConstantOp
from pqc.dialects.location import node_location, node_name
from pqc.dialects.onnx import BatchNormOp, ConvOp
from pqc.dialects.pq import ConvolutionOp
from pqc.dialects.registry import make_context
from pqc.interpreter.reference import run_reference
from pqc.numerics.arrays import FloatArray
from pqc.passes.attributes import main_of
from pqc.passes.constants import constant_array
from pqc.passes.fold_batch_norm import FoldBatchNormPass
from pqc.passes.pipeline import run_pipeline

FRAMES = np.random.default_rng(0).uniform(0, 3, (5, 2, 3, 3)).astype(np.float32)


def normalized(scale: list[float], offset: list[float], *, real: bool = False, table: int | None = None) -> ModuleOp:
    """The layer of ``integer_layer`` with a normalization of mean 0 and variance 1 behind it."""
    made = module(np.array([3, -7], np.int32), 0.25)
    block = main_of(made).body.block
    layer = next(op for op in block.ops if isinstance(op, ConvolutionOp))
    if real or table is not None:
        entries = TABLE * np.float32(0.25) if real else np.where(TABLE == -4, np.int8(table or 0), TABLE)
        offset_array = np.array([0.75, -1.75], np.float32) if real else np.array([3, -7], np.int32)
        constants = [ConstantOp("table", entries.astype(entries.dtype)), ConstantOp("bias", offset_array)]
        block.insert_ops_before(constants, layer)
        other = layer.with_table(constants[0].result, constants[1].result, None if real else layer.step)
        other.location = layer.location
        block.insert_op_before(other, layer)
        layer.result.replace_all_uses_with(other.result)
        layer.detach()
        layer.erase()
        layer = other
    last = block.last_op
    assert isinstance(last, ReturnOp)
    arrays = [scale, offset, [0.0, 0.0], [1.0, 1.0]]
    parameters = [ConstantOp("p", np.array(values, np.float32)) for values in arrays]
    norm = BatchNormOp(layer.result, *(parameter.result for parameter in parameters), epsilon=0.0)
    norm.location = node_location("norm")
    block.insert_ops_before([*parameters, norm], last)
    last.operands[0] = norm.result
    made.verify()
    return made


def results(made: ModuleOp) -> tuple[FloatArray, FloatArray, ConvolutionOp, ModuleOp]:
    """What the network computes before and after folding, and the layer afterwards."""
    (before,) = run_reference(made, [FRAMES])
    run_pipeline(make_context(), made, [FoldBatchNormPass()])
    (after,) = run_reference(made, [FRAMES])
    (layer,) = (op for op in made.walk() if isinstance(op, ConvolutionOp))
    return before, after, layer, made


def test_the_step_takes_up_the_factor_and_the_table_its_sign() -> None:
    before, after, layer, made = results(normalized([0.5, -2.0], [0.25, 1.0]))
    np.testing.assert_allclose(after, before, rtol=1e-6)
    assert not [op for op in made.walk() if isinstance(op, BatchNormOp | ConvOp)]
    assert constant_array(layer.step).tolist() == [0.125, 0.5]
    assert constant_array(layer.table)[0].tolist() == [[-4, -100], [3, 1]]
    assert constant_array(layer.bias).tolist() == [3 + 2, 7 + 2]
    assert node_name(layer) == "layer7"


def test_an_offset_is_rounded_to_whole_steps() -> None:
    before, after, layer, _ = results(normalized([0.3, 0.7], [0.11, -0.2]))
    step = constant_array(layer.step)
    assert (np.abs(after - before) <= step[:, None, None] * 0.5001).all()


def test_a_real_table_takes_up_all() -> None:
    before, after, layer, _ = results(normalized([0.3, -0.7], [0.11, -0.2], real=True))
    np.testing.assert_allclose(after, before, atol=1e-5)
    assert layer.step is None


@pytest.mark.parametrize(
    ("scale", "offset", "table"),
    [
        ([0.0, 1.0], [1.0, 1.0], None),  # a step must be positive
        ([-1.0, 1.0], [0.0, 0.0], -128),  # no table of 8 bits holds 128
        ([1.0, 1e-9], [0.0, 1.0], None),  # nor a bias of 32 bits 4e9
    ],
)
def test_what_cannot_be_taken_up_becomes_a_layer_of_its_own(
    scale: list[float], offset: list[float], table: int | None
) -> None:
    before, after, layer, made = results(normalized(scale, offset, table=table))
    np.testing.assert_allclose(after, before, rtol=1e-6)
    assert [node_name(op) for op in made.walk() if isinstance(op, ConvOp)] == ["norm"]
    assert constant_array(layer.step).tolist() == [0.25, 0.25]
