"""Stages on the host: group after group by the reference implementation, and what is refused of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator
from support.onnx_models import model, node

from pqc.errors import ModelError, ProgramError
from pqc.numerics.arrays import AnyArray
from pqc.staging.host_graph import HostGraph, parse_host_model


def frames(count: int) -> AnyArray:
    return np.random.default_rng(2).standard_normal((count, 4, 6, 5)).astype(np.float32)


def refusal(proto: onnx.ModelProto, count: int = 1) -> str:
    with pytest.raises(ModelError) as caught:
        HostGraph(proto, count, "p.bin: stage 1-host").run({"x": frames(2)})
    message = str(caught.value)
    assert message.startswith("p.bin: stage 1-host: ")
    assert "\n" not in message
    return message


def test_every_frame_by_itself_bit_for_bit() -> None:
    proto = model([node("LRN", size=3), node("LogSoftmax", ["y"], ["z"], axis=1)], outputs=["z", "y"])
    found = HostGraph(proto, 1, "p.bin").run({"x": frames(5)})
    evaluator: Any = ReferenceEvaluator(proto)
    expected = [evaluator.run(None, {"x": frames(5)[at : at + 1]}) for at in range(5)]
    for place, name in enumerate(("z", "y")):
        assert found[name].tobytes() == np.concatenate([one[place] for one in expected]).tobytes()


def test_a_model_for_several_frames_gets_full_groups() -> None:
    proto = model([node("Cast", to=onnx.TensorProto.DOUBLE)], inputs={"x": (4, 4, 6, 5)})
    found = HostGraph(proto, 4, "p.bin").run({"x": frames(6)})["y"]
    assert found.dtype == np.float64
    assert (found == frames(6)).all()


def test_classes_are_integers() -> None:
    proto = model([node("Flatten", ["x"], ["f"]), node("ArgMax", ["f"], axis=1, keepdims=0)])
    found = HostGraph(proto, 1, "p.bin").run({"x": frames(3)})["y"]
    assert found.dtype == np.int64
    assert (found == frames(3).reshape(3, -1).argmax(axis=1)).all()


def test_what_the_host_cannot_execute() -> None:
    fused = model([node("FusedConv", domain="com.microsoft")])
    fused.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
    assert "the host cannot execute it: Node type 'FusedConv' from domain 'com.microsoft'" in refusal(fused)
    assert "the host cannot execute it: " in refusal(model([node("LogSoftmax", axis=9)]))


def test_what_a_stage_may_not_give() -> None:
    assert "'y' as [] for 1 frames; what leaves a stage has" in refusal(model([node("ReduceMax", keepdims=0)]))
    split = model([node("SplitToSequence", axis=1)])
    assert "it gives 'y' as no array" in refusal(split)
    assert "as [1, 4, 6, 5] for 2 frames" in refusal(model([node("ReduceMax", axes=[0])]), 2)


def test_values_that_are_too_large_are_not_made() -> None:
    flood = model([node("Tile", ["x", "n"])], {"n": np.array([1, 2**12, 2**12, 2**12])})
    assert "'y' would have " in refusal(flood)


def test_a_graph_that_is_malformed() -> None:
    assert "the host cannot execute it: Shape inconsistencies" in refusal(
        model([node("Conv", ["x", "w"])], {"w": np.zeros((1, 9, 1, 1))})
    )


def parsed(content: bytes) -> str:
    with pytest.raises(ProgramError) as caught:
        parse_host_model(content, ["x"], ["y"], "p.bin: stage 1-host")
    return str(caught.value)


def test_content_that_is_no_graph_of_this_stage() -> None:
    assert parsed(b"\xff\xff").endswith("stage 1-host: its content is no ONNX model")
    proto = model([node("LogSoftmax", ["z"])], inputs={"z": ("N", 2)})
    assert "its model has the inputs ['z'], the list of stages says ['x']" in parsed(proto.SerializeToString())
    proto = model([node("LogSoftmax", ["x"], ["q"])], outputs=["q"])
    assert "its model has the outputs ['q'], the list of stages says ['y']" in parsed(proto.SerializeToString())


def external(name: str) -> onnx.TensorProto:
    tensor = onnx.TensorProto(name=name, dims=[1], data_type=onnx.TensorProto.FLOAT)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")
    return tensor


def test_data_in_other_files_is_not_looked_at() -> None:
    proto = model([node("Add", ["x", "w"])])
    proto.graph.initializer.append(external("w"))
    assert "the data of 'w' is in another file" in parsed(proto.SerializeToString())
    inner = onnx.helper.make_graph(
        [node("Add", ["x", "v"], ["t"])], "then", [], [onnx.helper.make_empty_tensor_value_info("t")], [external("v")]
    )
    proto = model([node("If", ["yes"], then_branch=inner, else_branch=inner)], {"yes": np.array(True)})
    assert "the data of 'v' is in another file" in parsed(proto.SerializeToString())
    constant = node("Constant", [], ["c"])
    constant.attribute.append(onnx.AttributeProto(name="value", type=onnx.AttributeProto.TENSOR, t=external("c")))
    proto = model([constant, node("Add", ["x", "c"])])
    assert "the data of 'c' is in another file" in parsed(proto.SerializeToString())
