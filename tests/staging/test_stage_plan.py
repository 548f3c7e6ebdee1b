"""Which nodes go to the host, which stages follow, and what the host cannot help with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from support.hosted import MIDDLE, NOTHING, constants, hosted, with_norm, with_softmax
from support.onnx_models import model, node, save

from pqc.errors import ModelError
from pqc.frontend.importer import try_import
from pqc.frontend.loader import load_model
from pqc.numerics.arrays import AnyArray
from pqc.problems import ProblemsError
from pqc.staging.plan import BEHIND, INTEGERS, NO_LAYER, StagePlan, plan_stages

UNSUPPORTED = "the operator is not supported"


def planned(proto: onnx.ModelProto, folder: Path) -> StagePlan | None:
    loaded = load_model(save(proto, folder))
    return plan_stages(loaded, try_import(loaded))


def stages(proto: onnx.ModelProto, folder: Path) -> list[list[str]]:
    """The names of the nodes of each stage; those on the host in capitals."""
    plan = planned(proto, folder)
    assert plan is not None
    return [
        [node.name.upper() if stage.imported is None else node.name for node in stage.nodes] for stage in plan.stages
    ]


def reasons(proto: onnx.ModelProto, folder: Path) -> dict[str, str]:
    plan = planned(proto, folder)
    assert plan is not None
    return {node.name: node.reason for node in plan.host_nodes}


def integers(*values: int) -> AnyArray:
    return np.array(values, np.int64)


def test_nothing_goes_to_the_host_that_can_be_compiled(tmp_path: Path) -> None:
    assert planned(hosted(node("Identity", ["h"], ["y"]), middle=NOTHING), tmp_path) is None


def test_the_end(tmp_path: Path) -> None:
    first, second = stages(with_softmax(), tmp_path)
    assert first[-1] == "fc"
    assert second == ["PROB"]


def test_the_middle(tmp_path: Path) -> None:
    assert [part[0] for part in stages(with_norm(), tmp_path)] == ["stem", "NORM", "body"]


def test_what_is_read_later_leaves_a_stage_and_enters_the_one_that_reads_it(tmp_path: Path) -> None:
    proto = hosted(
        node("LogSoftmax", ["h"], ["p"], name="prob", axis=1), node("Identity", ["b"], ["y"]), outputs=["p", "y"]
    )
    plan = planned(proto, tmp_path)
    assert plan is not None
    assert [(stage.inputs, stage.outputs) for stage in plan.stages] == [
        (("x",), ("b", "y")),
        (("b",), ("c",)),
        (("c",), ("h",)),
        (("h",), ("p",)),
    ]
    assert plan.inputs == ("x",)
    assert plan.frames == 1


def test_models_of_stages_are_whole_and_declare_their_shapes(tmp_path: Path) -> None:
    plan = planned(with_norm(), tmp_path)
    assert plan is not None
    for stage in plan.stages:
        onnx.shape_inference.infer_shapes(stage.model.model, check_type=True, strict_mode=True)
    taken = plan.stages[2].model.model.graph.input[0].type.tensor_type.shape.dim
    assert [size.dim_param or size.dim_value for size in taken] == ["N", 4, 8, 8]
    kept = {tensor.name for tensor in plan.stages[2].model.model.graph.initializer}
    assert kept == {"w2", "w3"}


def test_a_fixed_number_of_frames_is_kept(tmp_path: Path) -> None:
    proto = with_norm()
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 4
    plan = planned(proto, tmp_path)
    assert plan is not None
    assert plan.frames == 4
    assert plan.stages[1].model.model.graph.input[0].type.tensor_type.shape.dim[0].dim_value == 4


def test_too_many_frames_at_once_are_refused(tmp_path: Path) -> None:
    proto = with_norm()
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 5000
    with pytest.raises(ModelError, match="made for 5000 frames, the host takes up to 1024"):
        planned(proto, tmp_path)


def test_what_follows_the_unknown_is_on_the_host(tmp_path: Path) -> None:
    ends = [
        node("ArgMax", ["h"], ["i"], name="best", axis=1),
        node("Flatten", ["i"], ["j"], name="flat2"),
        node("Cast", ["j"], ["y"], name="real", to=onnx.TensorProto.FLOAT),
    ]
    found = reasons(hosted(*ends, middle=NOTHING), tmp_path)
    assert found == {"best": UNSUPPORTED, "flat2": BEHIND, "real": UNSUPPORTED}


def test_arithmetic_with_shapes_of_what_the_host_gives_is_there_too(tmp_path: Path) -> None:
    middle = [
        node("NonZero", ["b"], ["z"], name="places"),
        node("Shape", ["z"], ["s"], name="size"),
        node("Cast", ["s"], ["t"], name="as_real", to=onnx.TensorProto.FLOAT),
        node("ReduceSum", ["t"], ["u"], name="total", keepdims=0),
        node("Mul", ["b", "u"], ["v"], name="scaled"),
        node("LRN", ["v"], ["c"], name="norm", size=3),
    ]
    proto = hosted(node("Identity", ["h"], ["y"], name="end"))
    at = list(proto.graph.node).index(MIDDLE)
    before, after = list(proto.graph.node)[:at], list(proto.graph.node)[at + 1 :]
    del proto.graph.node[:]
    proto.graph.node.extend([*before, *middle, *after])
    assert stages(proto, tmp_path)[1] == ["PLACES", "SIZE", "AS_REAL", "TOTAL", "SCALED", "NORM"]


def test_folded_shapes_become_constants_of_the_stage(tmp_path: Path) -> None:
    ends = [
        node("LogSoftmax", ["h"], ["p"], name="prob", axis=1),
        node("Shape", ["p"], ["s"], name="size"),
        node("Gather", ["s", "zero"], ["n"], name="frames"),
        node("Concat", ["n", "rest"], ["t"], name="shape", axis=0),
        node("Reshape", ["p", "t"], ["q"], name="view"),
        node("LogSoftmax", ["q"], ["y"], name="again", axis=1),
    ]
    made = constants() | {"zero": integers(0), "rest": integers(-1)}
    proto = hosted(*ends, middle=NOTHING)
    proto.graph.initializer.extend(onnx.numpy_helper.from_array(made[name], name) for name in ("zero", "rest"))
    plan = planned(proto, tmp_path)
    assert plan is not None
    assert [str(one) for one in plan.stages[1].nodes] == ["prob (LogSoftmax)", "view (Reshape)", "again (LogSoftmax)"]
    assert {tensor.name for tensor in plan.stages[1].model.model.graph.initializer} == {"t"}
    assert {one.name: one.reason for one in plan.host_nodes}["view"] == NO_LAYER


def test_a_stage_without_a_layer_is_not_worth_its_way(tmp_path: Path) -> None:
    ends = [
        node("LogSoftmax", ["h"], ["p"], name="prob", axis=1),
        node("Relu", ["p"], ["q"], name="relu9"),
        node("Identity", ["q"], ["y"], name="end"),
    ]
    found = reasons(hosted(*ends, middle=NOTHING), tmp_path)
    assert found == {"prob": UNSUPPORTED, "relu9": NO_LAYER, "end": NO_LAYER}


def quantized(*ends: onnx.NodeProto) -> onnx.ModelProto:
    """A network whose classes become bytes."""
    scale: dict[str, AnyArray] = {"s": np.array(0.1, np.float32), "z": np.array(128, np.uint8)}
    proto = hosted(node("QuantizeLinear", ["h", "s", "z"], ["q"], name="quantize"), *ends, middle=NOTHING)
    proto.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in scale.items())
    return proto


def test_integers_do_not_pass_between_stages(tmp_path: Path) -> None:
    ends = [
        node("DequantizeLinear", ["q", "s", "z"], ["r"], name="real"),
        node("ArgMax", ["q"], ["i"], name="best", axis=1),
        node("Gemm", ["r", "w4"], ["y"], name="second"),
    ]
    proto = quantized(*ends)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.eye(5, dtype=np.float32), "w4"))
    proto.graph.output.append(onnx.helper.make_tensor_value_info("i", onnx.TensorProto.INT64, None))
    found = reasons(proto, tmp_path)
    assert found["real"] == INTEGERS
    assert found["quantize"] == "'q' is uint8; only float32 is supported"
    assert stages(proto, tmp_path)[1:] == [["QUANTIZE", "REAL", "BEST"], ["second"]]


def test_an_output_of_integers_is_made_by_the_host(tmp_path: Path) -> None:
    proto = quantized(node("Identity", ["q"], ["y"], name="copy"))
    proto.graph.output[0].type.tensor_type.elem_type = onnx.TensorProto.UINT8
    assert stages(proto, tmp_path)[1] == ["QUANTIZE", "COPY"]


def branches(nodes: Sequence[onnx.NodeProto], *extra: str) -> onnx.ModelProto:
    """A node with graphs inside, of which the first is ``nodes``, that picks one of them."""
    then = onnx.helper.make_graph(list(nodes), "then", [], [onnx.helper.make_empty_tensor_value_info("t")])
    other = onnx.helper.make_graph(
        [node("Identity", ["h"], ["e"])], "else", [], [onnx.helper.make_empty_tensor_value_info("e")]
    )
    proto = hosted(node("If", ["yes"], ["y"], name="pick", then_branch=then, else_branch=other), middle=NOTHING)
    proto.graph.initializer.append(onnx.numpy_helper.from_array(np.array(True), "yes"))
    return proto


def test_what_graphs_inside_of_nodes_read_enters_the_stage(tmp_path: Path) -> None:
    plan = planned(branches([node("LogSoftmax", ["h"], ["t"], axis=1)]), tmp_path)
    assert plan is not None
    assert [(stage.inputs, stage.outputs) for stage in plan.stages] == [(("x",), ("h",)), (("h",), ("y",))]


def test_what_graphs_inside_of_nodes_read_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="node 'pick' reads 'nowhere', which nothing before it makes"):
        planned(branches([node("LogSoftmax", ["nowhere"], ["t"], axis=1)]), tmp_path)


def test_random_nodes_are_refused_wherever_they_are(tmp_path: Path) -> None:
    with pytest.raises(ProblemsError, match=r"pick \(If\): it is random; "):
        planned(branches([node("RandomNormalLike", ["h"], ["t"])]), tmp_path)
    with pytest.raises(ProblemsError, match=r"noise \(RandomNormalLike\): "):
        planned(hosted(node("RandomNormalLike", ["h"], ["y"], name="noise")), tmp_path)


def test_a_network_in_training_is_refused(tmp_path: Path) -> None:
    channels = {name: np.ones(4, np.float32) for name in ("one", "two", "three", "four")}
    proto = hosted(
        node("Identity", ["h"], ["y"]),
        middle=node("BatchNormalization", ["b", *channels], ["c", "m", "v"], name="bn", training_mode=1),
    )
    proto.graph.initializer.extend(onnx.numpy_helper.from_array(array, name) for name, array in channels.items())
    proto.opset_import[0].version = 15
    with pytest.raises(ProblemsError) as caught:
        planned(proto, tmp_path)
    assert [problem.node for problem in caught.value.problems] == ["bn"]
    assert "with that the host cannot help" in str(caught.value)


def test_inputs_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    proto = with_softmax()
    proto.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.INT64
    with pytest.raises(ProblemsError, match="input 'x': is int64; only float32 tensors are supported"):
        planned(proto, tmp_path)


def test_damaged_nodes_are_refused(tmp_path: Path) -> None:
    proto = hosted(node("LogSoftmax", ["h"], ["y"], name="prob"), middle=node("Relu", ["b", "b"], ["c"], name="odd"))
    with pytest.raises(ProblemsError, match=r"odd \(Relu\): malformed: "):
        planned(proto, tmp_path)
    proto = hosted(node("LogSoftmax", ["nowhere"], ["y"], name="prob"))
    with pytest.raises(ProblemsError, match=r"prob \(LogSoftmax\): it reads 'nowhere'"):
        planned(proto, tmp_path)


def test_a_value_that_is_made_twice_is_refused(tmp_path: Path) -> None:
    proto = hosted(node("LogSoftmax", ["h"], ["c"], name="prob"), node("Identity", ["c"], ["y"]))
    with pytest.raises(ModelError, match=r"model.onnx: nodes 'norm' and 'prob' both make 'c'"):
        planned(proto, tmp_path)


def test_a_network_without_a_layer_is_refused(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], ["a"]), node("LogSoftmax", ["a"], ["y"], name="prob", axis=1)]
    with pytest.raises(
        ModelError, match=r"nothing is left for the accelerator: with 2 nodes on the host, among them prob"
    ):
        planned(model(nodes), tmp_path)
