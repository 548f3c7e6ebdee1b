"""Fitted layers: they execute as what they replace, better than the plain table, with their error on record."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.levels import Levels, compile_network
from support.network import Network, residual_network
from xdsl.dialects.builtin import FloatAttr, ModuleOp
from xdsl.rewriter import InsertPoint, Rewriter

from pqc.codebook.metrics import normalized_error
from pqc.codebook.table import plain_table, quantize_table
from pqc.dialects.blob import ConstantOp, constant_of
from pqc.dialects.location import node_name
from pqc.dialects.onnx import ConvOp
from pqc.dialects.pq import ConvolutionOp
from pqc.dialects.registry import make_context
from pqc.passes import frames_at_once
from pqc.passes.attributes import CONFIG, ERROR, GRID
from pqc.passes.fit_prototypes import FitPrototypesPass
from pqc.passes.fitter import PARTS
from pqc.passes.options import PqOptions
from pqc.passes.pipeline import PHASE, pipeline_names
from pqc.passes.progress import LISTENER

OPTIONS = PqOptions(prototypes=4)


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Levels:
    return compile_network(residual_network(), tmp_path_factory.mktemp("fit"), options=OPTIONS)


def behind(levels: Levels, name: str) -> ModuleOp:
    """What the pass of that name leaves behind."""
    number = pipeline_names().index(name) + 1
    return levels.modules(range(number, number + 1))[0]


def fitted(module: ModuleOp) -> ConvolutionOp:
    (layer,) = [op for op in module.walk() if isinstance(op, ConvolutionOp)]
    return layer


def error_of(levels: Levels, module: ModuleOp) -> float:
    """Of the network's output, against the float network's."""
    wanted = levels.expected()["output0"]
    return normalized_error(levels.outputs(module, levels.frames)["output0"], wanted)


def test_the_layer_keeps_its_place_and_its_epilogue(levels: Levels) -> None:
    before, layer = behind(levels, "choose-bitwidths"), fitted(behind(levels, "fit-prototypes"))
    (replaced,) = [op for op in before.walk() if isinstance(op, ConvOp) and CONFIG in op.attributes]
    assert node_name(layer) == node_name(replaced) == "conv2"
    assert layer.attributes[GRID] == replaced.attributes[GRID]
    assert layer.residual is not None
    assert layer.low is not None
    assert layer.low.value.data == 0.0
    assert layer.high is None
    assert layer.window.data == replaced.window


def test_the_codebook_lies_on_the_grid_of_the_input(levels: Levels) -> None:
    layer = fitted(behind(levels, "fit-prototypes"))
    codebook = constant_of(layer.codebook)
    assert codebook is not None
    assert codebook.shape == (4, 4, 9)
    assert codebook.dtype == np.uint8
    assert layer.shift.value.data == 0


def test_the_error_is_on_record_down_to_the_program(levels: Levels) -> None:
    error = fitted(behind(levels, "fit-prototypes")).attributes[ERROR]
    assert isinstance(error, FloatAttr)
    assert 0 < error.value.data < 0.5
    (layer,) = [layer for layer in levels.program.provenance["layers"] if layer["pq"]]
    assert layer["normalized_error"] == error.value.data
    (numerics,) = levels.program.provenance["numerics"]
    assert set(numerics) == {"node", "normalized_error", "saturated", "accumulator_margin_bits", *PARTS}
    assert numerics["normalized_error"] == error.value.data
    assert 0 < numerics["accumulator_margin_bits"] < 15
    assert numerics["prototypes"] > numerics["table_bits"] > 0


def test_the_fitted_table_is_better_than_the_plain_one(levels: Levels) -> None:
    before, module = behind(levels, "choose-bitwidths"), behind(levels, "fit-prototypes")
    learned = error_of(levels, module)
    (replaced,) = [op for op in before.walk() if isinstance(op, ConvOp) and CONFIG in op.attributes]
    layer = fitted(module)
    weight, codebook, bias = constant_of(replaced.weight), constant_of(layer.codebook), constant_of(replaced.bias)
    assert weight is not None
    assert codebook is not None
    assert bias is not None
    real = codebook.astype(np.float32) * layer.grid.scale.data
    assert layer.step is not None
    plain = quantize_table(plain_table(weight.reshape(len(weight), -1), real), bias, 8, 16)
    integers = ((layer.table, plain.table), (layer.bias, plain.bias), (layer.step, plain.scale.astype(np.float32)))
    for value, array in integers:
        constant = ConstantOp("plain", array)
        Rewriter.insert_op(constant, InsertPoint.before(layer))
        value.replace_all_uses_with(constant.result)
    assert learned < error_of(levels, module)


def test_more_prototypes_are_better(levels: Levels, tmp_path: Path) -> None:
    finer = compile_network(residual_network(), tmp_path, options=PqOptions(prototypes=64))
    assert error_of(finer, behind(finer, "fit-prototypes")) < error_of(levels, behind(levels, "fit-prototypes"))


def test_inputs_of_more_bits_than_a_prototype_are_shifted(tmp_path: Path) -> None:
    options = PqOptions(prototypes=4, prototype_bits=4, activation_bits=8)
    layer = fitted(behind(compile_network(residual_network(), tmp_path, options=options), "fit-prototypes"))
    codebook = constant_of(layer.codebook)
    assert codebook is not None
    assert layer.shift.value.data == 4
    assert codebook.max() <= 15


def test_more_frames_than_are_executed_together(tmp_path: Path) -> None:
    network = residual_network()
    levels = compile_network(network, tmp_path, options=OPTIONS, frames=100)
    assert error_of(levels, behind(levels, "fit-prototypes")) < 0.5


def test_how_many_frames_are_executed_together_does_not_matter(levels: Levels, monkeypatch: pytest.MonkeyPatch) -> None:
    module = behind(levels, "choose-bitwidths")
    # three frames of the largest tensor
    monkeypatch.setattr(frames_at_once, "ELEMENTS_AT_ONCE", 3 * 4 * 6 * 6)
    FitPrototypesPass().apply(make_context(), module)
    expected = behind(levels, "fit-prototypes")
    module.attributes[PHASE] = expected.attributes[PHASE]
    assert module.is_structurally_equivalent(expected)


def test_nothing_chosen_is_nothing_changed(tmp_path: Path) -> None:
    network = Network(0)
    network.take((4,))
    network.give(network.add("Relu", ["input0"], (4,)))
    levels = compile_network(network, tmp_path)
    assert "07-fit-prototypes.mlir" not in [path.name for path in levels.dumps]


def test_progress_is_told_layer_by_layer(levels: Levels) -> None:
    heard: list[tuple[str, int, int]] = []
    token = LISTENER.set(lambda what, done, total: heard.append((what, done, total)))
    try:
        FitPrototypesPass().apply(make_context(), behind(levels, "choose-bitwidths"))
    finally:
        LISTENER.reset(token)
    fitted = [("fitting conv2", 0, 2), ("fitting gemm7", 1, 2), ("fitting", 2, 2)]
    assert heard == [("weighing positions", 0, 2), *fitted]
