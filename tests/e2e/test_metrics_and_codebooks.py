"""Every metric, and codebooks that all subspaces share, from the digits network to the bytes of its program."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from support.command_line import pqc
from xdsl.dialects.builtin import ModuleOp

from pqc.compilation import CompileRequest, compile_quantized, quantize_model
from pqc.interpreter.durations import transfer_bytes
from pqc.interpreter.machine import Machine
from pqc.interpreter.reference import quantize_inputs, run_reference
from pqc.isa.fields import Memory
from pqc.isa.instructions import Encode, Load
from pqc.isa.program import Program
from pqc.numerics.arrays import FloatArray, IntArray
from pqc.numerics.encode import Metric
from pqc.numerics.packing import packed_bytes
from pqc.passes.options import PqOptions
from pqc.planning.target import load_target

pytestmark = pytest.mark.e2e

MODEL = Path(__file__).parents[2] / "examples" / "digits" / "digits.onnx"


@dataclass(frozen=True)
class Case:
    """Options, and the target whose program is executed."""

    pq: PqOptions
    target: str = "pqa"


CASES = {
    "l1": Case(PqOptions(metric="l1"), "pqa-l1"),
    "l1, tiny": Case(PqOptions(metric="l1"), "tiny"),
    "linf": Case(PqOptions(metric="linf"), "pqa-linf"),
    "linf, channels": Case(PqOptions(metric="linf", length=4, grouping="channel"), "pqa-linf"),
    "shared": Case(PqOptions(codebooks="shared")),
    "shared, tiny": Case(PqOptions(codebooks="shared", length=4), "tiny"),
    "shared, channels": Case(PqOptions(codebooks="shared", length=4, grouping="channel")),
    "shared, channels, tiny": Case(PqOptions(codebooks="shared", length=4, grouping="channel"), "tiny"),
    "shared, linf, batch": Case(PqOptions(codebooks="shared", metric="linf", length=3, batch=3), "pqa-linf"),
}


def images(count: int, seed: int) -> FloatArray:
    return np.random.default_rng(seed).integers(0, 17, (count, 1, 8, 8)).astype(np.float32)


@cache
def quantized(name: str) -> ModuleOp:
    case = CASES[name]
    return quantize_model(CompileRequest(MODEL, load_target(case.target), case.pq, {"input": images(48, 0)}))


@cache
def program(name: str) -> Program:
    data = compile_quantized(quantized(name), load_target(CASES[name].target)).program.to_bytes()
    return Program.from_bytes(data, name)


@pytest.mark.parametrize("name", CASES)
def test_the_machine_computes_what_the_reference_does(name: str) -> None:
    inputs = quantize_inputs(quantized(name), [images(6, 1)])
    (expected,) = run_reference(quantized(name), inputs)
    machine = Machine(program(name))
    given: dict[str, IntArray] = {program(name).inputs[0].name: inputs[0]}
    (output,) = program(name).outputs
    np.testing.assert_array_equal(machine.run(given)[output.name], expected)
    order = machine.random_order(np.random.default_rng(0))
    np.testing.assert_array_equal(machine.run(given, order)[output.name], expected)


@pytest.mark.parametrize("name", CASES)
def test_instructions_say_how_vectors_are_matched(name: str) -> None:
    wanted = Metric[CASES[name].pq.metric.upper()], int(CASES[name].pq.codebooks == "shared")
    found = {(i.metric, i.shared_codebook) for i in program(name).instructions if isinstance(i, Encode)}
    assert found == {wanted}


@pytest.mark.parametrize("name", [name for name in CASES if "shared" in name])
def test_a_shared_codebook_is_loaded_once_for_a_layer(name: str) -> None:
    loads = [
        (node, i)
        for node, i in zip(program(name).nodes, program(name).instructions, strict=True)
        if isinstance(i, Load) and i.buffer is Memory.CODEBOOK
    ]
    encodes = {
        node: i
        for node, i in zip(program(name).nodes, program(name).instructions, strict=True)
        if isinstance(i, Encode)
    }
    assert [node for node, _ in loads] == list(encodes)
    for node, load in loads:
        encode = encodes[node]
        size = packed_bytes(encode.prototypes * encode.length, encode.prototype_bits)
        assert transfer_bytes(load) == size


def test_sharing_makes_programs_smaller_and_loads_fewer_bytes() -> None:
    separate = compile_quantized(
        quantize_model(CompileRequest(MODEL, load_target("pqa"), PqOptions(), {"input": images(48, 0)})),
        load_target("pqa"),
    ).program
    shared = program("shared")
    assert len(shared.constants) < len(separate.constants)
    ours, theirs = (
        {layer["node"]: layer for layer in one.provenance["layers"] if layer["pq"]} for one in (shared, separate)
    )
    assert all(layer["shared_codebook"] for layer in ours.values())
    assert not any("shared_codebook" in layer for layer in theirs.values())


@pytest.mark.parametrize(("target", "metric"), [("pqa", "l1"), ("pqa-l1", "l1"), ("pqa-linf", "linf")])
def test_the_command_compiles_for_a_preset_that_has_the_metric(target: str, metric: str, tmp_path: Path) -> None:
    output = tmp_path / "metric.bin"
    compiled = pqc("compile", MODEL, "--prototypes", "4", "--metric", metric, "--target", target, "-o", output)
    assert compiled.code == 0, compiled.talk
    assert pqc("run", output).code == 0
