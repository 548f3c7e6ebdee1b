"""QuantizeLinear and DequantizeLinear become grids without a zero point, or are refused with a reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from support.onnx_models import float_ops, model, node, op_names, save

from pqc.dialects.pq import OnGridOp
from pqc.errors import ModelError
from pqc.frontend import ImportedModel, import_model
from pqc.frontend.operators.quantized import covering_grid
from pqc.frontend.values import Stored
from pqc.interpreter.reference import run_reference
from pqc.numerics.arrays import AnyArray

S = np.array(0.25, np.float32)
ZERO = np.array(0, np.uint8)


def q(source: str, target: str, scale: str = "s", zero: str = "z", **attributes: object) -> onnx.NodeProto:
    return node("QuantizeLinear", [source, scale, zero], [target], name=f"q_{target}", **attributes)


def dq(source: str, target: str, scale: str = "s", zero: str = "z") -> onnx.NodeProto:
    return node("DequantizeLinear", [source, scale, zero], [target], name=f"dq_{target}")


def imported(
    nodes: list[onnx.NodeProto], folder: Path, outputs: tuple[str, ...] = ("y",), **more: AnyArray
) -> ImportedModel:
    return import_model(save(model(nodes, {"s": S, "z": ZERO, **more}, outputs=outputs), folder))


def grids(module: ImportedModel) -> list[str]:
    return [f"{op.grid.integers} {op.grid.scale.data}" for op in float_ops(module) if isinstance(op, OnGridOp)]


@pytest.mark.parametrize(
    ("kind", "zero", "element", "steps"),
    [
        ("uint8", 0, "ui8", 1.0),
        ("uint8", 128, "si8", 1.0),
        ("int8", 0, "si8", 1.0),
        ("int8", -128, "ui8", 1.0),
        ("uint8", 255, "si8", 255 / 128),
        ("uint8", 64, "si8", 191 / 127),
        ("uint8", 1, "si8", 254 / 127),
        ("int8", 10, "si8", 138 / 128),
        ("int8", -10, "si8", 137 / 127),
        ("uint16", 0, "ui16", 1.0),
        ("int16", 0, "si16", 1.0),
    ],
)
def test_the_grid_covers_what_the_integers_stand_for(kind: str, zero: int, element: str, steps: float) -> None:
    grid = covering_grid(Stored(kind, zero, 0.5))
    assert str(grid.integers) == element
    assert grid.scale.data == pytest.approx(0.5 * steps, rel=1e-12)


def test_quantizing_is_a_grid_and_dequantizing_is_nothing(tmp_path: Path) -> None:
    found = imported([q("x", "a"), dq("a", "y")], tmp_path)
    assert op_names(found) == ["pq.on_grid"]
    assert grids(found) == ["ui8 0.25"]


def test_moves_of_integers_are_moves(tmp_path: Path) -> None:
    nodes = [
        q("x", "a"),
        node("Transpose", ["a"], ["b"], perm=[0, 2, 3, 1]),
        node("Flatten", ["b"], ["c"]),
        dq("c", "y"),
    ]
    assert op_names(imported(nodes, tmp_path)) == ["pq.on_grid", "transpose", "reshape"]


def test_two_grids_for_the_same_values_are_a_change_of_grid(tmp_path: Path) -> None:
    nodes = [q("x", "a"), dq("a", "b"), q("b", "c", "t"), dq("c", "y", "t")]
    found = imported(nodes, tmp_path, t=np.array(0.5, np.float32))
    assert op_names(found) == ["pq.on_grid", "clip", "pq.on_grid"]
    assert grids(found) == ["ui8 0.25", "ui8 0.5"]


def test_parts_of_different_grids_are_brought_onto_that_of_the_whole(tmp_path: Path) -> None:
    nodes = [q("x", "a"), dq("a", "b"), node("Relu", ["x"], ["r"]), q("r", "c", "t"), dq("c", "d", "t")]
    nodes += [node("Concat", ["b", "d"], ["e"], axis=1), q("e", "f", "t"), dq("f", "y", "t")]
    found = imported(nodes, tmp_path, t=np.array(0.5, np.float32))
    assert op_names(found) == ["pq.on_grid", "relu", "pq.on_grid", "clip", "clip", "concat", "pq.on_grid"]


def test_a_relu_of_a_layer_on_one_grid_becomes_part_of_the_layer(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        q("c", "a"),
        dq("a", "b"),
        node("Relu", ["b"], ["r"]),
        q("r", "d"),
        dq("d", "y"),
    ]
    weight = np.random.default_rng(0).normal(size=(2, 4, 1, 1)).astype(np.float32)
    found = imported(nodes, tmp_path, w=weight, z=np.array(0, np.int8))
    assert op_names(found) == ["conv", "relu", "pq.on_grid"]


def test_constant_weights_are_folded_with_a_scale_for_each_output(tmp_path: Path) -> None:
    weight = np.random.default_rng(1).integers(-127, 128, (3, 4, 2, 2)).astype(np.int8)
    scales = np.array([0.5, 0.25, 0.125], np.float32)
    zeros = np.array([0, 1, 0], np.int8)
    nodes = [node("DequantizeLinear", ["w", "t", "o"], ["v"], name="weights", axis=0), node("Conv", ["x", "v"])]
    found = imported(nodes, tmp_path, w=weight, t=scales, o=zeros)
    x = np.random.default_rng(2).normal(size=(2, 4, 6, 5)).astype(np.float32)
    real = (weight.astype(np.float32) - zeros.reshape(-1, 1, 1, 1)) * scales.reshape(-1, 1, 1, 1)
    (expected,) = run_reference(
        import_model(save(model([node("Conv", ["x", "w"])], {"w": real}), tmp_path)).module, [x]
    )
    np.testing.assert_array_equal(run_reference(found.module, [x])[0], expected)


REFUSED: dict[str, tuple[list[onnx.NodeProto], str, dict[str, AnyArray]]] = {
    "no integers": ([dq("x", "y")], "it reads real numbers: no QuantizeLinear made them integers", {}),
    "another scale": (
        [q("x", "a"), dq("a", "y", "t")],
        "it reads uint8 times 0.25 from 0 as uint8 times 0.5 from 0; both nodes must agree",
        {"t": np.array(0.5, np.float32)},
    ),
    "computed with": (
        [q("x", "a"), node("Relu", ["a"])],
        "it reads integers (uint8 times 0.25 from 0); DequantizeLinear in front of it makes them real numbers",
        {},
    ),
    "an output": ([q("x", "y")], "output 'y': is uint8; only float32 is supported; end the exported model with", {}),
    "scales": ([q("x", "a"), dq("a", "y")], "has 2 scales; one for all of it", {"s": np.ones(2, np.float32)}),
    "no scale": ([q("x", "a"), dq("a", "y")], "the scale is 0.0 in float32", {"s": np.array(0, np.float32)}),
    "integers": (
        [q("x", "a"), dq("a", "y")],
        "the integers are int32, allowed are uint8",
        {"z": np.array(0, np.int32)},
    ),
    "constant": (
        [node("DequantizeLinear", ["w", "t", "o"], ["v"], axis=0), node("Add", ["x", "v"])],
        "[2] scales for a constant [1, 4, 1, 1] along axis 0",
        {"w": np.zeros((1, 4, 1, 1), np.int8), "t": np.ones(2, np.float32), "o": np.zeros(2, np.int8)},
    ),
    "a constant of real numbers": (
        [node("DequantizeLinear", ["w", "s"], ["v"]), node("Add", ["x", "v"])],
        "a constant of float32 with scales of float32; integers and float32 are wanted",
        {"w": np.zeros((1, 4, 1, 1), np.float32)},
    ),
    "zero points": (
        [node("DequantizeLinear", ["w", "t", "o"], ["v"], axis=0), node("Add", ["x", "v"])],
        "[2] zero points for [] scales",
        {"w": np.zeros((1, 4, 1, 1), np.int8), "t": np.array(1, np.float32), "o": np.zeros(2, np.int8)},
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused(case: tuple[list[onnx.NodeProto], str, dict[str, AnyArray]], tmp_path: Path) -> None:
    nodes, reason, more = case
    with pytest.raises(ModelError) as caught:
        import_model(save(model(nodes, {"s": S, "z": ZERO, **more}), tmp_path))
    assert reason in str(caught.value)
