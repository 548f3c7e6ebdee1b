"""The quantized level, executed: every operation against the numerics it stands for."""

from __future__ import annotations

import numpy as np
import pytest
from support.integers import array
from xdsl.dialects.builtin import DYNAMIC_INDEX, FloatAttr, IntegerType, Signedness, TensorType, f32, f64
from xdsl.ir import Block, Operation, SSAValue

from pqc.dialects import pq, qnn, qnn_move
from pqc.dialects.blob import ConstantOp
from pqc.dialects.pq import Pq
from pqc.dialects.pq_types import CodesType, ConfigAttr, GridAttr, QuantizedType
from pqc.dialects.registry import Qnn
from pqc.interpreter.reference import execute
from pqc.interpreter.reference_quantized import KERNELS
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.numerics.code_window import windowed_codes
from pqc.numerics.convolution import convolve
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, nearest_prototype, onto_grid, starts_of, subvectors
from pqc.numerics.grouping import Cut, Grouping
from pqc.numerics.lookup import lookup
from pqc.numerics.pooling import PoolMode, average_pool, max_pool
from pqc.numerics.requantize import Clip, add, requantize, rescale
from pqc.numerics.window import Window

U8, S8, U12, S12 = Element(8, False), Element(8, True), Element(12, False), Element(12, True)
FRAMES = 3
WINDOW = Window((3, 2), (2, 1), (1, 0, 0, 1), (1, 2))


def activation(element: Element, *shape: int) -> SSAValue:
    return Block(arg_types=[QuantizedType.of((DYNAMIC_INDEX, *shape), element, 0.5)]).args[0]


def accumulator(*shape: int) -> SSAValue:
    return Block(arg_types=[TensorType(IntegerType(32, Signedness.SIGNED), (DYNAMIC_INDEX, *shape))]).args[0]


def integers(element: Element, *shape: int) -> IntArray:
    return array(element, shape, sum(shape))


def wide(*shape: int) -> IntArray:
    """Accumulators."""
    return np.random.default_rng(sum(shape)).integers(-(2**20), 2**20, shape).astype(np.int32)


def result_of(op: Operation, *operands: AnyArray) -> AnyArray:
    """The only result of ``op``, which is a valid operation."""
    op.verify_()
    (found,) = execute(op, operands)
    return found


def same(found: AnyArray, expected: AnyArray) -> None:
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == expected.dtype


def test_every_operation_has_a_kernel() -> None:
    assert set(KERNELS) == {*Pq.operations, *Qnn.operations}


@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize(("element", "shift", "bits"), [(U8, 0, 8), (S8, 2, 5), (S12, 4, 8), (U12, 0, 12)])
def test_encode(metric: Metric, element: Element, shift: int, bits: int) -> None:
    grid = Element(bits, element.signed)
    x, codebook = integers(element, FRAMES, 4, 7, 9), integers(grid, 3, 5, 10)
    op = pq.EncodeOp(
        *(activation(element, 4, 7, 9), ConstantOp("codebook", codebook).result),
        window=WINDOW,
        metric=metric,
        shift=shift,
        prototype_bits=bits,
    )
    found = result_of(op, x, codebook)
    expected = nearest_prototype(
        subvectors(onto_grid(x, shift, grid), WINDOW, 10, starts_of(0, 10, 3)), codebook, metric
    )
    same(found, expected.reshape(FRAMES, 3, *WINDOW.output_size(7, 9)))
    assert op.codes.type.get_shape()[1:] == found.shape[1:]


@pytest.mark.parametrize("bits", [12, 16, 32])
def test_lookup(bits: int) -> None:
    codes = integers(Element(2, False), FRAMES, 6, 3, 5)
    table, bias = integers(S8, 6, 4, 7) * np.int16(100), wide(7)
    op = pq.LookupOp(
        Block(arg_types=[CodesType.of((DYNAMIC_INDEX, 6, 3, 5), 4)]).args[0],
        ConstantOp("table", table).result,
        ConstantOp("bias", bias).result,
        table_bits=16,
        accumulator_bits=bits,
    )
    expected = lookup(codes.reshape(FRAMES, 6, 15), table, bias[:, None], bits)
    same(result_of(op, codes, table, bias), expected.reshape(FRAMES, 7, 3, 5))


