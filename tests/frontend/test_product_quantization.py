"""Nodes of the domain ai.pqc are imported as they are, and refused in one sentence where they are malformed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.helper
import onnx.numpy_helper
import onnx.parser
import pytest
from support.onnx_models import model, node, save
from support.runtimes import run_onnx

from pqc.dialects.location import node_name
from pqc.dialects.pq import ConvolutionOp, OnGridOp
from pqc.errors import ModelError
from pqc.export.functions import function
from pqc.frontend import import_model
from pqc.frontend.operators import CONVERTERS
from pqc.frontend.pq_domain import CONVOLUTIONS, DOMAIN, ON_GRID, VERSION, convolution_name
from pqc.interpreter.reference import run_reference
from pqc.numerics.arrays import AnyArray
from pqc.numerics.encode import Metric
from pqc.numerics.grouping import Grouping

ABSENT = object()
"""In place of an attribute: leave it out."""


def scale(value: float) -> onnx.TensorProto:
    return onnx.numpy_helper.from_array(np.array(value))


GRID: Mapping[str, Any] = {"scale": scale(0.25), "bits": 8, "signed": 1}
LAYER: Mapping[str, Any] = {
    **GRID,
    "kernel_shape": [3, 2],
    "strides": [1, 2],
    "pads": [1, 0, 1, 1],
    "dilations": [1, 1],
    "shift": 2,
    "prototype_bits": 6,
    "table_bits": 7,
}
CONSTANTS: Mapping[str, AnyArray] = {
    "codebook": (np.arange(24 * 4) % 60 - 30).astype(np.int8).reshape(8, 4, 3),
    "table": (np.arange(8 * 4 * 5) % 120 - 60).astype(np.int8).reshape(8, 4, 5),
    "bias": np.arange(5, dtype=np.int32),
    "step": np.full(5, 0.125, np.float32),
}
LAYER_NAME = convolution_name(Grouping.WINDOW, Metric.L2)


def proto(
    kind: str, attributes: Mapping[str, Any], constants: Mapping[str, AnyArray] | None = None, version: int = VERSION
) -> onnx.ModelProto:
    """A model of one node of the domain, with its function."""
    held = constants or {}
    given = {name: value for name, value in attributes.items() if value is not ABSENT}
    made = model([node(kind, ["x", *held], domain=DOMAIN, **given)], held, opset=19)
    made.opset_import.append(onnx.helper.make_opsetid(DOMAIN, version))
    made.functions.append(function(kind))
    return made


def refusal(made: onnx.ModelProto, folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        import_model(save(made, folder))
    return str(caught.value)


def test_every_operator_has_a_function_and_a_converter() -> None:
    for name in (ON_GRID, *CONVOLUTIONS):
        assert f"{DOMAIN}.{name}" in CONVERTERS
        assert function(name).name == name


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("factor", [0.25, 0.021, 3.0])
def test_values_on_a_grid_are_those_of_onnxruntime(signed: int, factor: float, tmp_path: Path) -> None:
    made = proto(ON_GRID, {"scale": scale(factor), "bits": 5, "signed": signed})
    module = import_model(save(made, tmp_path)).module
    (op,) = (op for op in module.walk() if isinstance(op, OnGridOp))
    assert node_name(op) == "ongrid"
    assert str(op.grid) == f"#pq.grid<{'s' if signed else 'u'}i5, {factor}>"
    x = (np.random.default_rng(0).integers(-90, 90, (3, 4, 6, 5)) * np.float32(factor / 2)).astype(np.float32)
    np.testing.assert_array_equal(run_reference(module, [x])[0], run_onnx(made, {"x": x})[0])


def test_a_convolution_is_imported_as_it_is(tmp_path: Path) -> None:
    made = proto(LAYER_NAME, LAYER, CONSTANTS)
    module = import_model(save(made, tmp_path)).module
    (op,) = (op for op in module.walk() if isinstance(op, ConvolutionOp))
    assert str(op.config) == "#pq.config<prototypes = 4, length = 3, bits = [6, 7], l2>"
    assert op.window.data.strides == (1, 2)
    assert (op.shift.value.data, op.residual, op.bounds) == (2, None, (None, None))
    x = np.random.default_rng(0).normal(size=(3, 4, 6, 5)).astype(np.float32) * 40
    np.testing.assert_array_equal(run_reference(module, [x])[0], run_onnx(made, {"x": x})[0])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"scale": ABSENT}, "attribute 'scale' is missing; it must be a tensor of one double"),
        ({"scale": 0.25}, "attribute 'scale' must be a tensor of one double"),
        (
            {"scale": onnx.numpy_helper.from_array(np.array(0.25, np.float32))},
            "attribute 'scale' must be a tensor of one double, it is float32[]",
        ),
        (
            {"scale": onnx.numpy_helper.from_array(np.ones(2))},
            "attribute 'scale' must be a tensor of one double, it is float64[2]",
        ),
        ({"scale": scale(-1.0)}, "scale = -1.0, it must be positive and finite"),
        ({"bits": 17}, "bits = 17 and signed = 1, allowed are 2 to 16, and 0 or 1"),
        ({"bits": 1}, "bits = 1 and signed = 1, allowed are 2 to 16, and 0 or 1"),
        ({"bits": "8"}, "attribute 'bits' must be an integer"),
        ({"signed": 2}, "bits = 8 and signed = 2, allowed are 2 to 16, and 0 or 1"),
        ({"signed": ABSENT}, "attribute 'signed' is missing; it must be an integer"),
    ],
)
def test_malformed_grids_are_refused(changes: Mapping[str, Any], reason: str, tmp_path: Path) -> None:
    expected = f"  ongrid ({DOMAIN}.OnGrid): {reason}\n"
    assert expected in refusal(proto(ON_GRID, {**GRID, **changes}), tmp_path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kernel_shape": ABSENT}, "attribute 'kernel_shape' is missing; it must be 2 integers of at least 1"),
        ({"kernel_shape": [3]}, "attribute 'kernel_shape' must be 2 integers of at least 1, it is [3]"),
        ({"strides": [0, 1]}, "attribute 'strides' must be 2 integers of at least 1, it is [0, 1]"),
        ({"pads": [1, 1, 1, -1]}, "attribute 'pads' must be 4 integers of at least 0, it is [1, 1, 1, -1]"),
        ({"dilations": 1}, "attribute 'dilations' must be 2 integers of at least 1"),
        ({"dilations": [9, 9]}, "a window of 19x10 with pads [1, 0, 1, 1] does not fit on ?x4x6x5"),
        (
            {"pads": [3, 0, 0, 0]},
            "pads [3, 0, 0, 0] put a whole window of 3x2 on ?x4x6x5 into the padding; a Pad in front of the "
            "convolution can do that",
        ),
        ({"strides": [256, 1]}, "stride = 256, allowed are 0 to 255"),
        ({"shift": 32}, "shift = 32, allowed are 0 to 31"),
        ({"shift": ABSENT}, "attribute 'shift' is missing; it must be an integer"),
        ({"prototype_bits": 17}, "prototype bits = 17, allowed are 2 to 16"),
        ({"prototype_bits": 5}, "the codebook holds values from -30 to 29, si5 allows -16 to 15"),
        ({"table_bits": 1}, "table bits = 1, allowed are 2 to 16"),
        ({"table_bits": 6}, "the table holds values from -60 to 59, si6 allows -32 to 31"),
        ({"table_bits": 9}, "the table is tensor<8x4x5xsi8>, it must be tensor<8x4x5xsi16>"),
        ({"signed": 0}, "the codebook is tensor<8x4x3xsi8>, its elements must be those of ui6"),
    ],
)
def test_malformed_layers_are_refused(changes: Mapping[str, Any], reason: str, tmp_path: Path) -> None:
    found = refusal(proto(LAYER_NAME, {**LAYER, **changes}, CONSTANTS), tmp_path)
    assert f"({DOMAIN}.{LAYER_NAME}): {reason}\n" in found


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"codebook": CONSTANTS["codebook"][0]}, "the codebook must have 3 dimensions, none empty, it is [4, 3]"),
        ({"table": CONSTANTS["table"][:0]}, "the table must have 3 dimensions, none empty, it is [0, 4, 5]"),
        ({"codebook": CONSTANTS["codebook"][:7]}, "the codebook has 7 subspaces; 4 channels, a window of 3x2 and leng"),
        ({"codebook": CONSTANTS["codebook"].astype(np.float32)}, "element type f32 is not one of ui1 to ui16"),
        ({"codebook": CONSTANTS["codebook"].astype(np.float64)}, "is float64; float32 or integers are wanted"),
        ({"table": CONSTANTS["table"][:, :3]}, "the table is tensor<8x3x5xsi8>, it must be tensor<8x4x5xsi8>"),
        ({"bias": np.zeros(4, np.int32)}, "the bias is tensor<4xsi32>, it must be tensor<5xsi32>"),
        ({"bias": np.zeros(5, np.int64)}, "the bias is tensor<5xsi64>, it must be tensor<5xsi32>"),
        ({"step": np.zeros(5, np.float32)}, "the step is 0.0 to 0.0, it must be positive and finite"),
        ({"step": np.full(5, np.nan, np.float32)}, "the constant 'step' holds NaN or infinity"),
    ],
)
def test_malformed_constants_are_refused(changes: Mapping[str, AnyArray], reason: str, tmp_path: Path) -> None:
    found = refusal(proto(LAYER_NAME, LAYER, {**CONSTANTS, **changes}), tmp_path)
    assert f"({DOMAIN}.{LAYER_NAME}): " in found
    assert reason in found


def test_a_metric_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    made = proto(LAYER_NAME, LAYER, CONSTANTS)
    made.graph.node[0].op_type = "WindowConvolutionCosine"
    assert f"({DOMAIN}.WindowConvolutionCosine): the operator is not supported" in refusal(made, tmp_path)


def test_constants_that_depend_on_the_input_are_refused(tmp_path: Path) -> None:
    made = proto(LAYER_NAME, LAYER, CONSTANTS)
    made.graph.node[0].input[1] = "x"
    assert "the codebook (input 1) must be a constant" in refusal(made, tmp_path)
    del made.graph.node[0].input[2:]
    made.graph.node[0].input[1] = "codebook"
    assert "the table (input 2) is missing" in refusal(made, tmp_path)


def test_features_have_no_windows(tmp_path: Path) -> None:
    made = proto(LAYER_NAME, LAYER, CONSTANTS)
    shape = made.graph.input[0].type.tensor_type.shape
    del shape.dim[2:]
    assert "the input must be [frames, channels, height, width], it is ?x4" in refusal(made, tmp_path)


def test_another_version_of_the_domain_is_refused(tmp_path: Path) -> None:
    found = refusal(proto(ON_GRID, GRID, version=2), tmp_path)
    assert found == f"{tmp_path / 'model.onnx'}: the model uses version 2 of {DOMAIN}; version 1 is supported"


def test_other_functions_are_inlined_beside_it(tmp_path: Path) -> None:
    made = proto(ON_GRID, GRID)
    made.graph.node[0].output[0] = "seen"
    made.graph.node.append(node("Twice", ["seen"], ["y"], domain="mine"))
    made.opset_import.append(onnx.helper.make_opsetid("mine", 1))
    text = '<domain: "mine", opset_import: ["" : 19]> Twice (x) => (y) { y = Relu (x) }'
    made.functions.append(onnx.parser.parse_function(text))
    names = [op.name for op in import_model(save(made, tmp_path)).module.walk()]
    assert names[2:] == ["pq.on_grid", "onnx.relu", "func.return"]
