"""The float level as text, and what its verifiers refuse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from xdsl.dialects import test
from xdsl.dialects.builtin import ModuleOp, TensorType, f32, f64
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Operation, Region, SSAValue
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException

from pqc.dialects import onnx
from pqc.dialects.blob import ConstantOp
from pqc.dialects.onnx_base import FloatOp, WindowOp, integers
from pqc.dialects.registry import make_context
from pqc.numerics.shapes import ShapeError
from pqc.numerics.window import Window

IMAGE = onnx.tensor((-1, 4, 8, 6))
FEATURES = onnx.tensor((-1, 6))


def value(kind: Attribute) -> SSAValue:
    """A value of any type."""
    return Block(arg_types=[kind]).args[0]


def activation(*shape: int) -> SSAValue:
    """An activation of so many frames."""
    return value(onnx.tensor((-1, *shape)))


def constant(*shape: int) -> ConstantOp:
    return ConstantOp("c", np.ones(shape, np.float32))


def pointwise(x: SSAValue) -> onnx.PointwiseOp:
    """A group: x times a constant times its sigmoid."""
    block = Block(arg_types=[x.type])
    factor = constant(4)
    scaled = onnx.MulOp(block.args[0], factor)
    bent = onnx.FunctionOp(block.args[0], "sigmoid")
    product = onnx.MulOp(scaled, bent)
    block.add_ops([factor, scaled, bent, product, onnx.YieldOp(product.result)])
    return onnx.PointwiseOp(x, Region(block))


def every_operation(x: SSAValue, features: SSAValue) -> list[Operation]:
    """All operations of the dialect, with and without what is optional."""
    weight, bias, depthwise = constant(4, 4, 3, 3), constant(4), constant(4, 1, 3, 3)
    matrix, offset = constant(6, 6), constant(6)
    gemm = onnx.GemmOp(features, matrix, offset)
    pool = Window((3, 3), (2, 2), (1, 1, 0, 1), (1, 2))
    return [
        *(weight, bias, depthwise, matrix, offset, gemm),
        onnx.ConvOp(x, weight, bias),
        onnx.ConvOp(x, weight, bias, pads=(1, 1, 1, 1), residual=x, low=0.0, high=1 / 3),
        onnx.ConvOp(x, depthwise, bias, strides=(2, 1), dilations=(2, 1), group=4, high=1e30),
        onnx.GemmOp(features, matrix, offset, residual=gemm, low=-1e-9),
        onnx.BatchNormOp(x, bias, bias, bias, bias, epsilon=9.999999747378752e-06),
        onnx.ReluOp(x),
        onnx.ClipOp(x, low=0.1, high=0.7),
        onnx.ClipOp(features),
        onnx.AddOp(x, x),
        onnx.AddOp(x, bias),
        onnx.SubOp(x, x),
        onnx.MulOp(x, x),
        onnx.MulOp(features, offset),
        onnx.FunctionOp(x, "hard_sigmoid", (1 / 6, 0.1)),
        onnx.FunctionOp(features, "tanh"),
        onnx.PReluOp(x, bias),
        pointwise(x),
        onnx.MaxPoolOp(x, pool),
        onnx.AveragePoolOp(x, Window((2, 2))),
        onnx.AveragePoolOp(x, pool, count_include_pad=True),
        onnx.GlobalAveragePoolOp(x),
        onnx.ReshapeOp(x, (-1, 192)),
        onnx.TransposeOp(x, (0, 3, 1, 2)),
        onnx.SliceOp(x, (0, 1, 2), (1, 2, 3), (4, 3, 2)),
        onnx.PadOp(x, (0, 1, 2), (3, 0, 1)),
        onnx.ConcatOp([x, x, x], 1),
    ]


def test_text_of_every_operation_parses_back() -> None:
    block = Block(arg_types=[IMAGE, FEATURES])
    block.add_ops([*every_operation(*block.args), ReturnOp(block.args[0])])
    module = ModuleOp([FuncOp("main", ([IMAGE, FEATURES], [IMAGE]), Region(block))])
    module.verify()
    ours = {op.name for op in onnx.Onnx.operations}
    assert {op.name for op in module.walk() if isinstance(op, FloatOp | onnx.YieldOp)} == ours
    again = Parser(make_context(), str(module)).parse_module()
    again.verify()
    assert again.is_structurally_equivalent(module)
    assert str(again) == str(module)


def test_convolution_reads_as_a_sentence() -> None:
    op = onnx.ConvOp(activation(4, 8, 6), constant(2, 4, 3, 3), constant(2), strides=(2, 1), pads=(1, 1, 1, 1), low=0.0)
    assert str(op).split(" = ")[1].split(" : ")[0].split(" ", 4)[4] == (
        "strides [2, 1] pads [1, 1, 1, 1] low 0.000000e+00"
    )
    assert op.window == Window((3, 3), (2, 1), (1, 1, 1, 1))
    assert op.bounds == (0.0, None)


# What the constructor and the verifier both refuse, and the sentence they say.
REFUSED: list[tuple[Callable[[], FloatOp], str]] = [
    (lambda: onnx.ConvOp(activation(6), constant(2, 6, 1, 1), constant(2)), "the input must be [frames, channels"),
    (lambda: onnx.ConvOp(activation(4, 8, 6), constant(2, 4), constant(2)), "rows, columns], it is 2x4"),
    (lambda: onnx.ConvOp(activation(4, 8, 6), constant(2, 3, 1, 1), constant(2)), "wants 3 channels, not 4"),
    (lambda: onnx.ConvOp(activation(4, 8, 6), constant(2, 4, 1, 1), constant(3)), "the bias must have one value"),
    (lambda: onnx.ConvOp(activation(4, 8, 6), constant(3, 2, 1, 1), constant(3), group=2), "group 2 does not divide"),
    (lambda: onnx.ConvOp(activation(4, 8, 6), constant(2, 4, 3, 7), constant(2)), "3x7 with pads [0, 0, 0, 0]"),
    (lambda: onnx.GemmOp(activation(4, 8, 6), constant(2, 4), constant(2)), "the input must be [frames, features]"),
    (lambda: onnx.GemmOp(activation(6), constant(2, 5), constant(2)), "the weight must be [outputs, 6], it is 2x5"),
    (lambda: onnx.GemmOp(activation(6), constant(2, 6), constant(1)), "the bias must have one value for each of the 2"),
    (
        lambda: onnx.BatchNormOp(activation(4), constant(4), constant(4), constant(4), constant(3)),
        "the variance must have one value for each of the 4 channels, it is 3",
    ),
    (lambda: onnx.ReluOp(activation(4, 3)), "an activation has 2 or 4 dimensions, this one is ?x4x3"),
    (lambda: onnx.ReluOp(activation(4, 0, 2)), "behind the frames are at least 1"),
    (lambda: onnx.AddOp(activation(4, 8, 6), activation(4, 1, 1)), "?x4x1x1 added to ?x4x8x6 must have the same shape"),
    (
        lambda: onnx.AddOp(activation(4, 8, 6), constant(3)),
        "3 added to ?x4x8x6 must have the same shape, or be 4 values",
    ),
    (lambda: onnx.SubOp(activation(4, 8, 6), activation(4, 1, 1)), "taken from ?x4x8x6 must have the same shape"),
    (lambda: onnx.MulOp(activation(4, 8, 6), activation(4, 2, 1)), "must have the same shape with some dimensions 1"),
    (lambda: onnx.MulOp(activation(4, 1, 1), activation(4, 8, 6)), "?x4x8x6 times ?x4x1x1 must have the same shape"),
    (lambda: onnx.MulOp(activation(4, 8, 6), constant(3)), "or be 4 values, one per channel"),
    (
        lambda: onnx.PReluOp(activation(4, 8, 6), constant(3)),
        "the slope must have one value for each of the 4",
    ),
    (lambda: onnx.MaxPoolOp(activation(4), Window((1, 1))), "the input must be [frames, channels, height, width]"),
    (lambda: onnx.MaxPoolOp(activation(4, 8, 6), Window((2, 2), pads=(0, 2, 0, 0))), "must be smaller than the window"),
    (lambda: onnx.AveragePoolOp(activation(4, 8, 6), Window((9, 9))), "a window of 9x9"),
    (lambda: onnx.GlobalAveragePoolOp(activation(4)), "the input must be [frames, channels, height, width]"),
    (lambda: onnx.ReshapeOp(activation(4, 8, 6), (-1, 191)), "?x4x8x6 has not as many elements per frame as ?x191"),
    (lambda: onnx.ReshapeOp(activation(4, 8, 6), (1, 192)), "has not as many elements per frame"),
    (lambda: onnx.TransposeOp(activation(4, 8, 6), (1, 0, 2, 3)), "with 0 first, it is [1, 0, 2, 3]"),
    (lambda: onnx.TransposeOp(activation(4, 8, 6), (0, 1, 2)), "an order of 0..3"),
    (lambda: onnx.SliceOp(activation(6), (2,), (2,), (3,)), "3 elements from 2 in steps of 2 do not lie within 0..5"),
    (lambda: onnx.SliceOp(activation(6), (0, 0), (1, 1), (3, 3)), "one value for each of the 1 dimensions"),
    (lambda: onnx.SliceOp(activation(6), (5,), (-1,), (3,)), "in steps of -1"),
    (lambda: onnx.PadOp(activation(6), (-1,), (0,)), "padding must not be negative"),
    (lambda: onnx.PadOp(activation(6), (0, 1), (0, 1)), "one value for each of the 1 dimensions"),
    (lambda: onnx.ConcatOp([], 1), "at least one operand"),
    (lambda: onnx.ConcatOp([activation(6), activation(6)], 0), "axis must be within 1..1, it is 0"),
    (lambda: onnx.ConcatOp([activation(4, 8, 6), activation(4, 7, 6)], 1), "differ in more than dimension 1"),
]


@pytest.mark.parametrize(("make", "sentence"), REFUSED)
def test_constructors_refuse_operands_that_do_not_go_together(make: Callable[[], FloatOp], sentence: str) -> None:
    with pytest.raises(ShapeError) as caught:
        make()
    assert sentence in str(caught.value)


def refusal(op: Operation) -> str:
    with pytest.raises(VerifyException) as caught:
        op.verify()
    return str(caught.value)


def test_verifier_says_the_sentence_of_the_constructor() -> None:
    op = onnx.GemmOp(activation(6), constant(2, 6), constant(2))
    op.operands[0] = activation(5)
    assert refusal(op) == "onnx.gemm: the weight must be [outputs, 5], it is 2x6"


def test_result_must_have_the_shape_that_follows() -> None:
    op = onnx.ReluOp.create(operands=[activation(6)], result_types=[onnx.tensor((-1, 7))])
    assert refusal(op) == "onnx.relu: the result is ?x7, not ?x6"


def test_frames_must_be_open() -> None:
    assert refusal(onnx.ReluOp(value(TensorType(f32, (1, 6))))) == (
        "onnx.relu: the first dimension of an activation is ?, not 1"
    )


def test_elements_must_be_float32() -> None:
    assert "f64 should be of base attribute f32" in refusal(onnx.ReluOp(value(TensorType(f64, (1, 6)))))


def test_operand_must_be_a_tensor() -> None:
    with pytest.raises(ShapeError, match="a tensor is wanted, not f32"):
        onnx.ReluOp(value(f32))


def test_residual_must_have_the_shape_of_the_result() -> None:
    op = onnx.ConvOp(activation(4, 8, 6), constant(2, 4, 1, 1), constant(2), residual=activation(4, 8, 6))
    assert refusal(op) == "onnx.conv: the residual must be ?x2x8x6 like the result, it is ?x4x8x6"
    gemm = onnx.GemmOp(activation(6), constant(2, 6), constant(2), residual=activation(6))
    assert "the residual must be ?x2 like the result" in refusal(gemm)


@pytest.mark.parametrize(("low", "high"), [(1.0, 0.0), (float("nan"), 1.0)])
def test_bounds_must_be_in_order(low: float, high: float) -> None:
    assert "low must not exceed high" in refusal(onnx.ClipOp(activation(6), low=low, high=high))


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("strides", (1, 1, 1), "a window has 2 kernel sizes, 2 strides, 4 pads and 2 dilations"),
        ("pads", (0, 0), "a window has 2 kernel sizes, 2 strides, 4 pads and 2 dilations"),
        ("dilations", (0, 1), "kernel sizes, strides and dilations are at least 1, pads at least 0"),
        ("pads", (0, -1, 0, 0), "kernel sizes, strides and dilations are at least 1, pads at least 0"),
    ],
)
def test_window_must_be_one(name: str, values: tuple[int, ...], sentence: str) -> None:
    ops: list[WindowOp] = [
        onnx.ConvOp(activation(4, 8, 6), constant(2, 4, 1, 1), constant(2)),
        onnx.MaxPoolOp(activation(4, 8, 6), Window((2, 2))),
    ]
    for op in ops:
        op.properties[name] = integers(values)
        assert refusal(op) == f"{op.name}: {sentence}"


@pytest.mark.parametrize(
    ("op", "sentence"),
    [
        (onnx.FunctionOp(activation(6), "sine"), "onnx.function: there is no function 'sine', there are abs, "),
        (onnx.FunctionOp(activation(6), "elu"), "onnx.function: elu has 0 parameters, it must have alpha"),
        (onnx.FunctionOp(activation(6), "tanh", (1.0,)), "onnx.function: tanh has 1 parameters, it must have none"),
    ],
)
def test_function_must_be_known(op: Operation, sentence: str) -> None:
    assert refusal(op).startswith(sentence)


def group(*held: Callable[[SSAValue], Operation], end: bool = True) -> onnx.PointwiseOp:
    """A group of operations, each of the argument, that gives what the last of them gives."""
    block = Block(arg_types=[IMAGE])
    ops = [make(block.args[0]) for make in held]
    block.add_ops(ops)
    if end:
        block.add_op(onnx.YieldOp(ops[-1].results[0]))
    return onnx.PointwiseOp(value(IMAGE), Region(block))


def test_group_holds_what_treats_each_element_by_itself() -> None:
    whole = group(onnx.ReluOp, lambda x: onnx.MaxPoolOp(x, Window((1, 1))))
    assert refusal(whole) == "onnx.pointwise: a group holds no onnx.max_pool, which looks at other elements"


def test_group_gives_what_it_takes() -> None:
    whole = group(lambda x: constant(4))
    assert refusal(whole).startswith("onnx.pointwise: a group gives tensor<?x4x8x6xf32> as it takes, not tensor<4xf32>")


def test_group_ends_in_a_yield() -> None:
    whole = group(lambda x: test.TestTermOp(operands=[x]), end=False)
    assert refusal(whole) == "onnx.pointwise: a group ends in onnx.yield"


def test_group_has_one_argument() -> None:
    block = Block(arg_types=[FEATURES])
    block.add_op(onnx.YieldOp(block.args[0]))
    whole = onnx.PointwiseOp(value(IMAGE), Region(block))
    assert refusal(whole) == "onnx.pointwise: a group has one argument of the type of its operand"