def test_a_lookup_walks_its_window_over_the_codes() -> None:
    codes, padding = integers(Element(2, False), FRAMES, 2, 7, 9), np.array([3, 1], np.uint8)
    table, bias = integers(S8, 12, 4, 5), wide(5)
    size = WINDOW.output_size(7, 9)
    op = pq.LookupOp(
        Block(arg_types=[CodesType.of((DYNAMIC_INDEX, 2, 7, 9), 4)]).args[0],
        ConstantOp("table", table).result,
        ConstantOp("bias", bias).result,
        table_bits=8,
        accumulator_bits=32,
        window=WINDOW,
        padding=ConstantOp("padding", padding).result,
    )
    seen = windowed_codes(codes, WINDOW, padding, size)
    expected = lookup(seen, table, bias[:, None], 32)
    same(result_of(op, codes, table, bias, padding), expected.reshape(FRAMES, 5, *size))
    assert op.accumulator.type.get_shape()[1:] == (5, *size)


def test_convolution_by_channel_on_real_numbers_looks_up_every_tap() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(FRAMES, 3, 7, 9)).astype(np.float32)
    codebook = integers(S8, 2, 4, 2)
    table, bias = rng.normal(size=(12, 4, 5)).astype(np.float32), rng.normal(size=5).astype(np.float32)
    size = WINDOW.output_size(7, 9)
    real = Block(arg_types=[TensorType(f32, (DYNAMIC_INDEX, 3, 7, 9))]).args
    op = pq.ConvolutionOp(
        real[0],
        ConstantOp("codebook", codebook).result,
        ConstantOp("table", table).result,
        ConstantOp("bias", bias).result,
        None,
        window=WINDOW,
        config=ConfigAttr.of(4, 2, 8, 8, Metric.L2, Grouping.CHANNEL),
        grid=GridAttr.of(S8, 0.03),
        shift=0,
        low=None,
        high=None,
        result_type=TensorType(f32, (DYNAMIC_INDEX, 5, *size)),
    )
    cut = Cut.of(Grouping.CHANNEL, 3, WINDOW, 2)
    vectors = cut.subvectors(S8.quantize(x, 0.03), WINDOW)
    codes = nearest_prototype(vectors, cut.for_taps(codebook), Metric.L2)
    expected = table[np.arange(12)[:, None], codes].sum(axis=1) + bias
    found = result_of(op, x, codebook, table, bias)
    np.testing.assert_allclose(found, expected.transpose(0, 2, 1).reshape(found.shape), atol=1e-5)


def test_convolution_on_real_numbers_adds_entries_residual_and_bounds() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(FRAMES, 2, 5, 6)).astype(np.float32)
    codebook = integers(S8, 3, 4, 2)
    table, bias = rng.normal(size=(3, 4, 5)).astype(np.float32), rng.normal(size=5).astype(np.float32)
    window = Window((1, 3), pads=(0, 1, 0, 1))
    residual = rng.normal(size=(FRAMES, 5, 5, 6)).astype(np.float32)
    real = Block(arg_types=[TensorType(f32, (DYNAMIC_INDEX, 2, 5, 6)), TensorType(f32, (DYNAMIC_INDEX, 5, 5, 6))]).args
    op = pq.ConvolutionOp(
        real[0],
        ConstantOp("codebook", codebook).result,
        ConstantOp("table", table).result,
        ConstantOp("bias", bias).result,
        real[1],
        window=window,
        config=ConfigAttr.of(4, 2, 8, 8, Metric.L2),
        grid=GridAttr.of(S8, 0.03),
        shift=0,
        low=FloatAttr(-0.5, f64),
        high=FloatAttr(1.5, f64),
        result_type=real[1].type,
    )
    codes = nearest_prototype(subvectors(S8.quantize(x, 0.03), window, 2, starts_of(0, 2, 3)), codebook, Metric.L2)
    expected = np.zeros((FRAMES, 5, 30))
    for n, s, m in np.ndindex(FRAMES, 3, 30):
        expected[n, :, m] += table[s, codes[n, s, m]]
    expected = np.clip(expected.reshape(residual.shape) + bias[:, None, None] + residual, -0.5, 1.5)
    found = result_of(op, x, codebook, table, bias, residual)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("grouping", Grouping)
