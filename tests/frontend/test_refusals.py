"""Every node that cannot be imported is refused by name, type and reason, all of them in one message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import pytest
from support.onnx_models import IMAGE, FloatShape, model, node, save

from pqc.errors import ModelError
from pqc.frontend import import_model
from pqc.numerics.arrays import AnyArray

FEATURES: Mapping[str, FloatShape] = {"x": ("N", 6)}
Constants = Mapping[str, AnyArray]


def integers(*values: int) -> AnyArray:
    return np.array(values, np.int64)


def floats(*values: float) -> AnyArray:
    return np.array(values, np.float32)


def ones(*shape: int) -> AnyArray:
    return np.ones(shape, np.float32)


def refusal(proto: onnx.ModelProto, folder: Path) -> str:
    """The message that importing ``proto`` ends with."""
    with pytest.raises(ModelError) as caught:
        import_model(save(proto, folder))
    return str(caught.value)


CONV = ones(2, 4, 3, 3)
NORM = {name: ones(4) for name in ("scale", "bias", "mean", "variance")}

# Type, constants, attributes, part of the reason, and where they differ from the usual: inputs, operands.
REFUSED: Sequence[tuple[str, Constants, dict[str, Any], str, Mapping[str, FloatShape], Sequence[str]]] = [
    ("Conv", {"w": ones(2, 4, 3)}, {}, "only windows of 1 or 2 dimensions", {"x": ("N", 4, 6, 5)}, ()),
    ("Conv", {"w": ones(2, 4, 3, 3, 3)}, {}, "only windows of 1 or 2 dimensions", {"x": ("N", 4, 6, 5, 5)}, ()),
    ("Conv", {"w": ones(2, 5, 3, 3)}, {}, "wants 5 channels, not 4", IMAGE, ()),
    ("Conv", {"w": CONV}, {"group": 3}, "group 3 does not divide", IMAGE, ()),
    ("Conv", {"w": CONV}, {"pads": [-1, 0, 0, 0]}, "pads at least 0", IMAGE, ()),
    ("Conv", {"w": CONV}, {"pads": [1, 0]}, "pads 4", IMAGE, ()),
    ("Conv", {"w": CONV}, {"kernel_shape": [2, 2]}, "kernel_shape is", IMAGE, ()),
    ("Conv", {"w": CONV}, {"auto_pad": "SOME"}, "auto_pad 'SOME'", IMAGE, ()),
    ("Conv", {"w": CONV}, {"dilations": [9, 9]}, "does not fit", IMAGE, ()),
    ("Conv", {"w": CONV}, {"pads": [3, 0, 0, 0]}, "pads [3, 0, 0, 0] put a whole window of 3x3 on ?x4x6x5", IMAGE, ()),
    ("Conv", {"w": CONV}, {"pads": [0, 0, 0, 3]}, "into the padding", IMAGE, ()),
    ("Conv", {"w": ones(2, 4, 1, 256)}, {}, "kernel size = 256, allowed are 0 to 255", {"x": ("N", 4, 1, 300)}, ()),
    ("Conv", {"w": CONV}, {"strides": [1, 256]}, "stride = 256, allowed are 0 to 255", IMAGE, ()),
    ("Conv", {"w": ones(2, 4, 2, 1)}, {"dilations": [256, 1]}, "dilation = 256, allow", {"x": ("N", 4, 300, 1)}, ()),
    (
        "Conv",
        {"w": ones(2, 4, 1, 3)},
        {"dilations": [1, 200], "pads": [0, 0, 0, 256]},
        "pad = 256, allowed are 0 to 255",
        {"x": ("N", 4, 1, 300)},
        (),
    ),
    ("Conv", {"w": ones(65536, 4, 1, 1)}, {}, "output channels = 65536, allowed are 0 to 65535", IMAGE, ()),
    ("Gemm", {"b": ones(6, 65536)}, {}, "output channels = 65536, allowed are 0 to 65535", FEATURES, ()),
    ("Add", {"c": ones(65536)}, {}, "output channels = 65536, allowed are 0 to 65535", {"x": ("N", 65536)}, ()),
    (
        "BatchNormalization",
        {name: ones(65536) for name in NORM},
        {},
        "output channels = 65536, allowed are 0 to 65535",
        {"x": ("N", 65536)},
        (),
    ),
    ("MaxPool", {}, {"kernel_shape": [1, 65536]}, "kernel size = 65536, allowed", {"x": ("N", 1, 1, 70000)}, ()),
    ("GlobalAveragePool", {}, {}, "kernel size = 65536, allowed are 0 to 65535", {"x": ("N", 1, 1, 65536)}, ()),
    ("AveragePool", {}, {"kernel_shape": [1, 1], "strides": [256, 1]}, "stride = 256, allowed", IMAGE, ()),
    ("MaxPool", {}, {"kernel_shape": [2, 1], "dilations": [256, 1]}, "dilation = 256", {"x": ("N", 1, 300, 1)}, ()),
    (
        "AveragePool",
        {},
        {"kernel_shape": [1, 300], "pads": [0, 256, 0, 0]},
        "pad = 256, allowed are 0 to 255",
        {"x": ("N", 1, 1, 300)},
        (),
    ),
    ("Conv", {"w": CONV.astype(np.float64)}, {}, "is float64", IMAGE, ()),
    ("Conv", {"w": CONV * np.float32(np.nan)}, {}, "NaN", IMAGE, ()),
    ("Conv", {"w": CONV}, {"strides": "two"}, "malformed: Mismatched attribute type", IMAGE, ()),
    ("Conv", {"w": CONV}, {"flavour": 1}, "malformed: Unrecognized attribute: flavour", IMAGE, ()),
    ("Conv", {}, {}, "malformed", IMAGE, ()),
    ("Conv", {"w": CONV, "b": ones(3)}, {}, "the bias must have one value", IMAGE, ()),
    ("Conv", {}, {}, "the weight (input 1) must be a constant", IMAGE, ["x", "x"]),
    ("BatchNormalization", {**NORM, "variance": -ones(4)}, {}, "variance must not be negative", IMAGE, ()),
    ("BatchNormalization", {**NORM, "mean": ones(3)}, {}, "the mean must have one value", IMAGE, ()),
    ("Clip", {"low": ones(), "high": -ones()}, {}, "min must not exceed max", IMAGE, ()),
    ("Clip", {"low": ones(2)}, {}, "one number", IMAGE, ()),
    ("Add", {"c": ones(3, 4, 6, 5)}, {}, "the same for all frames", IMAGE, ()),
    ("Add", {"c": ones(4, 4, 6, 5)}, {}, "the same for all frames", {"x": ("N", 6, 5)}, ()),
    (
        "Add",
        {"c": ones(300, 300)},
        {},
        "output channels = 90000, allowed are 0 to 65535",
        {"x": ("N", 1, 300, 300)},
        (),
    ),
    ("Add", {}, {}, "cannot be broadcast to one shape", {"x": ("N", 4, 6, 5), "z": ("N", 4, 2, 1)}, ()),
    ("MaxPool", {}, {"kernel_shape": [2]}, "only windows of 1 to 3 dimensions", IMAGE, ()),
    ("MaxPool", {}, {"kernel_shape": [2, 2], "pads": [2, 0, 0, 0]}, "must be smaller than the window", IMAGE, ()),
    ("MaxPool", {}, {"kernel_shape": [2, 2], "storage_order": 1}, "storage_order", IMAGE, ()),
    ("GlobalAveragePool", {}, {}, "the input must be [frames, channels, ...]", FEATURES, ()),
    ("ReduceMean", {}, {"axes": [0, 1]}, "axes [0, 1]", IMAGE, ()),
    ("ReduceMean", {}, {}, "axes []", IMAGE, ()),
    ("Gemm", {"b": ones(6, 2)}, {"transA": 1}, "transA must be 0", FEATURES, ()),
    ("Gemm", {"b": ones(5, 2)}, {}, "the weight must be [outputs, 6]", FEATURES, ()),
    ("Gemm", {"b": ones(6, 2), "c": ones(3, 2)}, {}, "C must be 2 values", FEATURES, ()),
    ("Gemm", {"b": ones(6)}, {}, "B must have 2 dimensions", FEATURES, ()),
    ("MatMul", {"b": ones(2, 6, 2)}, {}, "must have 2 dimensions, behind others of 1", FEATURES, ()),
    ("MatMul", {"b": ones(4, 2)}, {}, "has 5 features, the factor takes 4", IMAGE, ()),
    ("MatMul", {}, {}, "second factor (input 1) must be a constant", FEATURES, ["x", "x"]),
    ("MatMul", {"b": ones(2, 6)}, {}, "would mix frames", FEATURES, ["b", "x"]),
    ("MatMul", {"b": ones(2, 6)}, {}, "has 4 features, the factor takes 6", {"x": ("N", 4, 6)}, ["b", "x"]),
    ("Flatten", {}, {"axis": 2}, "axis is 2", IMAGE, ()),
    ("Reshape", {}, {}, "malformed: ", IMAGE, ["x", ""]),
    ("Reshape", {"shape": integers(5, -1)}, {}, "does not keep the first dimension", IMAGE, ()),
    ("Reshape", {"shape": integers(0, 7, -1)}, {}, "cannot become [0, 7, -1]", IMAGE, ()),
    ("Reshape", {"shape": integers(-1, -1)}, {}, "cannot become", IMAGE, ()),
    ("Reshape", {"shape": integers(0, *[1] * 8, -1)}, {}, "2 to 9 dimensions", IMAGE, ()),
    ("Squeeze", {}, {}, "without axes", {"x": ("N", 4, 1, 1)}, ()),
    ("Squeeze", {"axes": integers(0)}, {}, "only dimensions of 1", IMAGE, ()),
    ("Squeeze", {"axes": integers(7)}, {}, "axis 7 does not exist", IMAGE, ()),
    ("Unsqueeze", {"axes": integers(0)}, {}, "first dimension stays the frames", FEATURES, ()),
    ("Transpose", {}, {}, "keep the first dimension", IMAGE, ()),
    ("Slice", {"s": integers(0), "e": integers(0), "a": integers(1)}, {}, "nothing is left", IMAGE, ()),
    ("Slice", {"s": integers(1), "e": integers(9)}, {}, "a part of the first dimension", IMAGE, ()),
    (
        "Slice",
        {"s": integers(-1), "e": integers(-9), "a": integers(2), "t": integers(0)},
        {},
        "step 0 along axis 2",
        IMAGE,
        (),
    ),
    ("Slice", {"s": integers(1), "e": integers(1, 2)}, {}, "differ in length", IMAGE, ()),
    ("Pad", {"p": integers(*[1] * 8)}, {"mode": "mirror"}, "mode is 'mirror', allowed are", IMAGE, ()),
    ("Pad", {"p": integers(*[1] * 8)}, {}, "pads the first dimension", IMAGE, ()),
    ("Pad", {"p": integers(0, 0, 1, 1)}, {}, "pads must have 8 values", IMAGE, ()),
    ("Pad", {"p": integers(0, 0, -4, 0, 0, 0, -2, 0)}, {}, "leave nothing of ?x4x6x5", IMAGE, ()),
    ("Pad", {"p": integers(*[0] * 8), "v": ones()}, {}, "the padding value is 1.0", IMAGE, ()),
    ("Concat", {}, {"axis": 0}, "along the first dimension", IMAGE, ["x", "x"]),
    ("Concat", {"c": ones(1, 4, 6, 5)}, {"axis": 1}, "input 1 must be an activation", IMAGE, ()),
    ("Dropout", {"r": ones(), "t": np.array(1, np.bool_)}, {}, "training_mode must be false", IMAGE, ()),
    ("Concat", {}, {"axis": 1}, "differ in more than dimension 1", {"x": ("N", 4, 6), "z": ("N", 4, 5)}, ()),
    ("Transpose", {}, {"perm": [0, 7, 6, 5, 4, 3, 2, 1]}, "7 groups of dimensions", {"x": ("N", *[2] * 7)}, ()),
    ("Gather", {"i": floats(0)}, {"axis": 1}, "the indices (input 1) must be integers, they are float32", IMAGE, ()),
    ("Pad", {"p": integers(0, 0, 0, 2**60, 0, 0, 0, 0)}, {"mode": "edge"}, "larger than any frame", IMAGE, ()),
    ("Tile", {"r": integers(1, 1, 2**60, 1)}, {}, "at most 268435456 elements in a frame", IMAGE, ()),
    ("Expand", {"s": integers(1, 4, 2**60, 5)}, {}, "at most 268435456 elements", {"x": ("N", 4, 1, 5)}, ()),
    ("Resize", {"s": floats(1, 1, np.nan, 1)}, {}, "must be positive and finite", IMAGE, ["x", "", "s"]),
    ("Resize", {"s": floats(1, 1, 1e30, 1)}, {}, "larger than any frame", IMAGE, ["x", "", "s"]),
    ("Resize", {"s": integers(1, 4, 2**60, 5)}, {}, "larger than any frame", IMAGE, ["x", "", "", "s"]),
    ("Split", {}, {"axis": 0}, "splits the first dimension", IMAGE, ()),
    ("Split", {"s": integers(3)}, {"axis": 1}, "1 parts of [3] are not the 4 elements of axis 1", IMAGE, ()),
    ("Gather", {"i": integers(0)}, {}, "some of the first dimension", IMAGE, ()),
    ("Gather", {"i": integers(4)}, {"axis": 1}, "are not some of its 4 elements", IMAGE, ()),
    ("Gather", {"i": integers(*[0, 3] * 300)}, {"axis": 1}, "in 300 pieces; at most 256", IMAGE, ()),
    ("Expand", {"s": integers(5, 4, 6, 5)}, {}, "does not keep the frames", IMAGE, ()),
    ("Expand", {"s": integers(1, 8, 6, 5)}, {}, "cannot be expanded to [1, 8, 6, 5]", IMAGE, ()),
    ("Tile", {"r": integers(2, 1, 1, 1)}, {}, "must be 1 of the frames", IMAGE, ()),
    ("DepthToSpace", {}, {"blocksize": 3}, "4 channels are not a multiple of the 3x3", IMAGE, ()),
    ("DepthToSpace", {}, {"blocksize": 2, "mode": "RCD"}, "mode is 'RCD', allowed are", IMAGE, ()),
    ("SpaceToDepth", {}, {"blocksize": 2}, "6x5 is no multiple of blocks of 2x2", IMAGE, ()),
    ("SpaceToDepth", {}, {"blocksize": 0}, "blocksize is 0, allowed is at least 1", IMAGE, ()),
    (
        "Resize",
        {"s": floats(1, 1, 2, 2)},
        {"mode": "linear"},
        "mode is 'linear'; only 'nearest'",
        IMAGE,
        ["x", "", "s"],
    ),
    ("Resize", {"s": floats(2, 1, 1, 1)}, {}, "resizes the first dimension", IMAGE, ["x", "", "s"]),
    ("Resize", {"s": floats(1, 1, 2)}, {}, "a scale or a size for each of 4 axes", IMAGE, ["x", "", "s"]),
    ("Resize", {"s": integers(1, 4, 2)}, {}, "3 sizes for 4 axes", IMAGE, ["x", "", "", "s"]),
    ("Resize", {"s": floats(1, 1, 0.1, 1)}, {}, "nothing is left", IMAGE, ["x", "", "s"]),
    ("Resize", {"s": floats(1, 1, 2, 2)}, {"nearest_mode": "up"}, "nearest_mode is 'up'", IMAGE, ["x", "", "s"]),
    (
        "Resize",
        {"s": floats(1, 1, 2, 2)},
        {"coordinate_transformation_mode": "tf_crop_and_resize"},
        "coordinate_transformation_mode is 'tf_crop_and_resize', allowed are",
        IMAGE,
        ["x", "", "s"],
    ),
    ("LogSoftmax", {}, {}, "not supported; leave it out", IMAGE, ()),
    ("InstanceNormalization", {"s": floats(4), "b": floats(4)}, {}, "must be [frames, channels, ...]", FEATURES, ()),
    ("Softmax", {}, {"axis": 0}, "axis 0 of an input ?x4x6x5 is that of the frames", IMAGE, ()),
    ("Gelu", {}, {"domain": "com.example"}, "not supported", IMAGE, ()),
]


@pytest.mark.parametrize(("kind", "constants", "attributes", "reason", "inputs", "operands"), REFUSED)
def test_refused_node_is_named_with_its_reason(
    kind: str,
    constants: Constants,
    attributes: dict[str, Any],
    reason: str,
    inputs: Mapping[str, FloatShape],
    operands: Sequence[str],
    tmp_path: Path,
) -> None:
    read = operands or [*inputs, *constants]
    message = refusal(model([node(kind, read, name="culprit", **attributes)], constants, inputs), tmp_path)
    reported = "output 'y': a tensor has" if kind == "Reshape" and "2 to 9" in reason else "culprit ("
    assert reported in message
    assert reason in message


def test_training_mode_of_batch_norm_is_refused(tmp_path: Path) -> None:
    operands = ["x", *NORM]
    proto = model([node("BatchNormalization", operands, training_mode=1)], NORM, opset=15)
    assert "training_mode must be 0" in refusal(proto, tmp_path)


@pytest.mark.parametrize(
    ("operator", "opset", "attributes", "reason"),
    [
        ("LayerNormalization", 17, {"axis": 0}, "axis 0 of an input ?x4x6x5 is that of the frames"),
        ("GroupNormalization", 18, {"num_groups": 2}, "opset 18 has a scale for each group; opset 21 has one for each"),
        ("GroupNormalization", 21, {"num_groups": 3}, "num_groups is 3, it must divide the 4 channels"),
    ],
)
def test_normalization_is_refused(
    operator: str, opset: int, attributes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    nodes = [node(operator, ["x", "s", "b"], **attributes)]
    assert reason in refusal(model(nodes, {"s": floats(4), "b": floats(4)}, opset=opset), tmp_path)


def test_second_output_that_is_used_is_refused(tmp_path: Path) -> None:
    nodes = [
        node("MaxPool", ["x"], ["m", "i"], kernel_shape=[2, 2]),
        node("Relu", ["m"]),
        node("Cast", ["i"], ["z"], to=1),
    ]
    message = refusal(model(nodes, outputs=["y", "z"]), tmp_path)
    assert "maxpool (MaxPool): its output 'i' is used; only the first output is supported" in message


def test_all_refused_nodes_are_listed_and_nothing_else(tmp_path: Path) -> None:
    nodes = [
        node("Sin", ["x"], ["a"], name="bad1"),
        node("Relu", ["a"], ["b"], name="innocent"),
        node("Shape", ["b"], ["s"]),
        node("Gather", ["s", "zero"], ["n"], name="arithmetic"),
        node("Concat", ["n", "rest"], ["t"], axis=0, name="more_arithmetic"),
        node("Reshape", ["b", "t"], ["c"], name="innocent_too"),
        node("LogSoftmax", ["c"], ["d"], name="bad2"),
        node("Flatten", ["x"], ["e"], axis=3, name="bad3"),
        node("Add", ["d", "e"], ["y"], name="innocent_three"),
    ]
    message = refusal(model(nodes, {"zero": integers(0), "rest": integers(-1)}), tmp_path)
    lines = message.splitlines()
    assert lines[0].endswith("model.onnx: 3 nodes are not supported:")
    assert [line.split(":")[0].strip() for line in lines[1:4]] == ["bad1 (Sin)", "bad2 (LogSoftmax)", "bad3 (Flatten)"]
    assert lines[4].startswith("supported are Abs, Add, ")
    assert len(lines) == 5


def test_constant_that_cannot_be_evaluated_is_refused_once(tmp_path: Path) -> None:
    nodes = [
        node("Gather", ["zero", "far"], ["n"], name="broken"),
        node("Neg", ["n"], ["m"], name="hangs_on_it"),
        node("Reshape", ["x", "m"]),
    ]
    message = refusal(model(nodes, {"zero": integers(0), "far": integers(9)}), tmp_path)
    assert "broken (Gather): its inputs are constants, and evaluating it fails: " in message
    assert "1 node is not supported" in message


def test_random_constants_and_control_flow_are_refused(tmp_path: Path) -> None:
    branch = onnx.helper.make_graph(
        [node("Constant", [], ["v"], value_float=1.0)],
        "branch",
        [],
        [onnx.helper.make_tensor_value_info("v", onnx.TensorProto.FLOAT, ())],
    )
    nodes = [
        node("RandomNormal", [], ["r"], shape=[4, 1, 1]),
        node("Add", ["x", "r"], ["a"]),
        node("If", ["yes"], ["c"], then_branch=branch, else_branch=branch),
        node("Add", ["a", "c"], name="last"),
    ]
    message = refusal(model(nodes, {"yes": np.array(1, np.bool_)}), tmp_path)
    assert "randomnormal (RandomNormal): the operator is not supported" in message
    assert "if (If): the operator is not supported" in message
    assert "2 nodes are" in message


def test_value_that_nothing_makes_is_refused(tmp_path: Path) -> None:
    message = refusal(model([node("Relu", ["missing"])]), tmp_path)
    assert "relu (Relu): it reads 'missing', which nothing before it makes; the file is damaged" in message


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [(["c"], "output 'c': does not depend on the inputs: it is a constant"), (["nothing"], "nothing computes it")],
)
def test_output_must_depend_on_the_inputs(outputs: list[str], reason: str, tmp_path: Path) -> None:
    assert reason in refusal(model([node("Relu")], {"c": ones(1)}, outputs=outputs), tmp_path)


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        ({}, "the graph has no inputs"),
        ({"x": ("N", 4, "H", 5)}, "input 'x': leaves dimension 2 ('H') open"),
        ({"x": ("N", 4, 6, None)}, "input 'x': leaves dimension 3 ('?') open"),
        ({"x": ("N",)}, "input 'x': a tensor has 2 to 9 dimensions, the first the frames; this is ?"),
        ({"x": ("N", *[1] * 9)}, "input 'x': a tensor has 2 to 9 dimensions"),
        ({"x": ()}, "input 'x': has no shape"),
        ({"x": (2, 4), "z": (3, 4)}, "differ in their first dimension, the frames: 'x' 2, 'z' 3"),
    ],
)
def test_inputs_must_be_float_tensors_of_known_size(
    inputs: Mapping[str, FloatShape], reason: str, tmp_path: Path
) -> None:
    assert reason in refusal(model([node("Relu")], inputs=inputs), tmp_path)


def test_input_of_another_type_is_refused(tmp_path: Path) -> None:
    proto = model([node("Relu")])
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    assert "input 'x': is uint8; only float32 tensors are supported" in refusal(proto, tmp_path)
    proto.graph.input[0].type.CopyFrom(
        onnx.helper.make_sequence_type_proto(onnx.helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, None))
    )
    assert "input 'x': is a sequence_type" in refusal(proto, tmp_path)


def test_malformed_initializer_is_refused(tmp_path: Path) -> None:
    proto = model([node("Conv", ["x", "w"])], {"w": CONV})
    proto.graph.initializer[0].raw_data = b"123"
    assert "the initializer 'w' is malformed" in refusal(proto, tmp_path)


def test_sparse_initializer_is_refused(tmp_path: Path) -> None:
    proto = model([node("Relu")])
    values = onnx.helper.make_tensor("v", onnx.TensorProto.FLOAT, [1], [1.0])
    places = onnx.helper.make_tensor("p", onnx.TensorProto.INT64, [1], [0])
    proto.graph.sparse_initializer.append(onnx.helper.make_sparse_tensor(values, places, [4]))
    assert "sparse initializers are not supported" in refusal(proto, tmp_path)
