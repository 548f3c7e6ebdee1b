"""Networks whose inputs and outputs have other than 2 or 4 dimensions, compiled and run from their bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from support.network import Network
from support.onnx_models import save

import pqc
from pqc.report.float_model import FloatModel


def sequence_network() -> Network:
    """A convolution over time, then a product by position as in transformers, with moves in between."""
    network = Network(3)
    network.take((6, 40))
    start = network.add("Conv", ["input0", network.weights(8, 6, 5), network.weights(8)], (8, 40), pads=[2, 2])
    body = network.add(
        "Conv", [start, network.weights(12, 8, 3), network.weights(12)], (12, 20), pads=[1, 1], strides=[2]
    )
    turned = network.add("Transpose", [network.add("Relu", [body], (12, 20))], (20, 12), perm=[0, 2, 1])
    wide = network.add("MatMul", [turned, network.weights(12, 24)], (20, 24))
    shifted = network.add("Relu", [network.add("Add", [wide, network.weights(24)], (20, 24))], (20, 24))
    network.give(network.add("MatMul", [shifted, network.weights(24, 12)], (20, 12)))
    network.give(network.add("ReduceMean", [shifted], (24,), axes=[1], keepdims=0))
    return network


def test_sequences_go_in_and_come_out(tmp_path: Path) -> None:
    network = sequence_network()
    path, frames = save(network.proto, tmp_path), network.data(64)
    expected = FloatModel(path).run(frames)
    program = pqc.compile(path, calibration=frames, exclude=("*",))
    assert [tensor.shape for tensor in (*program.contents.inputs, *program.contents.outputs)] == [
        (6, 40),
        (20, 12),
        (24,),
    ]
    path = tmp_path / "prog.bin"
    program.save(path)
    for name, found in pqc.load(path).run(frames).items():
        assert found.shape == expected[name].shape
        error = np.abs(found - expected[name]).max()
        assert error <= 0.03 * np.abs(expected[name]).max()


def test_products_by_position_can_be_product_quantized(tmp_path: Path) -> None:
    network = sequence_network()
    frames = network.data(64)
    program = pqc.compile(save(network.proto, tmp_path), calibration=frames, include=("matmul*",), length=4)
    encoded = {
        node
        for node, one in zip(program.contents.nodes, program.contents.instructions, strict=True)
        if one.mnemonic == "encode"
    }
    assert {name.partition(" ")[0].rstrip("0123456789") for name in encoded} >= {"conv", "matmul"}
    found = program.run(frames)["output0"]
    wanted = FloatModel(save(network.proto, tmp_path)).run(frames)["output0"]
    assert np.corrcoef(found.ravel(), wanted.ravel())[0, 1] > 0.7
