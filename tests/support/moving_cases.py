"""Cases of operators that move elements, and of operators on activations of other than 2 or 4 dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product

import numpy as np
from support.onnx_models import FloatShape
from support.operator_cases import FEATURES, Case, integers, random, scalar

from pqc.numerics.arrays import AnyArray

SEQUENCE: Mapping[str, FloatShape] = {"x": ("N", 4, 6)}
VOLUME: Mapping[str, FloatShape] = {"x": ("N", 2, 4, 5, 6)}


def floats(*values: float) -> AnyArray:
    return np.array(values, np.float32)


PLACED = {
    "slice backwards": Case(
        "Slice",
        ["slice", "slice", "concat"],
        {"s": integers(-1), "e": integers(-3), "a": integers(1), "t": integers(-1)},
    ),
    "split": Case("Split", ["slice", "slice"], {}, {"axis": 1}, outputs=["y", "z"]),
    "split, sizes": Case("Split", ["slice"] * 3, {"sizes": integers(1, 3, 2)}, {"axis": 2}, outputs=["y", "z", "w"]),
    "split, sizes of opset 11": Case(
        "Split", ["slice"] * 2, {}, {"axis": -1, "split": [2, 3]}, opset=11, outputs=["y", "z"]
    ),
    "split, last one smaller": Case(
        "Split", ["slice"] * 2, {}, {"axis": 3, "num_outputs": 2}, opset=18, outputs=["y", "z"]
    ),
    "gather": Case("Gather", ["slice", "slice", "concat"], {"i": integers(3, 1, 2)}, {"axis": 1}),
    "gather one": Case("Gather", ["slice", "reshape"], {"i": np.array(-1, np.int64)}, {"axis": 2}),
    "gather a matrix": Case(
        "Gather", ["slice"] * 3 + ["concat", "reshape"], {"i": np.array([[0, 2], [1, 1]], np.int64)}, {"axis": 3}
    ),
    "gather every second": Case("Gather", ["slice"], {"i": integers(0, 2, 4)}, {"axis": 2}),
    "gather of features": Case("Gather", ["slice", "slice", "concat"], {"i": integers(5, 0)}, {"axis": 1}, FEATURES),
    "depth to space": Case(
        "DepthToSpace",
        ["reshape", "transpose", "reshape", "transpose", "reshape"],
        {},
        {"blocksize": 2},
        {"x": ("N", 8, 2, 3)},
    ),
    "depth to space, channels first": Case(
        "DepthToSpace", [], {}, {"blocksize": 2, "mode": "CRD"}, {"x": ("N", 8, 2, 3)}
    ),
    "space to depth": Case("SpaceToDepth", [], {}, {"blocksize": 2}, {"x": ("N", 3, 4, 6)}),
    "expand": Case("Expand", [], {"s": integers(1, 4, 3, 5)}, inputs={"x": ("N", 4, 1, 5)}),
    "expand, from the right": Case("Expand", [], {"s": integers(7, 9)}, inputs={"x": ("N", 4, 1, 1)}),
    "expand to the same": Case("Expand", [], {"s": integers(1)}),
    "tile": Case("Tile", [], {"r": integers(1, 2, 1, 3)}),
    "tile features": Case("Tile", [], {"r": integers(1, 11)}, inputs=FEATURES),
    "pad edge": Case("Pad", [], {"p": integers(0, 0, 1, 2, 0, 1, 0, 1)}, {"mode": "edge"}),
    "pad reflect": Case("Pad", [], {"p": integers(0, 0, 3, 2, 0, 1, 4, 1)}, {"mode": "reflect"}),
    "pad wrap": Case("Pad", [], {"p": integers(0, 0, 1, 2, 0, 1, 0, 1)}, {"mode": "wrap"}, opset=19),
    "pad by less than nothing": Case("Pad", ["slice", "pad"], {"p": integers(0, -1, 2, 0, 0, 0, -3, 0)}),
}

RESIZED = {
    f"resize, {coordinates}, {rounding}, {scale}": Case(
        "Resize",
        [],
        {"s": floats(1, 1, scale, 3)},
        {"coordinate_transformation_mode": coordinates, "nearest_mode": rounding},
        operands=["x", "", "s"],
    )
    for coordinates, rounding, scale in product(
        ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"),
        ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"),
        (0.5, 2.0),
    )
}
SCALED = {
    "resize by whole factors": Case(
        "Resize",
        ["reshape", "concat", "reshape", "concat", "reshape"],
        {"s": floats(1, 1, 2, 2)},
        operands=["x", "", "s"],
    ),
    "resize to sizes": Case(
        "Resize", [], {"s": integers(3, 4, 9, 7)}, {}, {"x": (3, 4, 6, 5)}, operands=["x", "", "", "s"]
    ),
    "resize to sizes, axes": Case(
        "Resize",
        [],
        {"s": integers(9, 7)},
        {"axes": [2, 3], "keep_aspect_ratio_policy": "not_larger"},
        opset=18,
        operands=["x", "", "", "s"],
    ),
    "resize to the same": Case("Resize", [], {"s": floats(1, 1, 1, 1)}, {"mode": "linear"}, operands=["x", "", "s"]),
}

MOVES = PLACED | RESIZED | SCALED

DIMENSIONS = {
    "conv of a sequence": Case(
        "Conv",
        ["reshape", "conv", "reshape"],
        {"w": random(3, 4, 3), "b": random(3)},
        {"pads": [1, 0], "strides": [2]},
        SEQUENCE,
    ),
    "conv of a sequence, same": Case(
        "Conv", ["reshape", "conv", "reshape"], {"w": random(4, 1, 3)}, {"auto_pad": "SAME_UPPER", "group": 4}, SEQUENCE
    ),
    "batch norm of a sequence": Case(
        "BatchNormalization", [], {name: np.abs(random(4)) + 1 for name in ("s", "b", "m", "v")}, inputs=SEQUENCE
    ),
    "relu of a volume": Case("Relu", ["reshape", "relu", "reshape"], inputs=VOLUME),
    "clip of a sequence": Case("Clip", [], {"low": scalar(-0.5)}, inputs=SEQUENCE),
    "max pool of a sequence": Case(
        "MaxPool", [], {}, {"kernel_shape": [3], "strides": [2], "ceil_mode": 1, "pads": [1, 0]}, SEQUENCE
    ),
    "max pool of a volume": Case(
        "MaxPool",
        ["reshape", "max_pool", "reshape", "max_pool", "reshape"],
        {},
        {"kernel_shape": [2, 3, 2], "pads": [1, 1, 0, 0, 1, 1], "strides": [2, 1, 2]},
        VOLUME,
    ),
    "average pool of a sequence": Case(
        "AveragePool", [], {}, {"kernel_shape": [2], "strides": [2], "pads": [1, 1], "count_include_pad": 1}, SEQUENCE
    ),
    "average pool of a volume": Case(
        "AveragePool", [], {}, {"kernel_shape": [2, 3, 2], "pads": [1, 1, 0, 0, 1, 1]}, VOLUME
    ),
    "average pool, padding and ceil": Case(
        "AveragePool",
        ["pad", "average_pool"],
        {},
        {"kernel_shape": [3, 3], "strides": [2, 3], "pads": [1, 1, 1, 1], "ceil_mode": 1, "count_include_pad": 1},
        {"x": ("N", 2, 6, 6)},
        opset=19,
    ),
    "average pool, dilated": Case(
        "AveragePool", ["average_pool"], {}, {"kernel_shape": [2, 2], "dilations": [2, 3]}, opset=19
    ),
    "average pool, same": Case(
        "AveragePool", ["average_pool"], {}, {"kernel_shape": [3, 2], "strides": [2, 2], "auto_pad": "SAME_LOWER"}
    ),
    "global average pool of a volume": Case("GlobalAveragePool", [], inputs=VOLUME),
    "global max pool": Case("GlobalMaxPool", ["max_pool"]),
    "global max pool of a sequence": Case("GlobalMaxPool", [], inputs=SEQUENCE),
    "reduce mean of channels": Case(
        "ReduceMean", ["reshape", "average_pool", "reshape"], {}, {"axes": [1], "keepdims": 0}
    ),
    "reduce mean of rows": Case("ReduceMean", ["average_pool"], {}, {"axes": [2]}),
    "reduce mean of channels and columns": Case("ReduceMean", [], {}, {"axes": [1, 3], "keepdims": 0}),
    "reduce mean of a sequence": Case("ReduceMean", [], {}, {"axes": [-1]}, SEQUENCE),
    "reduce max": Case("ReduceMax", [], {}, {"axes": [2, 3], "keepdims": 0}),
    "reduce max, opset 18": Case("ReduceMax", [], {"axes": integers(1)}, inputs=SEQUENCE, opset=18),
    "reduce nothing": Case("ReduceMax", [], {}, {"noop_with_empty_axes": 1}, opset=18),
    "matmul by position": Case(
        "MatMul", ["reshape", "transpose", "conv", "transpose", "reshape"], {"w": random(6, 5)}, inputs=SEQUENCE
    ),
    "matmul by position of a map": Case("MatMul", [], {"w": random(1, 1, 5, 3)}),
    "matmul with a vector": Case("MatMul", [], {"w": random(6)}, inputs=SEQUENCE),
    "matmul from the left": Case(
        "MatMul", ["reshape", "conv", "reshape"], {"w": random(5, 4)}, inputs=SEQUENCE, operands=["w", "x"]
    ),
    "matmul of features with a stack": Case("MatMul", [], {"w": random(6, 2)}, inputs={"x": ("N", 1, 6)}),
    "transpose of a sequence": Case(
        "Transpose", ["reshape", "transpose", "reshape"], {}, {"perm": [0, 2, 1]}, SEQUENCE
    ),
    "transpose of a volume": Case("Transpose", [], {}, {"perm": [0, 4, 2, 1, 3]}, VOLUME),
    "concat of sequences": Case("Concat", [], {}, {"axis": 2}, {"x": ("N", 4, 6), "z": ("N", 4, 3)}),
    "concat of volumes": Case("Concat", [], {}, {"axis": 3}, VOLUME, operands=["x", "x", "x"]),
    "slice of a sequence": Case(
        "Slice",
        ["reshape", "slice", "reshape"],
        {"s": integers(1, 1), "e": integers(3, 9), "a": integers(1, 2), "t": integers(1, 2)},
        inputs=SEQUENCE,
    ),
    "slice of a volume": Case(
        "Slice", [], {"s": integers(1, 2), "e": integers(4, 9), "a": integers(2, -1)}, inputs=VOLUME
    ),
    "pad of a sequence": Case("Pad", [], {"p": integers(0, 1, 2, 0, 0, 3)}, inputs=SEQUENCE),
    "reshape to three": Case("Reshape", ["reshape"], {"shape": integers(0, 4, -1)}),
    "unsqueeze to five": Case("Unsqueeze", ["reshape"], {"axes": integers(2)}),
    "add to a sequence": Case("Add", ["reshape", "add", "reshape"], {"c": random(4, 1)}, inputs=SEQUENCE),
    "add along the last": Case("Add", [], {"c": random(6)}, inputs=SEQUENCE),
    "add along the rows": Case("Add", [], {"c": random(6, 1)}),
    "add to every element": Case("Add", [], {"c": random(1, 4, 6, 5)}),
    "add to all but channels": Case("Add", [], {"c": random(6, 5)}),
    "add broadcast activations": Case("Add", [], inputs={"x": ("N", 4, 6, 5), "z": ("N", 4, 1, 1)}),
    "add activations broadcast to each other": Case("Add", [], inputs={"x": ("N", 1, 6, 5), "z": ("N", 4, 6, 1)}),
    "mul along the last dimension": Case("Mul", [], {"c": random(5)}),
    "mul of every element": Case("Mul", [], {"c": random(4, 6)}, inputs=SEQUENCE),
    "mul of activations of a sequence": Case("Mul", [], inputs={"x": ("N", 4, 5), "z": ("N", 4, 1)}),
    "mul of activations broadcast to each other": Case("Mul", [], inputs={"x": ("N", 1, 6, 5), "z": ("N", 4, 6, 1)}),
    "div along the last dimension": Case("Div", [], {"c": np.abs(random(5)) + 0.5}),
    "sub broadcast activations": Case("Sub", [], inputs={"x": ("N", 4, 6, 5), "z": ("N", 4, 1, 1)}),
    "sub from a constant along the rows": Case("Sub", [], {"c": random(6, 1)}, operands=["c", "x"]),
    "prelu along the last dimension": Case("PRelu", [], {"slope": random(5)}),
    "sigmoid of a volume": Case("Sigmoid", ["reshape", "function", "reshape"], inputs=VOLUME),
    "gelu of a sequence": Case("Gelu", [], inputs=SEQUENCE, opset=20),
    "pow of a sequence": Case("Pow", ["reshape", "function", "reshape"], {"exponent": scalar(2)}, inputs=SEQUENCE),
    "layer normalization": Case(
        "LayerNormalization", [], {"s": random(6), "b": random(6)}, {"epsilon": 0.01}, SEQUENCE, opset=17
    ),
    "layer normalization without bias, behind an axis": Case(
        "LayerNormalization", [], {"s": random(6, 5)}, {"axis": 2}, opset=17
    ),
    "instance normalization": Case("InstanceNormalization", [], {"s": random(4), "b": random(4)}, inputs=SEQUENCE),
    "group normalization": Case(
        "GroupNormalization", [], {"s": random(4), "b": random(4)}, {"num_groups": 2}, opset=21
    ),
    "softmax of a sequence": Case("Softmax", [], {}, {"axis": -1}, SEQUENCE),
    "softmax of channels": Case("Softmax", [], {}, {"axis": 1}),
    "softmax over all dimensions behind an axis": Case("Softmax", [], {}, {"axis": 2}, opset=11),
    "softmax of an old operator set": Case("Softmax", [], {}, {}, opset=11),
}
