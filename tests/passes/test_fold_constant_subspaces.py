"""Constant subspaces fold into the bias: the same bits with fewer subspaces, whatever the layer looks like."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from support.network import Network
from support.networks import networks
from support.networks import options as any_options
from support.onnx_models import save
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation

from pqc.compilation import CompileRequest, compile_quantized, quantize_model
from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.dialects.registry import make_context
from pqc.interpreter.machine import Machine
from pqc.interpreter.reference import quantize_inputs, run_reference
from pqc.isa.program import Program
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.passes.attributes import CALIBRATION, main_of
from pqc.passes.fold_constant_subspaces import FoldConstantSubspacesPass
from pqc.passes.intervals import Intervals
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target

FRAMES = 24


def dead_channels(dead: set[int], channels: int = 6, kernel: int = 3) -> Network:
    """A layer whose results in some channels are below zero whatever it reads, a ReLU, and a layer that reads them."""
    network = Network(0)
    network.take((2, 7, 5))
    weight, bias = network.random.normal(size=(channels, 2, 1, 1)) / 2, np.zeros(channels)
    weight[sorted(dead)], bias[sorted(dead)] = 0.01, -2
    operands = ["input0", network.constant(weight.astype("f4")), network.constant(bias.astype("f4"))]
    stem = network.add("Conv", operands, (channels, 7, 5))
    x = network.add("Relu", [stem], (channels, 7, 5))
    pads = [kernel // 2] * 4
    body = network.add(
        "Conv", [x, network.weights(5, channels, kernel, kernel), network.weights(5)], (5, 7, 5), pads=pads
    )
    network.give(network.add("Relu", [body], (5, 7, 5)))
    return network


def quantized(network: Network, options: PqOptions, target: str = "pqa") -> ModuleOp:
    with TemporaryDirectory() as folder:
        model = save(network.proto, Path(folder))
        return quantize_model(CompileRequest(model, load_target(target), options, network.data(FRAMES)))


def integers(network: Network, module: ModuleOp, count: int = 5) -> list[IntArray]:
    """Other frames than those that the network was fitted on."""
    data = network.data(count, seed=7)
    return quantize_inputs(module, [data[name] for name in network.inputs])


def encodes(module: ModuleOp) -> list[EncodeOp]:
    return [op for op in module.walk() if isinstance(op, EncodeOp)]


def folded(module: ModuleOp, fold: str = "proven") -> ModuleOp:
    copy = module.clone()
    FoldConstantSubspacesPass(fold=fold).apply(make_context(), copy)
    copy.verify()
    return copy


@dataclass(frozen=True)
class Case:
    """How a network with dead channels is cut, for which target, and what of it folds."""

    dead: set[int]
    options: PqOptions
    folds: tuple[int, ...]
    target: str = "pqa"


CASES = {
    "in the middle": Case({1, 4}, PqOptions(4, 9), (1, 4)),
    "at the end": Case({4, 5}, PqOptions(4, 9), (4, 5)),
    "at both ends": Case({0, 5}, PqOptions(4, 9), (0, 5)),
    "several subspaces a channel": Case({2}, PqOptions(4, 3), (6, 7, 8)),
    "only subspaces that see nothing else": Case({1, 2, 3}, PqOptions(4, 4), (3, 4, 5, 6, 7, 8)),
    "shared codebook": Case({1, 4}, PqOptions(4, 9, codebooks="shared"), (1, 4)),
    "l1": Case({1, 4}, PqOptions(4, 9, metric="l1"), (1, 4)),
    "channels": Case({2, 3}, PqOptions(4, 2, grouping="channel"), (1,)),
    "channels, shared": Case({2, 3, 5}, PqOptions(4, 1, grouping="channel", codebooks="shared"), (2, 3, 5)),
    "tiny": Case({1, 4}, PqOptions(16, 9), (1, 4), "tiny"),
    "tiny, short": Case({1, 3}, PqOptions(16, 3), (3, 4, 5, 9, 10, 11), "tiny"),
    "tiny, shared": Case({1, 3}, PqOptions(16, 3, codebooks="shared"), (3, 4, 5, 9, 10, 11), "tiny"),
    "tiny, channels": Case({1, 3}, PqOptions(16, 1, grouping="channel"), (1, 3), "tiny"),
    "batch": Case({1, 4}, PqOptions(4, 9, batch=3), (1, 4)),
}


@pytest.mark.parametrize("name", CASES)
def test_dead_channels_fold_and_every_bit_stays(name: str) -> None:
    case = CASES[name]
    network = dead_channels(case.dead)
    module = quantized(network, replace(case.options, fold="none"), case.target)
    inputs = integers(network, module)
    (expected,) = run_reference(module, inputs)
    less = folded(module)
    (encode,) = encodes(less)
    assert encode.folded_subspaces == case.folds
    np.testing.assert_array_equal(run_reference(less, inputs)[0], expected)
    program = compile_quantized(less, load_target(case.target)).program
    machine = Machine(Program.from_bytes(program.to_bytes(), name))
    given_inputs = dict(zip(network.inputs, inputs, strict=True))
    np.testing.assert_array_equal(machine.run(given_inputs)["output0"], expected)
    order = machine.random_order(np.random.default_rng(0))
    np.testing.assert_array_equal(machine.run(given_inputs, order)["output0"], expected)
    whole = compile_quantized(module, load_target(case.target)).program
    assert len(program.constants) < len(whole.constants)
    (layer,) = [layer for layer in program.provenance["layers"] if layer["pq"]]
    taps = 9 if case.options.grouping == "channel" else 1
    assert (layer["folded"], layer["folded_calibrated"]) == (len(case.folds) * taps, 0)
    assert folded(less).is_structurally_equivalent(less)


def test_what_is_folded_away_in_whole_lane_groups_saves_cycles() -> None:
    """Of 36 subspaces 18 are left: on 16 lanes two rounds instead of three."""
    network = dead_channels(set(range(0, 36, 2)), channels=36)
    module = quantized(network, PqOptions(4, 9, fold="none"))
    before, after = (compile_quantized(one, load_target("pqa")).report for one in (module, folded(module)))
    (layer,) = [layer for layer in after["layers"] if layer["pq"]]
    assert layer["folded"] == after["folding"]["folded"] == 18
    assert layer["folding_saves"]["calc"] == 35
    assert after["cycles"]["paper_model_pq"] < before["cycles"]["paper_model_pq"]
    saved = before["cycles"]["paper_model_pq"] - after["cycles"]["paper_model_pq"]
    assert saved == layer["folding_saves"]["cycles"]
    assert layer["folding_saves"]["bytes"] == 18 * (4 * 9 + 4 * 5)
    assert after["cycles"]["pq"] < before["cycles"]["pq"]
    assert before["folding"]["folded"] == 0


def test_the_last_subspace_stays() -> None:
    network = dead_channels({0, 1, 2}, channels=3)
    module = quantized(network, PqOptions(4, 9, fold="none"))
    less = folded(module)
    (encode,) = encodes(less)
    assert len(encode.folded_subspaces) == 2
    inputs = integers(network, module)
    np.testing.assert_array_equal(run_reference(less, inputs)[0], run_reference(module, inputs)[0])


def seldom_alive() -> Network:
    """Channel 1 is above zero only where both input channels are larger than at any one place of the frames."""
    network = Network(0)
    network.take((2, 7, 5))
    weight, bias = network.random.normal(size=(3, 2, 1, 1)), np.zeros(3)
    weight[1, :, 0, 0], bias[1] = 0.9, -4.6
    operands = ["input0", network.constant(weight.astype("f4")), network.constant(bias.astype("f4"))]
    stem = network.add("Conv", operands, (3, 7, 5))
    x = network.add("Relu", [stem], (3, 7, 5))
    operands = [x, network.weights(5, 3, 3, 3), network.weights(5)]
    network.give(network.add("Conv", operands, (5, 7, 5), pads=[1, 1, 1, 1]))
    return network


@pytest.mark.parametrize("grouping", ["window", "channel"])
def test_calibration_frames_may_be_trusted(grouping: str) -> None:
    """With a codebook of its own the subspace would have equal prototypes, and so be constant by proof."""
    options = PqOptions(4, 9 if grouping == "window" else 1, grouping=grouping, codebooks="shared")
    network = seldom_alive()
    module = quantized(network, replace(options, fold="calibrated"))
    assert CALIBRATION in module.attributes
    less = folded(module, "calibrated")
    assert CALIBRATION not in less.attributes
    (encode,) = encodes(less)
    assert encode.folded_subspaces == (1,)
    known = quantize_inputs(module, [network.data(FRAMES)["input0"]])
    np.testing.assert_array_equal(run_reference(less, known)[0], run_reference(module, known)[0])
    beyond = [np.full_like(known[0], np.iinfo(known[0].dtype).max)]
    assert (run_reference(less, beyond)[0] != run_reference(module, beyond)[0]).any()
    (unproven,) = encodes(folded(module))
    assert unproven.folded_subspaces == ()
    program = compile_quantized(module, load_target("pqa")).program
    (layer,) = [layer for layer in program.provenance["layers"] if layer["pq"]]
    assert layer["folded"] == layer["folded_calibrated"] == layer["subspaces"] // 2
    assert program.provenance["options"]["fold"] == "calibrated"
    assert Machine(program).run(dict(zip(network.inputs, known, strict=True)))["output0"].shape == (FRAMES, 5, 7, 5)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(networks(), any_options())
def test_no_value_leaves_its_bounds_and_no_code_is_missed(network: Network, options: PqOptions) -> None:
    module = quantized(network, replace(options, fold="none"))
    intervals = Intervals(main_of(module).body.block)

    def check(op: Operation, results: tuple[AnyArray, ...]) -> None:
        if isinstance(op, EncodeOp):
            for use in op.codes.uses:
                assert isinstance(use.operation, LookupOp)
                seen = intervals.codes_seen(use.operation)
                by_group = results[0].transpose(1, 0, 2, 3).reshape(len(seen), -1)
                assert np.take_along_axis(seen, by_group.astype(np.int64), axis=1).all()
        elif op.operands:
            low, high = intervals[op.results[0]]
            by_channel = results[0].astype(np.int64).swapaxes(0, 1).reshape(results[0].shape[1], -1)
            assert (low <= by_channel.min(axis=1)).all()
            assert (by_channel.max(axis=1) <= high).all()

    random = np.random.default_rng(0)
    block = main_of(module).body.block
    extreme = [
        random.choice([low.min(), high.max()], (4, *shape)).astype(array.dtype)
        for (low, high), shape, array in (
            (intervals[argument], array.shape[1:], array)
            for argument, array in zip(block.args, integers(network, module), strict=True)
        )
    ]
    for inputs in (integers(network, module), extreme):
        run_reference(module, inputs, check)
