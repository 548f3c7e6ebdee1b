"""Each operator is imported and computes what onnxruntime computes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.moving_cases import DIMENSIONS, MOVES
from support.onnx_models import float_ops, import_and_compare, model, node, op_names, save
from support.operator_cases import FEATURES, Case, integers, random, scalar

from pqc.dialects.location import node_name
from pqc.frontend import supported_operators
from pqc.frontend.operators import CONVERTERS
from pqc.frontend.pq_domain import DOMAIN

CONV = {"w": random(8, 4, 3, 3), "b": random(8)}
NORM = {"scale": random(4), "bias": random(4), "mean": random(4), "variance": np.abs(random(4)) + 0.5}

CASES = {
    "conv": Case("Conv", ["conv"], CONV),
    "conv without bias": Case("Conv", ["conv"], {"w": CONV["w"]}),
    "conv strides pads": Case(
        "Conv", ["conv"], CONV, {"strides": [2, 1], "pads": [0, 1, 2, 0], "kernel_shape": [3, 3]}
    ),
    "conv dilations": Case("Conv", ["conv"], CONV, {"dilations": [2, 2], "pads": [2, 2, 2, 2]}),
    "conv same upper": Case("Conv", ["conv"], CONV, {"auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    "conv same lower": Case("Conv", ["conv"], CONV, {"auto_pad": "SAME_LOWER", "strides": [2, 2]}),
    "conv valid": Case("Conv", ["conv"], CONV, {"auto_pad": "VALID"}),
    "conv grouped": Case("Conv", ["conv"], {"w": random(6, 2, 3, 3), "b": random(6)}, {"group": 2}),
    "conv depthwise": Case("Conv", ["conv"], {"w": random(8, 1, 3, 2)}, {"group": 4, "pads": [1, 0, 1, 1]}),
    "batch norm": Case("BatchNormalization", ["batch_norm"], NORM, {"epsilon": 1e-3}),
    "batch norm, opset 15": Case("BatchNormalization", ["batch_norm"], NORM, opset=15),
    "batch norm of features": Case(
        "BatchNormalization", ["batch_norm"], {name: np.abs(random(6)) + 1 for name in NORM}, inputs=FEATURES
    ),
    "relu": Case("Relu", ["relu"]),
    "relu of features": Case("Relu", ["relu"], inputs=FEATURES),
    "clip": Case("Clip", ["clip"], {"low": scalar(-0.5), "high": scalar(0.25)}),
    "clip high": Case("Clip", ["clip"], {"high": scalar(0.25)}, operands=["x", "", "high"]),
    "clip nothing": Case("Clip", []),
    "add": Case("Add", ["add"], inputs={"x": ("N", 4, 6, 5), "z": ("N", 4, 6, 5)}),
    "add to itself": Case("Add", ["add"], operands=["x", "x"]),
    "add number": Case("Add", ["add"], {"c": scalar(1.5)}),
    "add per channel": Case("Add", ["add"], {"c": random(4, 1, 1)}),
    "add per channel, constant first": Case("Add", ["add"], {"c": random(1, 4, 1, 1)}, operands=["c", "x"]),
    "add per feature": Case("Add", ["add"], {"c": random(6)}, inputs=FEATURES),
    "max pool": Case("MaxPool", ["max_pool"], {}, {"kernel_shape": [2, 2], "strides": [2, 2]}),
    "max pool ceil": Case(
        "MaxPool", ["max_pool"], {}, {"kernel_shape": [3, 2], "strides": [2, 2], "ceil_mode": 1, "pads": [1, 0, 0, 1]}
    ),
    "max pool ceil, last window behind the map": Case(
        "MaxPool", ["max_pool"], {}, {"kernel_shape": [1, 1], "strides": [4, 3], "ceil_mode": 1}
    ),
    "max pool dilations": Case("MaxPool", ["max_pool"], {}, {"kernel_shape": [2, 2], "dilations": [2, 2]}),
    "max pool same": Case(
        "MaxPool", ["max_pool"], {}, {"kernel_shape": [3, 3], "strides": [2, 2], "auto_pad": "SAME_UPPER"}
    ),
    "average pool": Case("AveragePool", ["average_pool"], {}, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
    "average pool with padding": Case(
        "AveragePool", ["average_pool"], {}, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}
    ),
    "average pool ceil": Case(
        "AveragePool", ["average_pool"], {}, {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}
    ),
    "global average pool": Case("GlobalAveragePool", ["global_average_pool"]),
    "reduce mean": Case("ReduceMean", ["global_average_pool"], {}, {"axes": [2, 3]}),
    "reduce mean, axes from behind": Case(
        "ReduceMean", ["global_average_pool", "reshape"], {}, {"axes": [-1, -2], "keepdims": 0}
    ),
    "reduce mean, opset 18": Case("ReduceMean", ["global_average_pool"], {"axes": integers(2, 3)}, opset=18),
    "gemm": Case("Gemm", ["gemm"], {"b": random(6, 3), "c": random(3)}, inputs=FEATURES),
    "gemm scaled": Case(
        "Gemm",
        ["gemm"],
        {"b": random(3, 6), "c": random(1, 3)},
        {"transB": 1, "alpha": 0.5, "beta": -2.0},
        inputs=FEATURES,
    ),
    "gemm with one number": Case("Gemm", ["gemm"], {"b": random(6, 3), "c": random(1)}, inputs=FEATURES),
    "gemm without bias": Case("Gemm", ["gemm"], {"b": random(6, 3)}, inputs=FEATURES),
    "matmul": Case("MatMul", ["gemm"], {"b": random(6, 3)}, inputs=FEATURES),
    "flatten": Case("Flatten", ["reshape"]),
    "flatten, axis from behind": Case("Flatten", ["reshape"], {}, {"axis": -3}),
    "reshape": Case("Reshape", ["reshape"], {"shape": integers(0, -1)}),
    "reshape to four": Case("Reshape", ["reshape"], {"shape": integers(-1, 2, 12, 5)}),
    "reshape to the same": Case("Reshape", [], {"shape": integers(-1, 4, 0, 5)}),
    "squeeze": Case("Squeeze", ["reshape"], {}, {"axes": [2, 3]}, {"x": ("N", 7, 1, 1)}, 11),
    "squeeze, opset 13": Case("Squeeze", ["reshape"], {"axes": integers(-1, -2)}, inputs={"x": ("N", 7, 1, 1)}),
    "unsqueeze": Case("Unsqueeze", ["reshape"], {}, {"axes": [1, 3]}, FEATURES, 11),
    "unsqueeze, opset 13": Case("Unsqueeze", ["reshape"], {"axes": integers(-1, 2)}, inputs=FEATURES),
    "transpose": Case("Transpose", ["transpose"], {}, {"perm": [0, 2, 3, 1]}),
    "transpose that is a view": Case("Transpose", ["reshape"], {}, {"perm": [0, 3, 1, 2]}, {"x": ("N", 7, 5, 1)}),
    "slice": Case(
        "Slice",
        ["slice"],
        {"starts": integers(1, -5), "ends": integers(9, 99), "axes": integers(2, -1), "steps": integers(2, 3)},
    ),
    "slice all axes": Case("Slice", ["slice"], {"starts": integers(0, 1, 0, 0), "ends": integers(9, 3, 2, -1)}),
    "slice of everything": Case("Slice", [], {"starts": integers(0), "ends": integers(2**62), "axes": integers(0)}),
    "pad": Case("Pad", ["pad"], {"pads": integers(0, 1, 0, 2, 0, 0, 3, 1), "value": scalar(0)}),
    "pad, axes": Case(
        "Pad", ["pad"], {"pads": integers(1, 2), "axes": integers(-1)}, opset=18, operands=["x", "pads", "", "axes"]
    ),
    "pad nothing": Case("Pad", [], {"pads": integers(*[0] * 8)}),
    "concat": Case("Concat", ["concat"], {}, {"axis": 1}, {"x": ("N", 4, 3, 2), "z": ("N", 1, 3, 2)}),
    "concat, axis from behind": Case(
        "Concat", ["concat"], {}, {"axis": -1}, {"x": ("N", 4, 3, 2), "z": ("N", 4, 3, 1)}
    ),
    "sigmoid": Case("Sigmoid", ["function"]),
    "sigmoid of features": Case("Sigmoid", ["function"], inputs=FEATURES),
    "hard sigmoid": Case("HardSigmoid", ["function"]),
    "hard sigmoid with parameters": Case("HardSigmoid", ["function"], {}, {"alpha": 0.3, "beta": 0.4}),
    "hard swish": Case("HardSwish", ["function", "mul"], opset=14),
    "swish": Case("Swish", ["function", "mul"], opset=24),
    "swish with alpha": Case("Swish", ["mul", "function", "mul"], {}, {"alpha": 1.5}, opset=24),
    "mish": Case("Mish", ["function", "function", "mul"], opset=18),
    "tanh": Case("Tanh", ["function"]),
    "gelu": Case("Gelu", ["mul", "function", "mul", "add", "mul"], opset=20),
    "gelu by tanh": Case(
        "Gelu",
        ["mul", "mul", "mul", "add", "mul", "function", "mul", "add", "mul"],
        {},
        {"approximate": "tanh"},
        opset=20,
    ),
    "leaky relu": Case("LeakyRelu", ["function"], {}, {"alpha": 0.2}),
    "prelu": Case("PRelu", ["prelu"], {"slope": random(4, 1, 1)}),
    "prelu with one slope": Case("PRelu", ["prelu"], {"slope": random(1)}),
    "elu": Case("Elu", ["function"], {}, {"alpha": 0.7}),
    "selu": Case("Selu", ["function"]),
    "celu": Case("Celu", ["function"], {}, {"alpha": 1.5}),
    "softplus": Case("Softplus", ["function"]),
    "softsign": Case("Softsign", ["function"]),
    "thresholded relu": Case("ThresholdedRelu", ["function"], {}, {"alpha": 0.25}),
    "erf": Case("Erf", ["function"]),
    "exp": Case("Exp", ["function"]),
    "abs": Case("Abs", ["function"]),
    "neg": Case("Neg", ["function"]),
    "sqrt": Case("Sqrt", ["function"]),
    "pow": Case("Pow", ["function"], {"exponent": scalar(3)}),
    "softmax": Case(
        "Softmax",
        [
            *("reshape", "max_pool", "concat", "concat", "reshape", "sub", "function"),
            *("reshape", "average_pool", "reshape", "function", "mul", "mul"),
        ],
        inputs=FEATURES,
    ),
    "mul": Case("Mul", ["mul"], inputs={"x": ("N", 4, 6, 5), "z": ("N", 4, 6, 5)}),
    "mul of a gate": Case("Mul", ["mul"], inputs={"x": ("N", 4, 6, 5), "z": ("N", 4, 1, 1)}),
    "mul of a gate, gate first": Case("Mul", ["mul"], inputs={"x": ("N", 4, 1, 1), "z": ("N", 4, 6, 5)}),
    "mul of a map of positions": Case("Mul", ["mul"], inputs={"x": ("N", 4, 6, 5), "z": ("N", 1, 6, 5)}),
    "mul by itself": Case("Mul", ["mul"], operands=["x", "x"]),
    "mul number": Case("Mul", ["mul"], {"c": scalar(1.5)}),
    "mul per channel": Case("Mul", ["mul"], {"c": random(4, 1, 1)}),
    "mul per channel, constant first": Case("Mul", ["mul"], {"c": random(1, 4, 1, 1)}, operands=["c", "x"]),
    "sub": Case("Sub", ["sub"], inputs={"x": ("N", 4, 6, 5), "z": ("N", 4, 6, 5)}),
    "sub number": Case("Sub", ["add"], {"c": scalar(1.5)}),
    "sub from a number per channel": Case("Sub", ["function", "add"], {"c": random(4, 1, 1)}, operands=["c", "x"]),
    "div": Case("Div", ["function", "mul"], inputs={"x": ("N", 4, 6, 5), "z": ("N", 4, 6, 5)}),
    "div of a constant": Case("Div", ["function", "mul"], {"c": random(4, 1, 1)}, operands=["c", "x"]),
    "div by a number": Case("Div", ["mul"], {"c": scalar(1.5)}),
    "div per channel": Case("Div", ["mul"], {"c": np.abs(random(4, 1, 1)) + 0.5}),
    "identity": Case("Identity", []),
    "dropout": Case("Dropout", [], {"ratio": scalar(0.5)}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_operator_computes_what_onnxruntime_does(case: Case, tmp_path: Path) -> None:
    imported = import_and_compare(save(case.proto(), tmp_path))
    assert op_names(imported) == case.becomes


def test_every_converter_is_tried() -> None:
    # those of product quantization are tried in test_product_quantization.py, those of grids in test_quantized.py
    tried = {case.kind for cases in (CASES, MOVES, DIMENSIONS) for case in cases.values()}
    tried |= {"QuantizeLinear", "DequantizeLinear"}
    assert tried == {name for name in CONVERTERS if not name.startswith(DOMAIN)}


def test_listing_says_what_each_operator_demands() -> None:
    listed = dict(supported_operators())
    assert set(listed) == {*CONVERTERS, "Constant", "Shape"}
    assert all(text.endswith(".") and len(text) > 10 for text in listed.values())


def test_matmul_and_add_are_one_gemm(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], ["m"], name="fc"), node("Add", ["bias", "m"], name="fc_bias")]
    proto = model(nodes, {"w": random(6, 3), "bias": random(3)}, FEATURES)
    imported = import_and_compare(save(proto, tmp_path))
    assert op_names(imported) == ["gemm"]
    assert 'blob.constant <"bias"' in str(imported.module)
    assert 'blob.constant <"fc.bias"' not in str(imported.module)


def test_gemm_with_bias_and_add_are_one_gemm(tmp_path: Path) -> None:
    nodes = [node("Gemm", ["x", "w", "c"], ["m"]), node("Add", ["m", "more"])]
    proto = model(nodes, {"w": random(6, 3), "c": random(3), "more": random(1, 3)}, FEATURES)
    assert op_names(import_and_compare(save(proto, tmp_path))) == ["gemm"]


def test_matmul_that_is_read_twice_keeps_its_add(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["m"]),
        node("Add", ["m", "c"], ["a"]),
        node("Relu", ["m"], ["r"]),
        node("Add", ["a", "r"], name="last"),
    ]
    proto = model(nodes, {"w": random(6, 3), "c": random(3)}, FEATURES)
    assert op_names(import_and_compare(save(proto, tmp_path))) == ["gemm", "add", "relu", "add"]


def test_matmul_that_is_read_twice_through_a_copy_stays_right(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["m"]),
        node("Identity", ["m"], ["copy"]),
        node("Add", ["copy", "c"], ["a"]),
        node("Add", ["a", "m"], name="last"),
    ]
    proto = model(nodes, {"w": random(6, 3), "c": random(3)}, FEATURES)
    import_and_compare(save(proto, tmp_path))


def test_chain_of_views_is_one_reshape(tmp_path: Path) -> None:
    nodes = [
        node("Unsqueeze", ["x", "one"], ["a"]),
        node("Squeeze", ["a", "one"], ["b"]),
        node("Reshape", ["b", "shape"], ["c"]),
        node("Flatten", ["c"], ["y"], name="flat"),
    ]
    proto = model(nodes, {"one": integers(1), "shape": integers(0, 4, 30)})
    imported = import_and_compare(save(proto, tmp_path))
    assert op_names(imported) == ["reshape"]
    assert [node_name(op) for op in float_ops(imported)] == ["flat"]
