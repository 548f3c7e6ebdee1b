"""Nodes that cannot be imported, of operators that can in another form, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from support.onnx_models import IMAGE, FloatShape

from pqc.numerics.arrays import AnyArray

FEATURES: Mapping[str, FloatShape] = {"x": ("N", 6)}
Constants = Mapping[str, AnyArray]


def integers(*values: int) -> AnyArray:
    return np.array(values, np.int64)


def floats(*values: float) -> AnyArray:
    return np.array(values, np.float32)


def ones(*shape: int) -> AnyArray:
    return np.ones(shape, np.float32)


CONV = ones(2, 4, 3, 3)
NORM = {name: ones(4) for name in ("scale", "bias", "mean", "variance")}

# Type, constants, attributes, part of the reason, and where they differ from the usual: inputs, operands.
REFUSED: Sequence[tuple[str, Constants, dict[str, Any], str, Mapping[str, FloatShape], Sequence[str]]] = [
    ("Conv", {"w": ones(2, 4, 3)}, {}, "only windows of 1 or 2 dimensions", {"x": ("N", 4, 6, 5)}, ()),
    ("Conv", {"w": ones(2, 4, 3, 3, 3)}, {}, "only windows of 1 or 2 dimensions", {"x": ("N", 4, 6, 5, 5)}, ()),
    ("Conv", {"w": ones(2, 5, 3, 3)}, {}, "wants 5 channels, not 4", IMAGE, ()),
    ("Conv", {"w": CONV}, {"group": 3}, "group 3 does not divide", IMAGE, ()),
    ("Conv", {"w": CONV}, {"pads": [-1, 0, 0, 0]}, "pads at least 0", IMAGE, ()),
    ("Conv", {"w": CONV}, {"pads": [1, 0]}, "pads 4", IMAGE, ()),
    ("Conv", {"w": CONV}, {"kernel_shape": [2, 2]}, "kernel_shape is", IMAGE, ()),
    ("Conv", {"w": CONV}, {"auto_pad": "SOME"}, "auto_pad 'SOME'", IMAGE, ()),
    ("Conv", {"w": CONV}, {"dilations": [9, 9]}, "does not fit", IMAGE, ()),
    ("Conv", {"w": CONV}, {"pads": [3, 0, 0, 0]}, "pads [3, 0, 0, 0] put a whole window of 3x3 on ?x4x6x5", IMAGE, ()),
    ("Conv", {"w": CONV}, {"pads": [0, 0, 0, 3]}, "into the padding", IMAGE, ()),
    ("Conv", {"w": ones(2, 4, 1, 256)}, {}, "kernel size = 256, allowed are 0 to 255", {"x": ("N", 4, 1, 300)}, ()),
    ("Conv", {"w": CONV}, {"strides": [1, 256]}, "stride = 256, allowed are 0 to 255", IMAGE, ()),
    ("Conv", {"w": ones(2, 4, 2, 1)}, {"dilations": [256, 1]}, "dilation = 256, allow", {"x": ("N", 4, 300, 1)}, ()),
    (
        "Conv",
        {"w": ones(2, 4, 1, 3)},
        {"dilations": [1, 200], "pads": [0, 0, 0, 256]},
        "pad = 256, allowed are 0 to 255",
        {"x": ("N", 4, 1, 300)},
        (),
    ),
    ("Conv", {"w": ones(65536, 4, 1, 1)}, {}, "output channels = 65536, allowed are 0 to 65535", IMAGE, ()),
    ("Gemm", {"b": ones(6, 65536)}, {}, "output channels = 65536, allowed are 0 to 65535", FEATURES, ()),
    ("Add", {"c": ones(65536)}, {}, "output channels = 65536, allowed are 0 to 65535", {"x": ("N", 65536)}, ()),
    (
        "BatchNormalization",
        {name: ones(65536) for name in NORM},
        {},
        "output channels = 65536, allowed are 0 to 65535",
        {"x": ("N", 65536)},
        (),
    ),
    ("MaxPool", {}, {"kernel_shape": [1, 65536]}, "kernel size = 65536, allowed", {"x": ("N", 1, 1, 70000)}, ()),
    ("GlobalAveragePool", {}, {}, "kernel size = 65536, allowed are 0 to 65535", {"x": ("N", 1, 1, 65536)}, ()),
    ("AveragePool", {}, {"kernel_shape": [1, 1], "strides": [256, 1]}, "stride = 256, allowed", IMAGE, ()),
    ("MaxPool", {}, {"kernel_shape": [2, 1], "dilations": [256, 1]}, "dilation = 256", {"x": ("N", 1, 300, 1)}, ()),
    (
        "AveragePool",
        {},
        {"kernel_shape": [1, 300], "pads": [0, 256, 0, 0]},
        "pad = 256, allowed are 0 to 255",
        {"x": ("N", 1, 1, 300)},
        (),
    ),
    ("Conv", {"w": CONV.astype(np.float64)}, {}, "is float64", IMAGE, ()),
    ("Conv", {"w": CONV * np.float32(np.nan)}, {}, "NaN", IMAGE, ()),
    ("Conv", {"w": CONV}, {"strides": "two"}, "malformed: Mismatched attribute type", IMAGE, ()),
    ("Conv", {"w": CONV}, {"flavour": 1}, "malformed: Unrecognized attribute: flavour", IMAGE, ()),
    ("Conv", {}, {}, "malformed", IMAGE, ()),
    ("Conv", {"w": CONV, "b": ones(3)}, {}, "the bias must have one value", IMAGE, ()),
    ("Conv", {}, {}, "the weight (input 1) must be a constant", IMAGE, ["x", "x"]),
    ("BatchNormalization", {**NORM, "variance": -ones(4)}, {}, "variance must not be negative", IMAGE, ()),
    ("BatchNormalization", {**NORM, "mean": ones(3)}, {}, "the mean must have one value", IMAGE, ()),
    ("Clip", {"low": ones(), "high": -ones()}, {}, "min must not exceed max", IMAGE, ()),
    ("Clip", {"low": ones(2)}, {}, "one number", IMAGE, ()),
    ("Add", {"c": ones(3, 4, 6, 5)}, {}, "the same for all frames", IMAGE, ()),
    ("Add", {"c": ones(4, 4, 6, 5)}, {}, "the same for all frames", {"x": ("N", 6, 5)}, ()),
    (
        "Add",
        {"c": ones(300, 300)},
        {},
        "output channels = 90000, allowed are 0 to 65535",
        {"x": ("N", 1, 300, 300)},
        (),
    ),
    ("Add", {}, {}, "cannot be broadcast to one shape", {"x": ("N", 4, 6, 5), "z": ("N", 4, 2, 1)}, ()),
    ("MaxPool", {}, {"kernel_shape": [2]}, "only windows of 1 to 3 dimensions", IMAGE, ()),
    ("MaxPool", {}, {"kernel_shape": [2, 2], "pads": [2, 0, 0, 0]}, "must be smaller than the window", IMAGE, ()),
    ("MaxPool", {}, {"kernel_shape": [2, 2], "storage_order": 1}, "storage_order", IMAGE, ()),
    ("GlobalAveragePool", {}, {}, "the input must be [frames, channels, ...]", FEATURES, ()),
    ("ReduceMean", {}, {"axes": [0, 1]}, "axes [0, 1]", IMAGE, ()),
    ("ReduceMean", {}, {}, "axes []", IMAGE, ()),
    ("Gemm", {"b": ones(6, 2)}, {"transA": 1}, "transA must be 0", FEATURES, ()),
    ("Gemm", {"b": ones(5, 2)}, {}, "the weight must be [outputs, 6]", FEATURES, ()),
    ("Gemm", {"b": ones(6, 2), "c": ones(3, 2)}, {}, "C must be 2 values", FEATURES, ()),
    ("Gemm", {"b": ones(6)}, {}, "B must have 2 dimensions", FEATURES, ()),
    ("MatMul", {"b": ones(2, 6, 2)}, {}, "must have 2 dimensions, behind others of 1", FEATURES, ()),
    ("MatMul", {"b": ones(4, 2)}, {}, "has 5 features, the factor takes 4", IMAGE, ()),
    ("MatMul", {}, {}, "second factor (input 1) must be a constant", FEATURES, ["x", "x"]),
    ("MatMul", {"b": ones(2, 6)}, {}, "would mix frames", FEATURES, ["b", "x"]),
    ("MatMul", {"b": ones(2, 6)}, {}, "has 4 features, the factor takes 6", {"x": ("N", 4, 6)}, ["b", "x"]),
    ("Flatten", {}, {"axis": 2}, "axis is 2", IMAGE, ()),
    ("Reshape", {}, {}, "malformed: ", IMAGE, ["x", ""]),
    ("Reshape", {"shape": integers(5, -1)}, {}, "does not keep the first dimension", IMAGE, ()),
    ("Reshape", {"shape": integers(0, 7, -1)}, {}, "cannot become [0, 7, -1]", IMAGE, ()),
    ("Reshape", {"shape": integers(-1, -1)}, {}, "cannot become", IMAGE, ()),
    ("Reshape", {"shape": integers(0, *[1] * 8, -1)}, {}, "2 to 9 dimensions", IMAGE, ()),
    ("Squeeze", {}, {}, "without axes", {"x": ("N", 4, 1, 1)}, ()),
    ("Squeeze", {"axes": integers(0)}, {}, "only dimensions of 1", IMAGE, ()),
    ("Squeeze", {"axes": integers(7)}, {}, "axis 7 does not exist", IMAGE, ()),
    ("Unsqueeze", {"axes": integers(0)}, {}, "first dimension stays the frames", FEATURES, ()),
    ("Transpose", {}, {}, "keep the first dimension", IMAGE, ()),
    ("Slice", {"s": integers(0), "e": integers(0), "a": integers(1)}, {}, "nothing is left", IMAGE, ()),
    ("Slice", {"s": integers(1), "e": integers(9)}, {}, "a part of the first dimension", IMAGE, ()),
    (
        "Slice",
        {"s": integers(-1), "e": integers(-9), "a": integers(2), "t": integers(0)},
        {},
        "step 0 along axis 2",
        IMAGE,
        (),
    ),
    ("Slice", {"s": integers(1), "e": integers(1, 2)}, {}, "differ in length", IMAGE, ()),
    ("Pad", {"p": integers(*[1] * 8)}, {"mode": "mirror"}, "mode is 'mirror', allowed are", IMAGE, ()),
    ("Pad", {"p": integers(*[1] * 8)}, {}, "pads the first dimension", IMAGE, ()),
    ("Pad", {"p": integers(0, 0, 1, 1)}, {}, "pads must have 8 values", IMAGE, ()),
    ("Pad", {"p": integers(0, 0, -4, 0, 0, 0, -2, 0)}, {}, "leave nothing of ?x4x6x5", IMAGE, ()),
    ("Pad", {"p": integers(*[0] * 8), "v": ones()}, {}, "the padding value is 1.0", IMAGE, ()),
    ("Concat", {}, {"axis": 0}, "along the first dimension", IMAGE, ["x", "x"]),
    ("Concat", {"c": ones(1, 4, 6, 5)}, {"axis": 1}, "input 1 must be an activation", IMAGE, ()),
    ("Dropout", {"r": ones(), "t": np.array(1, np.bool_)}, {}, "training_mode must be false", IMAGE, ()),
    ("Concat", {}, {"axis": 1}, "differ in more than dimension 1", {"x": ("N", 4, 6), "z": ("N", 4, 5)}, ()),
    ("Transpose", {}, {"perm": [0, 7, 6, 5, 4, 3, 2, 1]}, "7 groups of dimensions", {"x": ("N", *[2] * 7)}, ()),
    ("Gather", {"i": floats(0)}, {"axis": 1}, "the indices (input 1) must be integers, they are float32", IMAGE, ()),
    ("Pad", {"p": integers(0, 0, 0, 2**60, 0, 0, 0, 0)}, {"mode": "edge"}, "larger than any frame", IMAGE, ()),
    ("Tile", {"r": integers(1, 1, 2**60, 1)}, {}, "at most 268435456 elements in a frame", IMAGE, ()),
    ("Expand", {"s": integers(1, 4, 2**60, 5)}, {}, "at most 268435456 elements", {"x": ("N", 4, 1, 5)}, ()),
    ("Resize", {"s": floats(1, 1, np.nan, 1)}, {}, "must be positive and finite", IMAGE, ["x", "", "s"]),
    ("Resize", {"s": floats(1, 1, 1e30, 1)}, {}, "larger than any frame", IMAGE, ["x", "", "s"]),
    ("Resize", {"s": integers(1, 4, 2**60, 5)}, {}, "larger than any frame", IMAGE, ["x", "", "", "s"]),
    ("Split", {}, {"axis": 0}, "splits the first dimension", IMAGE, ()),
    ("Split", {"s": integers(3)}, {"axis": 1}, "1 parts of [3] are not the 4 elements of axis 1", IMAGE, ()),
    ("Gather", {"i": integers(0)}, {}, "some of the first dimension", IMAGE, ()),
    ("Gather", {"i": integers(4)}, {"axis": 1}, "are not some of its 4 elements", IMAGE, ()),
    ("Gather", {"i": integers(*[0, 3] * 300)}, {"axis": 1}, "in 300 pieces; at most 256", IMAGE, ()),
    ("Expand", {"s": integers(5, 4, 6, 5)}, {}, "does not keep the frames", IMAGE, ()),
    ("Expand", {"s": integers(1, 8, 6, 5)}, {}, "cannot be expanded to [1, 8, 6, 5]", IMAGE, ()),
    ("Tile", {"r": integers(2, 1, 1, 1)}, {}, "must be 1 of the frames", IMAGE, ()),
    ("DepthToSpace", {}, {"blocksize": 3}, "4 channels are not a multiple of the 3x3", IMAGE, ()),
    ("DepthToSpace", {}, {"blocksize": 2, "mode": "RCD"}, "mode is 'RCD', allowed are", IMAGE, ()),
    ("SpaceToDepth", {}, {"blocksize": 2}, "6x5 is no multiple of blocks of 2x2", IMAGE, ()),
    ("SpaceToDepth", {}, {"blocksize": 0}, "blocksize is 0, allowed is at least 1", IMAGE, ()),
    (
        "Resize",
        {"s": floats(1, 1, 2, 2)},
        {"mode": "linear"},
        "mode is 'linear'; only 'nearest'",
        IMAGE,
        ["x", "", "s"],
    ),
    ("Resize", {"s": floats(2, 1, 1, 1)}, {}, "resizes the first dimension", IMAGE, ["x", "", "s"]),
    ("Resize", {"s": floats(1, 1, 2)}, {}, "a scale or a size for each of 4 axes", IMAGE, ["x", "", "s"]),
    ("Resize", {"s": integers(1, 4, 2)}, {}, "3 sizes for 4 axes", IMAGE, ["x", "", "", "s"]),
    ("Resize", {"s": floats(1, 1, 0.1, 1)}, {}, "nothing is left", IMAGE, ["x", "", "s"]),
    ("Resize", {"s": floats(1, 1, 2, 2)}, {"nearest_mode": "up"}, "nearest_mode is 'up'", IMAGE, ["x", "", "s"]),
    (
        "Resize",
        {"s": floats(1, 1, 2, 2)},
        {"coordinate_transformation_mode": "tf_crop_and_resize"},
        "coordinate_transformation_mode is 'tf_crop_and_resize', allowed are",
        IMAGE,
        ["x", "", "s"],
    ),
    ("LogSoftmax", {}, {}, "not supported; leave it out", IMAGE, ()),
    ("InstanceNormalization", {"s": floats(4), "b": floats(4)}, {}, "must be [frames, channels, ...]", FEATURES, ()),
    ("Softmax", {}, {"axis": 0}, "axis 0 of an input ?x4x6x5 is that of the frames", IMAGE, ()),
    ("Gelu", {}, {"domain": "com.example"}, "not supported", IMAGE, ()),
]
