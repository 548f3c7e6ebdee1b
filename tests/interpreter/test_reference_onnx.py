"""The float level, executed."""

from __future__ import annotations

import numpy as np
from xdsl.ir import Block, SSAValue

from pqc.dialects import onnx
from pqc.dialects.blob import ConstantOp
from pqc.interpreter.reference_onnx import KERNELS
from pqc.numerics.arrays import AnyArray


def activation(*shape: int) -> SSAValue:
    return Block(arg_types=[onnx.tensor((-1, *shape))]).args[0]


def test_every_operation_has_a_kernel() -> None:
    assert set(KERNELS) == set(onnx.Onnx.operations) - {onnx.YieldOp}


def test_convolution_adds_the_residual_before_it_clips() -> None:
    weight, bias = np.full((1, 1, 1, 1), 2, np.float32), np.array([1], np.float32)
    x = activation(1, 1, 2)
    op = onnx.ConvOp(x, ConstantOp("w", weight), ConstantOp("b", bias), residual=x, low=0.0, high=6.0)
    operands: list[AnyArray] = [np.array([[[[1, -3]]], [[[2, 0]]]], np.float32), weight, bias]
    residual = np.array([[[[0.5, 4]]], [[[8, -9]]]], np.float32)
    (found,) = KERNELS[onnx.ConvOp](op, [*operands, residual])
    np.testing.assert_array_equal(found, [[[[3.5, 0]]], [[[6, 0]]]])


def test_gemm_adds_the_residual_before_it_clips() -> None:
    weight, bias = np.array([[1, 1], [1, -1]], np.float32), np.array([0, 1], np.float32)
    x = activation(2)
    op = onnx.GemmOp(x, ConstantOp("w", weight), ConstantOp("b", bias), residual=x, low=0.0)
    (found,) = KERNELS[onnx.GemmOp](op, [np.array([[3, 4]], np.float32), weight, bias, np.array([[1, 2]], np.float32)])
    np.testing.assert_array_equal(found, [[8, 2]])


def test_reshape_keeps_the_frames() -> None:
    op = onnx.ReshapeOp(activation(2, 3, 4), (-1, 24))
    (found,) = KERNELS[onnx.ReshapeOp](op, [np.zeros((5, 2, 3, 4), np.float32)])
    assert found.shape == (5, 24)
