"""Operators that move elements, and those on activations of other dimensions, compute what onnxruntime computes."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.moving_cases import DIMENSIONS, MOVES, SEQUENCE
from support.onnx_models import import_and_compare, model, node, op_names, save
from support.operator_cases import Case, integers, random

from pqc.frontend import import_model
from pqc.interpreter.reference import boundary_types


@pytest.mark.parametrize("case", MOVES.values(), ids=MOVES.keys())
def test_move_computes_what_onnxruntime_does(case: Case, tmp_path: Path) -> None:
    names = op_names(import_and_compare(save(case.proto(), tmp_path)))
    assert names == (case.becomes or names)
    assert {"slice", "concat", "transpose", "reshape", "pad"}.issuperset(names)


@pytest.mark.parametrize("case", DIMENSIONS.values(), ids=DIMENSIONS.keys())
def test_operator_on_other_dimensions_computes_what_onnxruntime_does(case: Case, tmp_path: Path) -> None:
    names = op_names(import_and_compare(save(case.proto(), tmp_path)))
    assert names == (case.becomes or names)


def test_inputs_and_outputs_keep_their_dimensions(tmp_path: Path) -> None:
    imported = import_model(save(model([node("Relu")], inputs=SEQUENCE), tmp_path))
    (taken,), (given,) = boundary_types(imported.module)
    assert str(taken) == str(given) == "tensor<?x4x6xf32>"


def test_moves_between_products_by_position_cancel(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["a"], name="first"),
        node("Add", ["a", "b"], ["c"], name="bias"),
        node("Relu", ["c"], ["d"], name="relu"),
        node("MatMul", ["d", "v"], ["y"], name="second"),
    ]
    constants = {"w": random(6, 5), "b": random(5), "v": random(5, 3)}
    imported = import_and_compare(save(model(nodes, constants, SEQUENCE), tmp_path))
    assert op_names(imported) == ["reshape", "transpose", "conv", "add", "relu", "conv", "transpose", "reshape"]


def test_an_order_of_many_dimensions_takes_few_moves(tmp_path: Path) -> None:
    nodes = [
        node("Reshape", ["x", "apart"], ["a"], name="apart"),
        node("Transpose", ["a"], ["b"], name="order", perm=[0, 1, 4, 2, 5, 3]),
        node("Reshape", ["b", "together"], ["y"], name="together"),
    ]
    constants = {"apart": integers(0, 2, 3, 3, 4, 5), "together": integers(0, 2, 12, 15)}
    imported = import_and_compare(save(model(nodes, constants, {"x": ("N", 18, 4, 5)}), tmp_path))
    assert op_names(imported).count("transpose") == 2