def test_convolution_of_integers_adds_exactly_and_multiplies_once(grouping: Grouping) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(FRAMES, 3, 7, 9)).astype(np.float32)
    cut = Cut.of(grouping, 3, WINDOW, 2)
    codebook = integers(S8, cut.groups, 4, 2)
    table, bias = integers(S12, cut.subspaces, 4, 5), wide(5)
    step = rng.uniform(0.1, 1, 5).astype(np.float32)
    size = WINDOW.output_size(7, 9)
    residual = rng.normal(size=(FRAMES, 5, *size)).astype(np.float32)
    kinds = [TensorType(f32, (DYNAMIC_INDEX, *shape)) for shape in ((3, 7, 9), (5, *size))]
    real = Block(arg_types=kinds).args
    op = pq.ConvolutionOp(
        real[0],
        ConstantOp("codebook", codebook).result,
        ConstantOp("table", table).result,
        ConstantOp("bias", bias).result,
        real[1],
        window=WINDOW,
        config=ConfigAttr.of(4, 2, 8, 12, Metric.L1, grouping),
        grid=GridAttr.of(S8, 0.03),
        shift=0,
        low=FloatAttr(0.0, f64),
        high=None,
        result_type=real[1].type,
        step=ConstantOp("step", step).result,
    )
    codes = nearest_prototype(cut.subvectors(S8.quantize(x, 0.03), WINDOW), cut.for_taps(codebook), Metric.L1)
    sums = table[np.arange(cut.subspaces)[:, None], codes].sum(axis=1, dtype=np.int64) + bias
    expected = sums.astype(np.float32).transpose(0, 2, 1).reshape(residual.shape) * step[:, None, None]
    found = result_of(op, x, codebook, table, bias, step, residual)
    same(found, np.maximum(expected + residual, np.float32(0)))


def test_values_are_brought_onto_a_grid() -> None:
    (x,) = Block(arg_types=[TensorType(f32, (DYNAMIC_INDEX, 6))]).args
    op = pq.OnGridOp(x, GridAttr.of(Element(3, False), 0.25))
    values = np.array([[-1.0, 0.12, 0.125, 0.374, 1.8, np.inf]], np.float32)
    same(result_of(op, values), np.array([[0.0, 0.0, 0.25, 0.25, 1.75, 1.75]], np.float32))


def test_conv2d() -> None:
    x, weight, bias = integers(U12, FRAMES, 4, 7, 9), integers(S8, 6, 2, 3, 2), wide(6)
    constants = ConstantOp("w", weight).result, ConstantOp("b", bias).result
    op = qnn.Conv2dOp(activation(U12, 4, 7, 9), *constants, window=WINDOW, groups=2, weight_bits=8)
    expected = convolve(x, weight, WINDOW, 2, bias[:, None], 32)
    same(result_of(op, x, weight, bias), expected.reshape(FRAMES, 6, *WINDOW.output_size(7, 9)))


def test_gemm() -> None:
    x, weight, bias = integers(S8, FRAMES, 10), integers(S8, 4, 10), wide(4)
    op = qnn.GemmOp(activation(S8, 10), ConstantOp("w", weight).result, ConstantOp("b", bias).result, weight_bits=8)
    same(result_of(op, x, weight, bias), x.astype(np.int32) @ weight.T.astype(np.int32) + bias)


