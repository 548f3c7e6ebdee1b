"""The pre-flight check finds all problems at once, and says "compiles" exactly when compilation does."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from support.command_line import small_network
from support.network import Network
from support.networks import networks, options
from support.onnx_models import model, node, save

from pqc.api import CompileRequest, compile_model
from pqc.checking import FIRST, LATER, PARTLY, ModelCheck, check_model
from pqc.errors import ModelError
from pqc.frontend.importer import import_model
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target
from pqc.problems import ProblemsError

PLAIN = PqOptions()


def checked(path: Path, *overrides: str, target: str = "pqa", pq: PqOptions = PLAIN) -> ModelCheck:
    return check_model(CompileRequest(path, load_target(target, overrides), pq))


def test_a_model_that_compiles_has_no_problems_and_every_node_a_unit(tmp_path: Path) -> None:
    found = checked(save(small_network(), tmp_path))
    assert found.compiles
    assert not found.unchecked
    assert not found.notes
    assert {unit.node: unit.runs_on for unit in found.units} == {
        "conv1": "conventional",
        "conv2": "product-quantized",
        "pool": "vector",
        "fc": "conventional",
    }
    assert [(unit.weights, unit.prototypes, unit.length) for unit in found.units if unit.prototypes] == [(216, 16, 9)]
    assert found.parameters == 4 * 3 * 9 + 6 * 4 * 9 + 30


def test_the_target_refuses_all_layers_at_once(tmp_path: Path) -> None:
    path = save(small_network(), tmp_path)
    without = ("conventional.output_lanes=0", "conventional.input_lanes=0")
    found = checked(path, *without)
    assert [(problem.node, problem.operator) for problem in found.problems] == [("conv1", "Conv"), ("fc", "Gemm")]
    assert {problem.remedy for problem in found.problems} == {
        "product-quantize it with --include, or choose a target with such a unit"
    }
    with pytest.raises(ProblemsError, match="2 nodes cannot be executed on target pqa") as caught:
        compile_model(CompileRequest(path, load_target("pqa", without), PLAIN))
    assert [problem.node for problem in caught.value.problems] == ["conv1", "fc"]


def test_layers_behind_a_refused_node_are_tried_on_the_target_as_what_they_will_be(tmp_path: Path) -> None:
    proto = small_network()
    proto.graph.node[1].op_type = "Floor"
    found = checked(save(proto, tmp_path), "buffers.codebook=0.0625", pq=PqOptions(prototypes=256))
    assert [problem.node for problem in found.problems] == ["relu1", "conv2"]
    assert found.problems[1].found.startswith("the codebook buffer has 64 bytes")
    assert "product-quantized" in {unit.runs_on for unit in found.units if unit.node == "conv2"}
    assert found.notes == (PARTLY,)


def test_part_of_a_model_that_a_pattern_does_not_match_is_not_tried_and_it_is_said(tmp_path: Path) -> None:
    proto = small_network()
    proto.graph.node[2].op_type = "DeformConv"
    found = checked(save(proto, tmp_path), pq=PqOptions(include=("conv2",)))
    assert [problem.node for problem in found.problems] == ["conv2"]
    assert "no layer's node name matches 'conv2'" in found.notes[0]


def test_problems_with_the_choice_of_layers_come_before_those_with_the_target(tmp_path: Path) -> None:
    found = checked(save(small_network(), tmp_path), pq=PqOptions(metric="linf"))
    assert [problem.found for problem in found.problems] == ["metric 'linf': the target's encode unit has l2, l1"]
    assert found.notes == (LATER,)


def test_what_names_no_node_is_the_first_of_its_kind(tmp_path: Path) -> None:
    found = checked(save(small_network(), tmp_path), pq=PqOptions(exclude=("layer9.*",)))
    assert [problem.where for problem in found.problems] == [""]
    assert found.notes == (FIRST,)


def test_open_sizes_and_what_hangs_on_them(tmp_path: Path) -> None:
    nodes = [
        node("Relu", ["x"], ["a"], name="moot"),
        node("LogSoftmax", ["a"], ["b"], name="bad"),
        node("Flatten", ["z"], ["c"], name="fine"),
        node("Concat", ["b", "c"], name="join", axis=1),
    ]
    found = checked(save(model(nodes, inputs={"x": ("N", 4, "H", 5), "z": ("N", 6)}), tmp_path))
    assert [problem.where for problem in found.problems] == ["input 'x'", "bad (LogSoftmax)"]
    assert all("dynamic" in problem.remedy for problem in found.problems[:1])
    assert found.unchecked == ("moot", "join")


def test_an_operator_set_that_is_too_old_is_a_problem_with_a_remedy(tmp_path: Path) -> None:
    found = checked(save(model([node("Relu")], opset=9), tmp_path))
    assert [problem.where for problem in found.problems] == [""]
    assert found.problems[0].allowed.startswith("11 to ")
    assert "version_converter" in found.problems[0].remedy


def test_what_is_no_model_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        checked(tmp_path / "nothing.onnx")


def test_every_problem_says_what_is_allowed(tmp_path: Path) -> None:
    proto = small_network()
    proto.graph.node[4].op_type = "GlobalLpPool"
    proto.graph.node[5].attribute.append(helper.make_attribute("axis", 2))
    found = checked(save(proto, tmp_path))
    assert [problem.operator for problem in found.problems] == ["GlobalLpPool", "Flatten"]
    assert [problem.allowed for problem in found.problems] == [
        "an operator that `pqc ops` lists",
        "With axis 1.",
    ]
    assert found.unchecked == ("fc",)


def compiles(path: Path, network: Network, target: str, chosen: PqOptions, overrides: tuple[str, ...]) -> bool:
    try:
        compile_model(CompileRequest(path, load_target(target, overrides), chosen, network.data(12)))
    except ModelError:
        return False
    return True


BREAKING = {"Relu": "Floor", "MaxPool": "LpPool", "Conv": "ConvTranspose", "Gemm": "Einsum", "Add": "Max"}
"""What may become of a node, so that it is refused."""


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    networks(),
    options(),
    st.sampled_from([("pqa", ()), ("tiny", ()), ("pqa-l1", ()), ("tiny", ("buffers.activation=0.0625",))]),
    st.sampled_from(["", "", *BREAKING]),
)
def test_it_compiles_exactly_when_it_is_said_to(
    network: Network, chosen: PqOptions, where: tuple[str, tuple[str, ...]], broken: str
) -> None:
    target, overrides = where
    for one in network.nodes:
        if one.op_type == broken:
            one.op_type = BREAKING[broken]
    with TemporaryDirectory() as folder:
        path = save(network.proto, Path(folder))
        found = checked(path, *overrides, target=target, pq=chosen)
        assert found.compiles == compiles(path, network, target, chosen, overrides), found.problems


@pytest.mark.parametrize("kind", ["Floor", "MatMul"])
def test_compile_lists_the_same_problems(kind: str, tmp_path: Path) -> None:
    proto = small_network()
    proto.graph.node[1].op_type = kind
    path = save(proto, tmp_path)
    with pytest.raises(ProblemsError) as caught:
        import_model(path)
    found = checked(path)
    assert [problem.node for problem in caught.value.problems] == [problem.node for problem in found.problems]
    for problem in caught.value.problems:
        assert problem.sentence in str(caught.value)


def test_weights_are_not_needed_to_know_shapes(tmp_path: Path) -> None:
    weight = np.ones((64, 64, 3, 3), np.float32)
    nodes = [
        node("Conv", ["x", "w"], ["a"], name="kept", pads=[1, 1, 1, 1]),
        node("Floor", ["a"], ["b"], name="bad"),
        node("ConvTranspose", ["b", "w"], ["c"], name="also_bad"),
        node("Conv", ["c", "v"], name="hidden"),
    ]
    proto = model(nodes, {"w": weight, "v": np.ones((2, 63, 1, 1), np.float32)}, {"x": (1, 64, 4, 4)})
    found = checked(save(proto, tmp_path))
    assert [problem.node for problem in found.problems] == ["bad", "also_bad", "hidden"]
    assert "wants 63 channels, not 64" in found.problems[2].found
