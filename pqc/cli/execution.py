"""What `pqc run` does: execute a program and compare what comes out with whatever was given to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pqc.cli.inputs import quantized_inputs
from pqc.cli.output import write
from pqc.cli.progress import track
from pqc.cli.results import BATCH, Outcome, Results, RunOptions, report_results
from pqc.data import load_dataset
from pqc.errors import ModelError, ProgramError
from pqc.frontend.preprocessing import recorded_preprocessing
from pqc.interpreter.machine import RANDOM_EXECUTIONS, Machine
from pqc.interpreter.selftest import digest, self_test_inputs
from pqc.isa.program import Program
from pqc.numerics.arrays import IntArray
from pqc.numerics.element import dequantize
from pqc.report.compare import first_difference

RANDOM_FRAMES = 16
"""Frames that are executed in random orders."""


def execute(program: Program, origin: str, options: RunOptions) -> Outcome:
    """Execute ``program``, read from ``origin``.

    Raises:
        ModelError: an input is missing or wrong.
        ProgramError: the program breaks a rule of the machine.
    """
    machine = _machine(program, origin)
    outcome = Outcome()
    if options.input_path is None:
        some = check_self_test(machine, origin, outcome)
    else:
        results = _run(machine, origin, options.input_path, options.images)
        some = quantized_inputs(program, results.data.prepare(results.preprocessing, 0, RANDOM_FRAMES))
        report_results(program.outputs[0].name, results, options, outcome)
    if options.vectors is not None:
        _vectors(program, some, options.vectors, outcome)
    if options.random_order is not None:
        _random_orders(machine, some, options.random_order, outcome)
    if options.timing:
        _timing(program, outcome)
    if options.trace is not None:
        _trace(program, options.trace)
    return outcome


def _vectors(program: Program, inputs: Mapping[str, IntArray], folder: Path, outcome: Outcome) -> None:
    """Write the test vectors of the first frames."""
    from pqc.interpreter.vectors import export_vectors

    export_vectors(program, inputs, folder)
    outcome.figures["vectors"] = {"folder": str(folder), "frames": program.batch}
    outcome.lines.append(f"{folder}: test vectors of {len(program.instructions):,} instructions")


def _machine(program: Program, origin: str) -> Machine:
    try:
        return Machine(program)
    except ProgramError as error:
        raise ProgramError(f"{origin}: {error}") from error


def check_self_test(machine: Machine, origin: str, outcome: Outcome) -> dict[str, IntArray]:
    """Execute the self-test of a program, say whether it passed, and return its inputs.

    Raises:
        ModelError: the program has none.
    """
    test = machine.program.self_test
    if test is None:
        raise ModelError(f"{origin}: the program has no self-test, so it needs --input")
    inputs = self_test_inputs(machine.program.inputs, test.seed, test.frames)
    found = digest(machine.run(inputs))
    passed = found == test.digest
    outcome.figures["self_test"] = {"passed": passed, "frames": test.frames, "digest": found}
    if passed:
        outcome.lines.append(f"self-test passed: {test.frames} frames, every bit as the reference computed it")
    else:
        outcome.failures.append(
            f"{origin}: the self-test failed: the outputs have the digest {found[:16]}, the reference computed "
            f"{test.digest[:16]} at compile time"
        )
    return inputs


def _run(machine: Machine, origin: str, path: Path, limit: int | None) -> Results:
    program = machine.program
    data = load_dataset(path, {tensor.name: tensor.shape for tensor in program.inputs}, limit)
    preprocessing = recorded_preprocessing(program.provenance, origin)
    starts = range(0, data.frames, BATCH)
    parts = [
        machine.run(quantized_inputs(program, data.prepare(preprocessing, start, start + BATCH)))
        for start in track(starts, "run", len(starts))
    ]
    raw = {tensor.name: np.concatenate([part[tensor.name] for part in parts]) for tensor in program.outputs}
    real = {tensor.name: dequantize(raw[tensor.name], tensor.scale) for tensor in program.outputs}
    return Results(raw, real, data, preprocessing)


def _random_orders(machine: Machine, inputs: Mapping[str, IntArray], number: int, outcome: Outcome) -> None:
    """Execute ``inputs`` in random legal orders: where a result differs, a dependency is missing."""
    expected = machine.run(inputs)
    failed: list[str] = []
    for seed in track(range(number), "random orders", number):
        failed += _random_order(machine, inputs, seed, expected)
    outcome.figures["random_orders"] = {"orders": number, "executions": RANDOM_EXECUTIONS, "equal": not failed}
    if failed:
        outcome.failures.append(f"{failed[0]}: a dependency between instructions is missing")
    else:
        outcome.lines.append(
            f"{number} random legal orders of {RANDOM_EXECUTIONS} executions in a row: every bit is the same"
        )


def _random_order(
    machine: Machine, inputs: Mapping[str, IntArray], seed: int, expected: Mapping[str, IntArray]
) -> list[str]:
    """What differs from ``expected`` in one random order."""
    order = machine.random_order(np.random.default_rng(seed))
    try:
        found = machine.run(inputs, order)
    except ProgramError as error:
        return [f"in random order {seed}: {error}"]
    differences = {name: first_difference(values, found[name]) for name, values in expected.items()}
    return [f"in random order {seed} output {name!r} differs: {what}" for name, what in differences.items() if what]


def _timing(program: Program, outcome: Outcome) -> None:
    from pqc.cli.report import report_lines
    from pqc.report.report import build_report

    report = build_report(program)
    outcome.figures["timing"] = {name: report[name] for name in report if name not in ("target", "numerics")}
    outcome.lines += ["", *report_lines(report)]


def _trace(program: Program, path: str) -> None:
    from pqc.report.trace import build_trace, trace_bytes

    write(path, trace_bytes(build_trace(program)))
