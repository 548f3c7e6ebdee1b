"""Workbenches: memories and prepared instructions, used for part after part by either means of computing."""

from __future__ import annotations

import numpy as np
import pytest
from support.stored_digests import SEED, compiled

from pqc.interpreter import machine as machine_module
from pqc.interpreter.machine import Machine
from pqc.interpreter.selftest import self_test_inputs
from pqc.interpreter.workbench import GARBAGE, Layout, Workbench, Workbenches
from pqc.isa.fields import Memory
from pqc.numerics.arrays import IntArray
from pqc.numerics.choice import VARIABLE
from pqc.numerics.kernels import NUMPY, Kernels, compiled_kernels

# what the digits network is compiled to for these covers all instructions but one
CASES = ("default", "length 3, l1", "channels, tiny", "narrow constants", "accumulators of 11 bits")


def layout() -> Layout:
    program = compiled("default")
    return Layout(program, 16)


@pytest.mark.parametrize("case", CASES)
def test_both_means_give_the_same(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    program = compiled(case)
    inputs = self_test_inputs(program.inputs, SEED, 21)
    results: dict[str, dict[str, IntArray]] = {}
    for name in ("numpy", "numba"):
        monkeypatch.setenv(VARIABLE, name)
        results[name] = Machine(program).run(inputs)
    for name, expected in results["numpy"].items():
        np.testing.assert_array_equal(results["numba"][name], expected)


def test_a_second_run_of_other_frames_gives_what_a_new_machine_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memories and constants are used again; nothing of the frames before may be seen."""
    monkeypatch.setattr(machine_module, "STREAMS_AT_ONCE", 4)
    monkeypatch.setenv(VARIABLE, "numba")
    program = compiled("tiny")
    frames = self_test_inputs(program.inputs, SEED, 19)
    used = Machine(program)
    for part in (slice(0, 9), slice(9, 19), slice(2, 5)):
        some = {name: values[part] for name, values in frames.items()}
        found, expected = used.run(some), Machine(program).run(some)
        assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_the_work_asked_for_so_far_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    program = compiled("default")
    machine, asked = Machine(program), list[int]()

    def kernels_for(work: int) -> Kernels:
        asked.append(work)
        return NUMPY

    monkeypatch.setattr(machine_module, "kernels_for", kernels_for)
    one = self_test_inputs(program.inputs, SEED, 1)
    three = self_test_inputs(program.inputs, SEED, 3)
    machine.run(one)
    machine.run(three)
    assert asked[0] > 0
    assert asked[1] == 4 * asked[0]


def test_memories_reach_to_the_last_byte_used_and_start_as_garbage() -> None:
    found = layout()
    bench = Workbenches(found, {2}, 1, NUMPY).take(2)
    target = Machine(found.program).target
    for memory in Memory:
        if memory is not Memory.DRAM:
            assert 0 < found.sizes[memory] <= target.buffer_bytes(memory)
    (tensor,) = found.program.inputs
    view = bench.tensor(0, tensor)
    assert view.shape == (2, 1, *tensor.shape)
    assert (np.ascontiguousarray(view).view(np.uint8) == GARBAGE).all()


def test_idle_workbenches_serve_again_and_are_cleared() -> None:
    found = layout()
    first = Workbenches(found, {2, 3}, 1, NUMPY)
    bench = first.take(2)
    bench.tensor(0, found.program.inputs[0])[...] = 1
    first.give_back(bench)
    again = Workbenches(found, {2}, 1, NUMPY, first).take(2)
    assert again is bench
    assert (np.ascontiguousarray(again.tensor(0, found.program.inputs[0])).view(np.uint8) == GARBAGE).all()


def test_workbenches_of_other_kernels_are_not_taken() -> None:
    found = layout()
    first = Workbenches(found, {2}, 1, NUMPY)
    bench = first.take(2)
    first.give_back(bench)
    other = Workbenches(found, {2}, 1, compiled_kernels(), first).take(2)
    assert isinstance(other, Workbench)
    assert other is not bench
    assert other.kernels is compiled_kernels()
