"""Every node that cannot be imported is refused by name, type and reason, all of them in one message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import pytest
from support.onnx_models import FloatShape, model, node, save
from support.refused_operators import NORM, REFUSED, Constants, floats, integers, ones

from pqc.errors import ModelError
from pqc.frontend import import_model


def refusal(proto: onnx.ModelProto, folder: Path) -> str:
    """The message that importing ``proto`` ends with."""
    with pytest.raises(ModelError) as caught:
        import_model(save(proto, folder))
    return str(caught.value)


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
        ("GroupNormalization", 18, {"num_groups": 2}, "GroupNormalization is deprecated in domain_version of 18"),
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
    proto = model([node("Conv", ["x", "w"])], {"w": ones(2, 4, 3, 3)})
    proto.graph.initializer[0].raw_data = b"123"
    assert "the initializer 'w' is malformed" in refusal(proto, tmp_path)


def test_sparse_initializer_is_refused(tmp_path: Path) -> None:
    proto = model([node("Relu")])
    values = onnx.helper.make_tensor("v", onnx.TensorProto.FLOAT, [1], [1.0])
    places = onnx.helper.make_tensor("p", onnx.TensorProto.INT64, [1], [0])
    proto.graph.sparse_initializer.append(onnx.helper.make_sparse_tensor(values, places, [4]))
    assert "sparse initializers are not supported" in refusal(proto, tmp_path)
