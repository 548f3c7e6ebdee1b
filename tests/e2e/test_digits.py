"""The network of handwritten digits, from its ONNX file to the outputs of the machine."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from support.command_line import pqc
from support.compiled import QUANTIZED, Compiled, compile_dumped, float_outputs, level

from pqc.api import CompileRequest, compile_model
from pqc.interpreter import vector_unit
from pqc.interpreter.machine import RANDOM_EXECUTIONS, Machine
from pqc.interpreter.reference import run_reference
from pqc.interpreter.selftest import self_test_inputs
from pqc.isa.assembler import assemble
from pqc.isa.disassembler import disassemble
from pqc.isa.parameters import Parameters, unpack_parameters
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.passes.options import PqOptions
from pqc.passes.text import load_module
from pqc.planning.target import load_target
from pqc.report.compare import top1
from pqc.report.float_model import FloatModel

pytestmark = pytest.mark.e2e

EXAMPLE = Path(__file__).parents[2] / "examples" / "digits"
MODEL = EXAMPLE / "digits.onnx"
TARGETS = ("pqa", "pqa-hbm", "pqa-shift", "tiny")
ON_ALL_TARGETS = pytest.mark.parametrize("target", TARGETS)
LARGEST_DUMP = 300_000

Images = tuple[FloatArray, IntArray]
Compile = Callable[[str], Compiled]


@pytest.fixture(scope="session")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Images, Images]:
    """Training and held-out images as the network takes them, each with its labels; written by the example itself."""
    folder = tmp_path_factory.mktemp("digits")
    subprocess.run([sys.executable, EXAMPLE / "data.py", folder], check=True)
    training, held_out = np.load(folder / "calibration.npz"), np.load(folder / "heldout.npz")
    return (training["images"].astype(np.float32), training["labels"]), (
        held_out["images"].astype(np.float32),
        held_out["labels"],
    )


@pytest.fixture(scope="session")
def held_out(digits: tuple[Images, Images]) -> Images:
    return digits[1]


@pytest.fixture(scope="session")
def compiled(digits: tuple[Images, Images], tmp_path_factory: pytest.TempPathFactory) -> Compile:
    """Compiles the network for a target, once for each; for ``pqa`` with all images, for others with fewer."""
    images = digits[0][0]

    @cache
    def compiled_for(target: str) -> Compiled:
        options = PqOptions(images=None if target == "pqa" else 192)
        folder = tmp_path_factory.mktemp(target)
        request = CompileRequest(
            MODEL,
            load_target(target),
            options,
            {"input": images[: options.frames_of([images.shape[1:]])]},
            dump_ir=folder,
        )
        return compile_dumped(request)

    return compiled_for


@ON_ALL_TARGETS
def test_the_machine_equals_the_reference_bit_for_bit(target: str, compiled: Compile, held_out: Images) -> None:
    images, network = held_out[0][:100], compiled(target)
    expected = network.reference(images)
    assert len(np.unique(expected.argmax(axis=1))) == 10, "the images show every digit"
    np.testing.assert_array_equal(network.run(images), expected)


@ON_ALL_TARGETS
def test_any_legal_order_gives_the_same(target: str, compiled: Compile, held_out: Images) -> None:
    machine, inputs = compiled(target).machine, compiled(target).integers(held_out[0][:8])
    expected, rng = machine.run(inputs), np.random.default_rng(0)
    orders = [machine.random_order(rng) for _ in range(3)]
    assert sorted(orders[0]) == list(range(RANDOM_EXECUTIONS * len(machine.program.instructions)))
    assert len({tuple(order) for order in orders}) == 3
    for order in orders:
        found = machine.run(inputs, order)
        assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_held_out_digits_are_recognized(compiled: Compile, held_out: Images) -> None:
    images, labels = held_out
    in_float = top1(FloatModel(MODEL).run({"input": images})["logits"], labels)
    accuracy = compiled("pqa").accuracy(images, labels)
    assert accuracy >= 0.95
    assert abs(accuracy - in_float) <= 0.02


@pytest.mark.parametrize("target", TARGETS[1:])
def test_few_calibration_images_are_enough_to_be_useful(target: str, compiled: Compile, held_out: Images) -> None:
    assert compiled(target).accuracy(*held_out) >= 0.9


@ON_ALL_TARGETS
def test_dumps_are_executable(target: str, compiled: Compile, held_out: Images) -> None:
    network, images = compiled(target), held_out[0][:20]
    assert len(network.dumps) >= 8
    expected = network.reference(images)
    imported = float_outputs(network.module(0), images)
    for dump in network.dumps:
        module = load_module(dump)
        if level(dump) >= QUANTIZED:
            (found,) = run_reference(module, list(network.integers(images).values()))
            np.testing.assert_array_equal(found, expected, err_msg=dump.name)
        elif "fit-prototypes" not in dump.name:
            np.testing.assert_allclose(float_outputs(module, images), imported, atol=1e-3, err_msg=dump.name)
        else:
            agreement = float_outputs(module, images).argmax(axis=1) == imported.argmax(axis=1)
            assert agreement.mean() >= 0.85, dump.name


@pytest.mark.parametrize("target", TARGETS[:3])
def test_dumps_are_small(target: str, compiled: Compile) -> None:
    sizes = {dump.name: dump.stat().st_size for dump in compiled(target).dumps}
    assert max(sizes.values()) < LARGEST_DUMP, sizes


def test_every_layer_is_tiled_where_buffers_are_small(compiled: Compile) -> None:
    whole, cut = compiled("pqa").program, compiled("tiny").program
    for mnemonic in ("encode", "lookup", "convolve", "requantize"):
        most = dict.fromkeys(whole.nodes, 0)
        for instruction, node in zip(cut.instructions, cut.nodes, strict=True):
            most[node] += instruction.mnemonic == mnemonic
        used = {n for i, n in zip(whole.instructions, whole.nodes, strict=True) if i.mnemonic == mnemonic}
        assert used
        assert max(most[node] for node in used) >= 2, mnemonic


@ON_ALL_TARGETS
def test_disassembly_assembles_to_the_same_bytes(target: str, compiled: Compile) -> None:
    program = compiled(target).program
    assert assemble(disassemble(program), "text").to_bytes() == program.to_bytes()


def test_the_two_commands_that_everybody_tries_first(tmp_path: Path) -> None:
    program = tmp_path / "prog.bin"
    made = pqc("compile", MODEL, "-o", program)
    assert made.code == 0, made.talk
    assert "the prototypes are fitted on synthetic data, so accuracy means nothing" in made.talk
    tested = pqc("run", program)
    assert (tested.code, tested.talk) == (0, "")
    assert tested.text.startswith("self-test passed: 2 frames")
    assembly = pqc("disasm", program)
    again = pqc("asm", "-", "-o", "-", stdin=assembly.output)
    assert again.output == program.read_bytes()


def test_nothing_is_multiplied_behind_lookups_on_a_target_that_shifts(
    digits: tuple[Images, Images], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = PqOptions(prototype_bits=6, table_bits=5)
    request = CompileRequest(MODEL, load_target("pqa-shift"), options, {"input": digits[0][0][:200]})
    text = disassemble(compile_model(request).program)
    read: list[Parameters] = []

    def unpacked(data: bytes) -> Parameters:
        read.append(unpack_parameters(data))
        return read[-1]

    monkeypatch.setattr(vector_unit, "unpack_parameters", unpacked)
    program = assemble(text, "digits")
    Machine(program).run(self_test_inputs(program.inputs, 0, 1))
    multipliers, shifts, residual_multipliers = (np.concatenate(parts) for parts in zip(*read, strict=True))
    assert len(multipliers) > 200
    # a power of two is a shift; 1, which needs none, wherever sums are finer than what they end up in
    assert (np.bitwise_count(multipliers) == 1).all()
    assert (np.bitwise_count(residual_multipliers) <= 1).all()
    assert (multipliers[shifts > 0] == 1).all()
