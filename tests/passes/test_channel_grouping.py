"""Networks cut by channels, down to the integers: every lookup adds up what its windows see, and learning pays."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.network import Network, residual_network
from support.networks import images
from support.networks import options as any_options
from support.onnx_models import save
from support.random_layers import conv
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from pqc.codebook.metrics import normalized_error
from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.dialects.registry import make_context
from pqc.frontend import import_model
from pqc.interpreter.reference import dequantize_outputs, quantize_inputs, run_reference
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.numerics.encode import nearest_prototype, onto_grid
from pqc.numerics.grouping import Cut, Grouping
from pqc.numerics.lookup import lookup
from pqc.numerics.window import Window
from pqc.passes.attributes import main_of, set_calibration, set_target
from pqc.passes.constants import constant_array
from pqc.passes.layer_facts import lookup_facts
from pqc.passes.options import PqOptions, configured_passes
from pqc.passes.pipeline import pipeline_names, run_pipeline
from pqc.passes.quantize import QuantizePass
from pqc.planning.target import load_target

FRAMES = 12
PASSES = pipeline_names().index(QuantizePass.name) + 1
BY_CHANNEL = PqOptions(prototypes=16, length=2, grouping="channel")


def imported(network: Network, folder: Path) -> tuple[ModuleOp, list[FloatArray]]:
    """The float network, and its frames."""
    model, data = import_model(save(network.proto, folder)), network.data(FRAMES)
    return model.module, [data[name] for name in model.input_names]


def quantized(network: Network, options: PqOptions) -> tuple[ModuleOp, list[FloatArray]]:
    """The network in integers, and the frames that it was calibrated on."""
    with TemporaryDirectory() as folder:
        module, frames = imported(network, Path(folder))
    set_target(module, load_target("pqa"))
    set_calibration(module, frames)
    run_pipeline(make_context(), module, configured_passes(options)[:PASSES])
    return module, frames


def lookups(module: ModuleOp) -> list[LookupOp]:
    return [op for op in module.walk() if isinstance(op, LookupOp)]


def executed(module: ModuleOp, frames: list[FloatArray]) -> dict[SSAValue, AnyArray]:
    """Every value of the network."""
    inputs = quantize_inputs(module, frames)
    values: dict[SSAValue, AnyArray] = dict(zip(main_of(module).body.block.args, inputs, strict=True))

    def keep(op: Operation, results: tuple[AnyArray, ...]) -> None:
        values.update(zip(op.results, results, strict=True))

    run_reference(module, inputs, keep)
    return values


def encoded_window_by_window(op: LookupOp, values: dict[SSAValue, AnyArray]) -> AnyArray:
    """The sums of a lookup as its definition has them, every window encoded anew: [frames, outputs, columns]."""
    encode = op.codes.owner
    assert isinstance(encode, EncodeOp)
    assert op.window is not None
    assert encode.window.data == Window((1, 1))
    codebook, window = constant_array(encode.codebook), op.window.data
    x = onto_grid(values[encode.x], encode.shift.value.data, encode.prototype_element)
    cut = Cut.of(Grouping.CHANNEL, x.shape[1], window, codebook.shape[2])
    codes = nearest_prototype(cut.subvectors(x, window), cut.for_taps(codebook), encode.distance)
    return lookup(codes, constant_array(op.table), constant_array(op.bias)[:, None], op.accumulator_bits)


@st.composite
def convolutions(draw: st.DrawFn) -> Network:
    """Two convolutions with any windows, neither of which reads an input."""
    network = Network(draw(st.integers(0, 3)))
    network.take(draw(images))
    name = network.add("Relu", ["input0"], network.inputs["input0"])
    for _ in range(2):
        name = conv(draw, network, name) or name
    network.give(name)
    return network


@settings(max_examples=25, deadline=None, derandomize=True)
@given(convolutions(), any_options(), st.integers(2, 4))
def test_lookups_add_up_what_windows_see(network: Network, options: PqOptions, prototypes: int) -> None:
    # few prototypes, because many taps make the refit of a layer large
    module, frames = quantized(network, replace(options, grouping="channel", prototypes=prototypes))
    values = executed(module, frames)
    for op in lookups(module):
        if op.window is not None:
            found = values[op.accumulator]
            np.testing.assert_array_equal(found.reshape(*found.shape[:2], -1), encoded_window_by_window(op, values))


def error_of(options: PqOptions) -> float:
    """Of the integer network's results, against the float network's."""
    network = residual_network()
    module, frames = quantized(network, options)
    (found,) = dequantize_outputs(module, run_reference(module, quantize_inputs(module, frames)))
    with TemporaryDirectory() as folder:
        float_module, _ = imported(network, Path(folder))
    return normalized_error(found, run_reference(float_module, frames)[0])


def test_more_prototypes_and_shorter_subvectors_are_better() -> None:
    coarse, fine = (error_of(PqOptions(prototypes=count, length=4, grouping="channel")) for count in (2, 64))
    assert error_of(BY_CHANNEL) < coarse
    assert fine < coarse
    assert fine < 0.3


def test_the_facts_of_a_layer_count_lookups_and_encoded_pixels() -> None:
    module, _ = quantized(residual_network(), BY_CHANNEL)
    (op,) = lookups(module)
    facts = lookup_facts(op)
    wanted = {
        "grouping": "channel", "groups": 2, "taps": 9, "subspaces": 18, "length": 2, "prototypes": 16,
        "columns": 36, "encode_columns": 36, "kernel": [3, 3], "channels": 4, "height": 6, "width": 6,
    }  # fmt: skip
    assert {name: facts[name] for name in wanted} == wanted
    assert 0 < facts["normalized_error"] < 0.5


def test_the_facts_of_a_layer_cut_by_window() -> None:
    module, _ = quantized(residual_network(), PqOptions(prototypes=4))
    facts = lookup_facts(lookups(module)[0])
    wanted = {"grouping": "window", "groups": 4, "taps": 1, "subspaces": 4, "columns": 36, "encode_columns": 36}
    assert {name: facts[name] for name in wanted} == wanted


@pytest.mark.parametrize("stride", [1, 2])
def test_a_kernel_of_one_tap_is_the_same_in_both_groupings(stride: int) -> None:
    network = Network(0)
    network.take((5, 4, 4))
    stem = network.add("Conv", ["input0", network.weights(5, 5, 1, 1), network.weights(5)], (5, 4, 4))
    size = 4 // stride
    operands = [stem, network.weights(3, 5, 1, 1), network.weights(3)]
    network.give(network.add("Conv", operands, (3, size, size), strides=[stride, stride]))
    by_channel, by_window = (
        quantized(network, PqOptions(prototypes=4, length=2, grouping=grouping))[0] for grouping in Grouping
    )
    assert by_channel.is_structurally_equivalent(by_window)
    assert [op.window for op in lookups(by_channel)] == [None]
