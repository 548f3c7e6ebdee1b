"""The machine against the numerics, layer by layer, in program order and in random legal orders."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.programs import Builder, PqLayer, chain, closed, load, pq_program, program_of, store, target, tensor

from pqc.errors import ModelError, ProgramError
from pqc.interpreter import machine as machine_module
from pqc.interpreter import workbench as workbench_module
from pqc.interpreter.machine import Machine
from pqc.interpreter.units import Action
from pqc.isa.fields import Memory, Unit
from pqc.isa.program import Program
from pqc.numerics.arrays import IntArray
from pqc.numerics.element import Element
from pqc.numerics.encode import Metric, nearest_prototype, starts_of, subvectors
from pqc.numerics.lookup import lookup
from pqc.numerics.requantize import Clip, requantize
from pqc.numerics.window import Window
from pqc.planning.target import target_from_dict

RNG = np.random.default_rng(3)
LAYERS = [PqLayer.random(RNG, 3, 5, 4), PqLayer.random(RNG, 5, 2, 4)]
U8 = Element(8, signed=False)


def images(frames: int) -> IntArray:
    return np.random.default_rng(7).integers(0, 256, (frames, 3, 4, 4)).astype(np.uint8)


def expected(x: IntArray, accumulator_bits: int = 16) -> IntArray:
    for layer in LAYERS:
        vectors = subvectors(x, Window((3, 3), pads=(1, 1, 1, 1)), 9, starts_of(0, 9, layer.channels))
        codes = nearest_prototype(vectors, layer.codebook, Metric.L2)
        sums = lookup(codes, layer.table, layer.bias[None, :, None], accumulator_bits)
        x = requantize(sums, layer.multiplier, layer.shift, Clip.full(U8)).reshape(-1, layer.outputs, 4, 4)
    return x


@pytest.mark.parametrize("frames", [1, 5, 40])
@pytest.mark.parametrize("accumulator_bits", [8, 16, 32])
def test_layers_equal_the_numerics(frames: int, accumulator_bits: int) -> None:
    machine = Machine(pq_program(LAYERS, target(accumulator_bits)))
    x = images(frames)
    result = machine.run({"x": x})
    assert list(result) == ["y"]
    assert result["y"].dtype == np.uint8
    np.testing.assert_array_equal(result["y"], expected(x, accumulator_bits))


def test_a_target_that_only_shifts_multiplies_by_powers_of_two_alone() -> None:
    shifts = target_from_dict({**target().as_dict(), "requantize": "shift"})
    with pytest.raises(
        ProgramError, match=r'\(requantize, node "layer0"\): the multiplier of output \d is \d+, a target'
    ):
        Machine(pq_program(LAYERS, shifts)).run({"x": images(1)})
    powers = [replace(layer, multiplier=np.full(layer.outputs, 1 << 14)) for layer in LAYERS]
    found = Machine(pq_program(powers, shifts)).run({"x": images(3)})["y"]
    np.testing.assert_array_equal(found, Machine(pq_program(powers)).run({"x": images(3)})["y"])


@pytest.mark.parametrize(("at_once", "budget"), [(1, 1 << 30), (3, 1 << 30), (64, 20_000)])
def test_results_do_not_depend_on_how_frames_are_grouped(
    monkeypatch: pytest.MonkeyPatch, at_once: int, budget: int
) -> None:
    monkeypatch.setattr(machine_module, "STREAMS_AT_ONCE", at_once)
    monkeypatch.setattr(machine_module, "WORKER_BYTES", budget)
    x = images(10)
    np.testing.assert_array_equal(Machine(pq_program(LAYERS)).run({"x": x})["y"], expected(x))


def test_one_processor_needs_no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_module.os, "cpu_count", lambda: None)
    x = images(20)
    np.testing.assert_array_equal(Machine(pq_program(LAYERS)).run({"x": x})["y"], expected(x))


def pipelined() -> Program:
    """The layers with a second codebook and table buffer, loaded while the first layer computes."""
    builder = Builder(target(buffers={"table": 8.0, "codebook": 4.0}))
    builder.layer("first", LAYERS[0], 10_000, 11_000)
    serial, credits = closed(chain(builder.instructions))
    extra = (load(0, Memory.CODEBOOK, 2048, 64), load(0, Memory.TABLE, 4096, 64))
    names = ("first",) * len(serial)
    return program_of(
        (*serial, *extra),
        of=builder.target,
        constants=bytes(builder.constants).ljust(10_000, b"\0"),
        dram_bytes=12_000,
        inputs=[tensor("x", (3, 4, 4), 10_000)],
        outputs=[tensor("y", (5, 4, 4), 11_000)],
        nodes=(*names, "next", "next"),
        credits=credits,
    )


def test_random_legal_orders_give_equal_results() -> None:
    machine = Machine(pipelined())
    x = images(3)
    reference = machine.run({"x": x})["y"]
    rng = np.random.default_rng(0)
    orders = {tuple(machine.random_order(rng)) for _ in range(20)}
    assert len(orders) > 1
    for order in orders:
        np.testing.assert_array_equal(machine.run({"x": x}, order)["y"], reference)


def test_an_order_that_is_not_legal_is_refused() -> None:
    machine = Machine(pipelined())
    with pytest.raises(ProgramError, match="stands before an earlier one of its unit"):
        machine.run({"x": images(1)}, machine.order[::-1])


def test_a_missing_token_is_refused_before_anything_runs() -> None:
    program = pq_program(LAYERS)
    instructions = list(program.instructions)
    at = next(index for index, x in enumerate(instructions) if x.unit is Unit.STORE)
    instructions[at - 1] = replace(instructions[at - 1], signal=0)
    instructions[at] = replace(instructions[at], wait=0)
    with pytest.raises(ProgramError, match=r'\(store, node "layer0"\): reads .* no token from vector to store'):
        Machine(replace(program, instructions=tuple(instructions)))


def test_signed_wide_tensors_pass_through() -> None:
    instructions, credits = closed(chain([load(3, Memory.ACTIVATION, 1, 12), store(20, 1, 12)]))
    program = program_of(
        instructions,
        credits=credits,
        constants=b"abc",
        dram_bytes=32,
        inputs=[tensor("x", (6,), 3, 12, signed=True)],
        outputs=[tensor("y", (2, 3), 20, 12, signed=True)],
    )
    x = np.array([[-2048, -1, 0, 1, 5, 2047]])
    y = Machine(program).run({"x": x})["y"]
    assert y.dtype == np.int16
    np.testing.assert_array_equal(y, x.reshape(1, 2, 3))


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, 'input "x" is missing'),
        ({"x": images(1), "z": images(1)}, 'there is no input "z", the program has x'),
        ({"x": images(1).astype(np.float32)}, 'input "x" has type float32, allowed are integers'),
        ({"x": images(1)[0]}, r'input "x" has shape \[3, 4, 4\], allowed is \[frames, 3, 4, 4\]'),
        ({"x": images(1)[:, :2]}, r"has shape \[1, 2, 4, 4\]"),
        ({"x": images(1)[:0]}, r"has shape \[0, 3, 4, 4\]"),
        ({"x": images(1).astype(np.int32) - 300}, r"has values in \[-\d+, -\d+\], allowed is \[0, 255\]"),
    ],
)
def test_inputs_that_do_not_fit(inputs: dict[str, IntArray], message: str) -> None:
    machine = Machine(pq_program(LAYERS))
    with pytest.raises(ModelError, match=message):
        machine.run(inputs)


def test_inputs_that_differ_in_frames() -> None:
    instructions, credits = closed(chain([load(0, Memory.ACTIVATION, 0, 2), store(2, 0, 1)]))
    program = program_of(
        instructions,
        credits=credits,
        dram_bytes=3,
        inputs=[tensor("a", (1,), 0), tensor("b", (1,), 1)],
        outputs=[tensor("y", (1,), 2)],
    )
    a = np.ones((2, 1), np.uint8)
    assert Machine(program).run({"a": a, "b": a})["y"].tolist() == [[1], [1]]
    with pytest.raises(ModelError, match='differ in their number of frames: "a" has 2, "b" has 1'):
        Machine(program).run({"a": a, "b": a[:1]})


def test_a_program_without_inputs_runs_one_frame() -> None:
    instructions, credits = closed(chain([load(0, Memory.ACTIVATION, 0, 2), store(2, 0, 2)]))
    program = program_of(
        instructions, credits=credits, constants=b"\x05\x06", dram_bytes=4, outputs=[tensor("y", (2,), 2)]
    )
    assert Machine(program).run({})["y"].tolist() == [[5, 6]]


def test_too_little_memory_is_said_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory() -> None:
        raise MemoryError

    def prepared(*_: object) -> Action:
        return no_memory

    machine = Machine(pq_program(LAYERS))
    monkeypatch.setattr(workbench_module, "prepare", prepared)
    with pytest.raises(ProgramError, match=r'^instruction 0 \(load, node "layer0"\): this computer has too little'):
        machine.run({"x": images(1)})