@pytest.mark.parametrize("shape", [(4, 3, 5), (4,)])
@pytest.mark.parametrize("with_residual", [False, True])
def test_requantize(shape: tuple[int, ...], with_residual: bool) -> None:
    sums, residual = wide(FRAMES, *shape), integers(U8, FRAMES, *shape)
    multiplier, shift, factor = (np.array(values, np.int32) for values in ([1, 3, 5, 7], [4, 9, 12, 3], [8, 1, 0, 99]))
    clip = Clip(S8, -100, 90)
    m, s, f = (ConstantOp("p", values).result for values in (multiplier, shift, factor))
    if with_residual:
        op = qnn.RequantizeOp(accumulator(*shape), m, s, activation(U8, *shape), f, clip=clip, scale=0.1)
        found = result_of(op, sums, multiplier, shift, residual, factor)
    else:
        op = qnn.RequantizeOp(accumulator(*shape), m, s, None, None, clip=clip, scale=0.1)
        found = result_of(op, sums, multiplier, shift)
    flat = (FRAMES, 4, -1)
    added = (residual.reshape(flat), factor) if with_residual else (None, None)
    same(found, requantize(sums.reshape(flat), multiplier, shift, clip, *added).reshape(sums.shape))


def test_add() -> None:
    left, right, clip = integers(U8, FRAMES, 4, 3, 3), integers(S12, FRAMES, 4, 3, 3), Clip(U8, 3, 200)
    operands = activation(U8, 4, 3, 3), activation(S12, 4, 3, 3)
    op = qnn.AddOp(*operands, multipliers=(5, 77), shift=6, clip=clip, scale=1.0)
    same(result_of(op, left, right), add(left, right, (5, 77), 6, clip))


def test_rescale() -> None:
    x, clip = integers(S12, FRAMES, 9), Clip(S8, -128, 100)
    op = qnn.RescaleOp(activation(S12, 9), multiplier=77, shift=9, clip=clip, scale=1.0)
    same(result_of(op, x), rescale(x, 77, 9, clip))


def test_max_pool() -> None:
    x = integers(S8, FRAMES, 2, 7, 9)
    same(result_of(qnn.MaxPoolOp(activation(S8, 2, 7, 9), window=WINDOW), x), max_pool(x, WINDOW))


@pytest.mark.parametrize("mode", [PoolMode.AVERAGE, PoolMode.AVERAGE_WITH_PADDING])
def test_average_pool(mode: PoolMode) -> None:
    x, clip = integers(U8, FRAMES, 2, 7, 9), Clip.full(Element(16, True))
    op = qnn.AveragePoolOp(
        activation(U8, 2, 7, 9), window=WINDOW, mode=mode, multiplier=1000, shift=5, clip=clip, scale=1.0
    )
    same(result_of(op, x), average_pool(x, WINDOW, mode, 1000, 5, clip))


def test_moving_data_keeps_every_integer() -> None:
    x, value = integers(S8, FRAMES, 2, 5, 6), activation(S8, 2, 5, 6)
    same(result_of(qnn_move.ReshapeOp(value, shape=(60,)), x), x.reshape(FRAMES, 60))
    same(result_of(qnn_move.TransposeOp(value, permutation=(0, 2, 3, 1)), x), x.transpose(0, 2, 3, 1))
    sliced = qnn_move.SliceOp(value, starts=(1, 0, 1), steps=(1, 2, 4), shape=(1, 3, 2))
    same(result_of(sliced, x), x[:, 1:2, 0:5:2, 1:6:4])
    padded = qnn_move.PadOp(value, before=(0, 1, 2), after=(3, 0, 1))
    same(result_of(padded, x), np.pad(x, ((0, 0), (0, 3), (1, 0), (2, 1))))
    joined = qnn_move.ConcatOp((value, value), axis=2)
    same(result_of(joined, x, -x), np.concatenate([x, -x], axis=2))
