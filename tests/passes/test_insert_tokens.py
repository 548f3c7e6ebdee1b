"""The tokens of a compiled network: each of them is needed, and whoever takes one away is found out."""

from __future__ import annotations

import numpy as np
import pytest
from support.command_line import small_network
from support.onnx_models import save
from support.tokens import tokens_of, with_tokens, without

from pqc.compilation import CompileRequest, compile_model
from pqc.errors import ProgramError
from pqc.interpreter import machine as machine_module
from pqc.interpreter.machine import Machine
from pqc.isa.program import Program
from pqc.planning.target import load_target

ORDERS = 20


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    """A small network whose layers are cut into tiles."""
    path = save(small_network(), tmp_path_factory.mktemp("network"))
    rng = np.random.default_rng(0)
    calibration = {"x": rng.standard_normal((12, 3, 8, 8)).astype(np.float32)}
    target = load_target("pqa", ["buffers.activation=0.5", "buffers.table=0.75", "buffers.accumulator=1.0"])
    return compile_model(CompileRequest(path, target, calibration=calibration)).program


def test_the_program_has_the_tokens_that_its_accesses_need(program: Program) -> None:
    assert with_tokens(program) == program
    assert len(tokens_of(program)) > 10
    assert program.credits


def test_without_one_token_the_program_is_refused(program: Program) -> None:
    for token in tokens_of(program):
        with pytest.raises(ProgramError, match=r"no token from \w+ to \w+ orders the two"):
            Machine(without(program, token))


def test_without_one_token_random_orders_read_what_others_wrote(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the random orders alone would find it, without the check of the whole program beforehand."""
    order = Machine(program).order

    def unchecked(*_: object) -> list[int]:
        return order

    monkeypatch.setattr(machine_module, "check_program", unchecked)
    for token in tokens_of(program):
        machine = Machine(without(program, token))
        assert any(is_refused(machine, seed) for seed in range(ORDERS)), token


def is_refused(machine: Machine, seed: int) -> bool:
    order = machine.random_order(np.random.default_rng(seed))
    try:
        machine.run({"x": np.zeros((1, 3, 8, 8), np.int8)}, order)
    except ProgramError as error:
        return "in the order given" in str(error)
    return False
