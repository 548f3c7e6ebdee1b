"""The timing of a compiled network: bounds, and that nothing gets faster with less."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.command_line import small_network
from support.streams import slower

from pqc.api import CompileRequest, compile_model
from pqc.interpreter.critical_path import critical_circuit, critical_path
from pqc.interpreter.queues import UNITS
from pqc.interpreter.steady_state import SteadyState, steady_state
from pqc.interpreter.timing import simulate
from pqc.isa.fields import Unit
from pqc.isa.program import Program
from pqc.passes.options import PqOptions
from pqc.planning.target import Target, load_target, target_from_dict
from pqc.report.cycles import ProgramTiming


@pytest.fixture(scope="module", params=["pqa", "tiny"])
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Program:
    model = tmp_path_factory.mktemp("compiled") / "m.onnx"
    model.write_bytes(small_network().SerializeToString())
    options = PqOptions(prototypes=4, images=16)
    return compile_model(CompileRequest(Path(model), load_target(request.param), options)).program


def steady(program: Program, on: Target) -> SteadyState:
    """The steady state without stores, so that nothing competes for the channel."""
    stores = frozenset(k for k, x in enumerate(program.instructions) if x.unit is Unit.STORE)
    return steady_state(program.instructions, on, credits=program.credits, free=stores)


def test_figures_are_in_their_bounds(program: Program) -> None:
    timed = ProgramTiming(program)
    figures = timed.figures()
    assert timed.steady.settled
    assert timed.quantized.settled
    assert figures["lower_bound"] <= figures["steady_state"]
    assert 0 < figures["pq"] <= figures["steady_state"]
    assert timed.once.cycles <= sum(timed.once.busy.values())
    assert timed.circuit.cycles == timed.steady.cycles * timed.circuit.executions
    assert timed.quantized_circuit.cycles == timed.quantized.cycles * timed.quantized_circuit.executions
    assert timed.path.cycles == figures["latency"]


def test_every_cycle_of_a_unit_is_work_or_a_stall(program: Program) -> None:
    timing = simulate(program.instructions, target_from_dict(program.target), executions=3, credits=program.credits)
    for unit in UNITS:
        ends = [x.end for x in timing.instructions if x.unit is unit]
        assert timing.busy[unit] + sum(timing.stalls[unit].values()) == max(ends, default=0)


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ("encode", "subspace_lanes"),
        ("encode", "prototype_lanes"),
        ("encode", "length_lanes"),
        ("lookup", "output_lanes"),
        ("lookup", "subspace_lanes"),
        ("vector", "lanes"),
        ("conventional", "input_lanes"),
        ("conventional", "output_lanes"),
    ],
)
def test_half_of_the_lanes_never_help(program: Program, section: str, key: str) -> None:
    fast = target_from_dict(program.target)
    before, after = steady(program, fast), steady(program, slower(fast, section, key))
    assert after.cycles >= before.cycles
    assert all(after.timing.busy[unit] >= before.timing.busy[unit] for unit in UNITS)


def test_half_of_the_bandwidth_never_helps(program: Program) -> None:
    fast = target_from_dict(program.target)
    slow = replace(fast, dram=replace(fast.dram, bandwidth_gb_s=fast.dram.bandwidth_gb_s / 2))
    before, after = steady(program, fast), steady(program, slow)
    assert after.cycles >= before.cycles
    for one, other in zip(before.timing.work, after.timing.work, strict=True):
        assert one.channel_cycles <= other.channel_cycles <= 2 * one.channel_cycles
        assert (one.dram_bytes, one.unit) == (other.dram_bytes, other.unit)


def test_a_shallower_fifo_never_helps(program: Program) -> None:
    on = target_from_dict(program.target)
    stores = frozenset(k for k, x in enumerate(program.instructions) if x.unit is Unit.STORE)
    deep, shallow = (
        simulate(
            program.instructions, on, executions=3, credits=program.credits, free=stores, fifo_depth=depth
        )
        for depth in (256, 4)
    )  # fmt: skip
    assert (deep.end <= shallow.end).all()


def test_paths_have_no_gaps(program: Program) -> None:
    on = target_from_dict(program.target)
    timing = simulate(program.instructions, on, executions=2, credits=program.credits)
    for path in (critical_path(timing), critical_circuit(steady(program, on))):
        for later, earlier in zip(path.stretches, path.stretches[1:], strict=False):
            assert later.begin == earlier.end
