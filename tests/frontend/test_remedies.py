"""Every remedy reaches the user who needs it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from support.onnx_models import FloatShape, model, node, save

from pqc.frontend import import_model
from pqc.frontend.graph import ENDINGS
from pqc.frontend.operators import CONVERTERS
from pqc.frontend.remedies import AGAIN, DOMAINS, FIXED_SIZES, FLAT_OUTPUT, INFERENCE, NO_OUTPUT, SUPPORTED, UNSUPPORTED
from pqc.numerics.arrays import AnyArray
from pqc.problems import NodeProblem, ProblemsError

IMAGE: Mapping[str, FloatShape] = {"x": ("N", 4, 6, 5)}


def problems(proto: onnx.ModelProto, folder: Path) -> tuple[NodeProblem, ...]:
    with pytest.raises(ProblemsError) as caught:
        import_model(save(proto, folder))
    for problem in caught.value.problems:
        assert problem.sentence in str(caught.value)
    return caught.value.problems


@pytest.mark.parametrize("operator", UNSUPPORTED)
def test_remedies_of_operators_that_are_not_imported(operator: str, tmp_path: Path) -> None:
    assert operator not in CONVERTERS, "it is imported now: what is said of it belongs into SUPPORTED, or goes"
    assert onnx.defs.has(operator) or operator == "Upsample"
    found = problems(model([node(operator)]), tmp_path)
    assert [problem.remedy.partition(": onnx.utils")[0] for problem in found] == [UNSUPPORTED[operator]]


@pytest.mark.parametrize("operator", sorted(ENDINGS))
def test_what_ends_a_model_can_be_cut_off_as_the_remedy_says(operator: str, tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], ["logits"]), node(operator, ["logits"], ["y"], axis=1)]
    (found,) = problems(model(nodes), tmp_path)
    call = found.remedy.partition(": ")[2]
    assert call == "onnx.utils.extract_model('model.onnx', 'cut.onnx', ['x'], ['logits'])"
    library: Any = importlib.import_module("onnx.utils")
    # its check wants to know the shape of the output, which this model does not say
    library.extract_model(tmp_path / "model.onnx", tmp_path / "cut.onnx", ["x"], ["logits"], check_model=False)
    assert import_model(tmp_path / "cut.onnx").output_names == ("logits",)


def test_other_outputs_stay_when_the_end_is_cut_off(tmp_path: Path) -> None:
    nodes = [node("Relu", ["x"], ["z"]), node("LogSoftmax", ["z"], axis=1)]
    (found,) = problems(model(nodes, outputs=["y", "z"]), tmp_path)
    assert found.remedy.endswith("['x'], ['z'])")


def test_what_stands_in_the_middle_cannot_be_cut_off(tmp_path: Path) -> None:
    nodes = [node("LogSoftmax", ["x"], ["s"], name="gate", axis=1), node("Relu", ["s"])]
    (found,) = problems(model(nodes), tmp_path)
    assert found.remedy == UNSUPPORTED["LogSoftmax"]


REFUSED: Mapping[str, tuple[Sequence[str], dict[str, Any]]] = {
    "Add": (["x", "two"], {}),
    "AveragePool": (["x"], {"kernel_shape": [2]}),
    "Concat": (["x", "c"], {"axis": 1}),
    "Div": (["x", "two"], {}),
    "Dropout": (["x", "r", "yes"], {}),
    "Flatten": (["x"], {"axis": 2}),
    "Gather": (["c", "x"], {"axis": 1}),
    "MatMul": (["x", "x"], {}),
    "Mul": (["x", "two"], {}),
    "PRelu": (["x", "two"], {}),
    "Pad": (["x", "p"], {"mode": "reflect"}),
    "Pow": (["x", "c"], {}),
    "QuantizeLinear": (["x", "scales"], {}),
    "ReduceMean": (["x"], {"axes": [0]}),
    "Reshape": (["x", "s"], {}),
    "Resize": (["x", "", "scales"], {"mode": "linear"}),
    "Squeeze": (["x"], {}),
    "Sub": (["x", "two"], {}),
    "Transpose": (["x"], {}),
}
CONSTANTS: Mapping[str, AnyArray] = {
    "c": np.ones((1, 4, 6, 5), np.float32),
    "two": np.ones((2, 1, 1, 1), np.float32),
    "scales": np.array([1, 1, 2, 2], np.float32),
    "r": np.array(0.5, np.float32),
    "yes": np.array(1, np.bool_),
    "p": np.ones(8, np.int64),
    "s": np.array([5, -1], np.int64),
}


def test_every_remedy_of_an_imported_operator_is_tried() -> None:
    assert set(REFUSED) == set(SUPPORTED)


@pytest.mark.parametrize("operator", SUPPORTED)
def test_remedies_of_operators_that_are_imported_in_another_form(operator: str, tmp_path: Path) -> None:
    assert operator in CONVERTERS
    read, attributes = REFUSED[operator]
    found = problems(model([node(operator, read, **attributes)], CONSTANTS), tmp_path)
    assert [problem.remedy for problem in found] == [SUPPORTED[operator]]


@pytest.mark.parametrize("domain", DOMAINS)
def test_remedies_of_other_domains(domain: str, tmp_path: Path) -> None:
    found = problems(model([node("FusedConv", domain=domain)]), tmp_path)
    assert [problem.remedy for problem in found] == [DOMAINS[domain]]


def test_a_normalization_in_training_form(tmp_path: Path) -> None:
    constants = {name: np.ones(4, np.float32) for name in "pqrs"}
    nodes = [
        node("BatchNormalization", ["x", *constants], ["b", "m", "v"], name="norm", training_mode=1),
        node("Flatten", ["b"], name="hidden", axis=3),
    ]
    found = problems(model(nodes, constants, opset=15), tmp_path)
    assert [problem.node for problem in found] == ["norm", "hidden"]
    assert found[0].remedy == INFERENCE


def test_what_is_damaged_is_exported_again(tmp_path: Path) -> None:
    nodes = [
        node("Relu", ["missing"], ["a"], name="reader"),
        node("Relu", ["missing"], ["b"], name="second_reader"),
        node("Conv", ["x"], ["c"], name="malformed"),
        node("Gather", ["zero", "far"], ["d"], name="unfoldable"),
        node("Sum", ["a", "b", "c", "d"], name="last"),
    ]
    far = {"zero": np.zeros(1, np.int64), "far": np.array(9, np.int64)}
    found = problems(model(nodes, far), tmp_path)
    assert {problem.node: problem.remedy for problem in found} == {
        "reader": AGAIN,
        "malformed": AGAIN,
        "unfoldable": AGAIN,
        "last": "",
    }


def test_inputs_and_outputs(tmp_path: Path) -> None:
    nodes = [node("Squeeze", ["x", "axes"]), node("Relu", ["z"], ["w"])]
    constants = {"axes": np.array([1, 2, 3], np.int64), "c": np.ones(1, np.float32)}
    inputs: Mapping[str, FloatShape] = {"x": ("N", 1, 1, 1), "z": ("N", "features")}
    found = problems(model(nodes, constants, inputs, outputs=["y", "c", "w"]), tmp_path)
    assert [(problem.where, problem.remedy) for problem in found] == [
        ("input 'z'", FIXED_SIZES),
        ("output 'y'", FLAT_OUTPUT),
        ("output 'c'", NO_OUTPUT),
    ]


def test_a_graph_that_onnx_cannot_infer_is_refused_as_any_other(tmp_path: Path) -> None:
    nodes = [
        node("Loop", ["x", "x"], ["a"], name="no_body"),
        node("LogSoftmax", ["a"], ["b"], name="odd", axis="last"),
        node("Relu", ["b"], name="behind"),
    ]
    found = problems(model(nodes), tmp_path)
    assert [problem.node for problem in found] == ["no_body", "odd"]
