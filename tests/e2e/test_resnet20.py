"""ResNet-20, from its ONNX files to the outputs of the machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import onnx
import onnx.helper
import pytest
from support.compiled import QUANTIZED, Compiled, compile_dumped, float_outputs, for_other_target
from xdsl.ir import Operation

from pqc.api import CompileRequest
from pqc.data import load_dataset
from pqc.dialects.location import node_name
from pqc.dialects.pq import EncodeOp, LookupOp
from pqc.frontend import import_model
from pqc.interpreter.debugger import Breakpoint, Debugger
from pqc.interpreter.reference import run_block
from pqc.interpreter.selftest import digest, self_test_inputs
from pqc.isa.instructions import Encode, Lookup
from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.passes.attributes import main_of
from pqc.passes.options import PqOptions
from pqc.passes.text import load_module
from pqc.planning.target import load_target
from pqc.report.html.document import Document
from pqc.report.html.recording import Recording
from pqc.report.report import build_report

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

VARIANTS = ("resnet20_bn", "resnet20_torch_dynamo_op20", "resnet20_torch_legacy_op13_bn")
TARGETS = ("pqa", "pqa-hbm-o64-s16", "tiny")
CALIBRATION_IMAGES = 96
LARGEST_DUMP = 300_000
LARGEST_PAGE = 5_000_000
THIRD_BLOCK = 4
"""The first convolution of the third residual block, among those that are product-quantized."""


@pytest.fixture(scope="session")
def data(shared: Path) -> Path:
    return shared / "data"


def images_for(model: Path, dataset: Path, count: int) -> tuple[FloatArray, IntArray]:
    """The first images as the network takes them, and their labels."""
    read = load_dataset(dataset, {"input": (3, 32, 32)}, count)
    assert read.labels is not None
    return read.prepare(import_model(model).preprocessing)["input"], read.labels


@pytest.fixture(scope="session")
def resnet20(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """The network with 16 prototypes of length 9, fitted on few images."""
    model = data / "resnet20.onnx"
    calibration, _ = images_for(model, data / "cifar10_calibration.npz", CALIBRATION_IMAGES)
    folder = tmp_path_factory.mktemp("resnet20")
    request = CompileRequest(model, load_target("pqa"), PqOptions(16, 9), {"input": calibration}, dump_ir=folder)
    return compile_dumped(request)


@pytest.fixture(scope="session")
def on_target(resnet20: Compiled, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Compiled]:
    """The same quantized network on any target that computes the same, lowered once for each."""

    @cache
    def lowered(target: str) -> Compiled:
        return resnet20 if target == "pqa" else for_other_target(resnet20, target, tmp_path_factory.mktemp(target))

    return lowered


@pytest.fixture(scope="session")
def held_out(data: Path) -> tuple[FloatArray, IntArray]:
    return images_for(data / "resnet20.onnx", data / "cifar10_test.npz", 500)


def quantized_convolutions(model: Path) -> list[str]:
    """The nodes of all 3x3 convolutions after the first."""
    nodes = [node for node in onnx.load_model_from_string(model.read_bytes()).graph.node if node.op_type == "Conv"]
    for node in nodes:
        attributes = {entry.name: onnx.helper.get_attribute_value(entry) for entry in node.attribute}
        assert attributes["kernel_shape"] == [3, 3]
    return [node.name for node in nodes[1:]]


@pytest.mark.parametrize("target", TARGETS)
def test_the_machine_equals_the_reference_bit_for_bit(
    target: str, on_target: Callable[[str], Compiled], held_out: tuple[FloatArray, IntArray]
) -> None:
    images, network = held_out[0][:32], on_target(target)
    assert network.program.target["name"] == target
    np.testing.assert_array_equal(network.run(images), network.reference(images))


def test_all_targets_compute_the_same(
    on_target: Callable[[str], Compiled], held_out: tuple[FloatArray, IntArray]
) -> None:
    results = [on_target(target).run(held_out[0][:8]) for target in TARGETS]
    assert all(np.array_equal(results[0], other) for other in results[1:])
    assert len({on_target(target).program.fingerprint() for target in TARGETS}) == len(TARGETS)


def test_any_legal_order_gives_the_same(resnet20: Compiled, held_out: tuple[FloatArray, IntArray]) -> None:
    inputs = resnet20.integers(held_out[0][:4])
    expected = resnet20.machine.run(inputs)
    found = resnet20.machine.run(inputs, resnet20.machine.random_order(np.random.default_rng(0)))
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.parametrize("target", TARGETS)
def test_every_convolution_but_the_first_is_looked_up(
    target: str, on_target: Callable[[str], Compiled], data: Path
) -> None:
    program = on_target(target).program
    counts: dict[str, Counter[str]] = {node: Counter() for node in program.nodes}
    for instruction, node in zip(program.instructions, program.nodes, strict=True):
        counts[node][instruction.mnemonic] += 1
    convolutions = quantized_convolutions(data / "resnet20.onnx")
    assert len(convolutions) == 18
    for node in convolutions:
        assert counts[node]["encode"] == counts[node]["lookup"] >= 1, node
        assert not counts[node]["convolve"], node
    others = [node for node in counts if node not in convolutions]
    assert not any(counts[node]["encode"] or counts[node]["lookup"] for node in others)
    assert sum(counts[node]["convolve"] > 0 for node in others) == 2, "the first convolution and the classifier"


def test_the_debugger_sees_what_the_reference_computes(
    resnet20: Compiled, data: Path, held_out: tuple[FloatArray, IntArray]
) -> None:
    node = quantized_convolutions(data / "resnet20.onnx")[THIRD_BLOCK]
    inputs = resnet20.integers(held_out[0][:1])
    wanted: dict[type[Operation], AnyArray] = {}

    def keep(op: Operation, results: tuple[AnyArray, ...]) -> None:
        if node_name(op) == node and isinstance(op, EncodeOp | LookupOp):
            wanted[type(op)] = results[0][0].reshape(results[0].shape[1], -1)

    # folding takes subspaces away, so the reference is the network behind it
    run_block(main_of(resnet20.module(QUANTIZED + 1)).body.block, list(inputs.values()), keep)
    debugger = Debugger(resnet20.program, inputs)
    debugger.breakpoints.append(Breakpoint(node=node))
    debugger.proceed()
    codes: list[AnyArray] = []
    sums: list[AnyArray] = []
    while debugger.node == node and debugger.next is not None:
        instruction = resnet20.program.instructions[debugger.next]
        debugger.step()
        if isinstance(instruction, Encode):
            codes.append(debugger.codes[-1])
        if isinstance(instruction, Lookup):
            shape = (instruction.outputs, instruction.output_rows * instruction.output_columns)
            shown = debugger.integers("accumulator", instruction.accumulator, shape[0] * shape[1], 2, signed=True)
            sums.append(shown.reshape(shape))
    assert np.array_equal(np.concatenate(codes, axis=1), wanted[EncodeOp])
    assert np.array_equal(np.concatenate(sums, axis=1), wanted[LookupOp])


def test_few_calibration_images_give_a_useful_network(
    resnet20: Compiled, held_out: tuple[FloatArray, IntArray]
) -> None:
    assert resnet20.accuracy(*held_out) >= 0.55


def test_dead_channels_are_folded_by_proof(resnet20: Compiled, held_out: tuple[FloatArray, IntArray]) -> None:
    """18 of the 624 subspaces are channels that a ReLU leaves at zero; the reference computes with all of them."""
    layers = [layer for layer in resnet20.program.provenance["layers"] if layer["pq"]]
    assert sum(layer["subspaces"] for layer in layers) == 624 - 18
    assert sum(layer.get("folded", 0) for layer in layers) == 18
    assert not any(layer.get("folded_calibrated", 0) for layer in layers)
    report = build_report(resnet20.program)
    assert report["folding"]["folded"] == 18
    assert report["folding"]["folding_saves"]["cycles"] > 0
    images = held_out[0][32:96]
    np.testing.assert_array_equal(resnet20.run(images), resnet20.reference(images))


def test_dumps_are_small(resnet20: Compiled) -> None:
    sizes = {dump.name: dump.stat().st_size for dump in resnet20.dumps}
    assert max(sizes.values()) < LARGEST_DUMP, sizes


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_export_is_the_same_network(variant: str, data: Path, held_out: tuple[FloatArray, IntArray]) -> None:
    images = held_out[0][:8]
    plain = float_outputs(import_model(data / "resnet20.onnx").module, images)
    found = float_outputs(import_model(data / f"{variant}.onnx").module, images)
    np.testing.assert_allclose(found, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_export_compiles(variant: str, data: Path, tmp_path: Path) -> None:
    model = data / f"{variant}.onnx"
    calibration, _ = images_for(model, data / "cifar10_calibration.npz", 8)
    # as little learning as there can be: what is looked at is the way down to the bytes
    request = CompileRequest(
        model, load_target("pqa"), PqOptions(2, 9), {"input": calibration}, dump_ir=tmp_path / "dumps"
    )
    network = compile_dumped(request)
    assert Counter(network.program.counts())["encode"] >= 18
    test = network.program.self_test
    assert test is not None
    inputs = self_test_inputs(network.program.inputs, test.seed, test.frames)
    assert digest(network.machine.run(inputs)) == test.digest


def test_the_page_of_the_report(resnet20: Compiled) -> None:
    recording = Recording()
    for dump in resnet20.dumps:
        recording.watch(dump.stem, load_module(dump))
    document = Document(resnet20.program, recording)
    page = document.to_bytes()
    assert len(page) < LARGEST_PAGE
    assert recording.graph is not None
    # inputs and outputs, and each layer that has instructions
    nodes = {vertex.node for vertex in recording.graph.vertices}
    assert nodes >= {"input", "logits", *(layer["node"] for layer in document.report["layers"])}
