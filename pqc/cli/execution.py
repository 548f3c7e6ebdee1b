"""What `pqc run` does: execute a program and compare what comes out with whatever was given to compare with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from pqc.cli.inputs import quantized_inputs, recorded_preprocessing
from pqc.cli.output import write
from pqc.cli.progress import track
from pqc.data import Dataset, load_dataset, read_arrays
from pqc.errors import ComparisonError, ModelError, ProgramError
from pqc.frontend.preprocessing import Preprocessing
from pqc.interpreter.machine import RANDOM_EXECUTIONS, Machine
from pqc.interpreter.selftest import digest, self_test_inputs
from pqc.isa.program import Program
from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.numerics.element import dequantize
from pqc.report.compare import classes, first_difference, signal_to_noise_db, top1

BATCH = 1024
"""Frames between two steps of the progress bar."""

RAW = "__raw"
"""What follows an output's name where its raw integers are meant."""

SHOWN = 10
"""Frames whose class is shown."""

RANDOM_FRAMES = 16
"""Frames that are executed in random orders."""


@dataclass(frozen=True)
class RunOptions:
    """The options of `pqc run` that say what is executed and compared."""

    input_path: Path | None = None
    output: str | None = None
    labels: bool = False
    against: Path | None = None
    expect: Path | None = None
    images: int | None = None
    timing: bool = False
    trace: str | None = None
    random_order: int | None = None
    vectors: Path | None = None


@dataclass
class Outcome:
    """Figures for a program, lines for a person, and what did not agree."""

    figures: dict[str, Any] = field(default_factory=dict[str, Any])
    lines: list[str] = field(default_factory=list[str])
    failures: list[str] = field(default_factory=list[str])

    def refuse(self) -> None:
        """Raise ComparisonError if anything did not agree."""
        if self.failures:
            raise ComparisonError("; ".join(self.failures))


@dataclass(frozen=True)
class Results:
    """What the machine gave for a data set: the float32 inputs only if they are needed again."""

    raw: Mapping[str, IntArray]
    real: Mapping[str, FloatArray]
    data: Dataset
    preprocessing: Preprocessing | None


def execute(program: Program, origin: str, options: RunOptions) -> Outcome:
    """Execute ``program``, read from ``origin``.

    Raises:
        ModelError: an input is missing or wrong.
        ProgramError: the program breaks a rule of the machine.
    """
    machine = _machine(program, origin)
    outcome = Outcome()
    if options.input_path is None:
        some = _self_test(machine, origin, outcome)
    else:
        results = _run(machine, origin, options.input_path, options.images)
        some = quantized_inputs(program, results.data.prepare(results.preprocessing, 0, RANDOM_FRAMES))
        _report_results(program, results, options, outcome)
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


def _self_test(machine: Machine, origin: str, outcome: Outcome) -> dict[str, IntArray]:
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
    preprocessing = recorded_preprocessing(program, origin)
    starts = range(0, data.frames, BATCH)
    parts = [
        machine.run(quantized_inputs(program, data.prepare(preprocessing, start, start + BATCH)))
        for start in track(starts, "run", len(starts))
    ]
    raw = {tensor.name: np.concatenate([part[tensor.name] for part in parts]) for tensor in program.outputs}
    real = {tensor.name: dequantize(raw[tensor.name], tensor.scale) for tensor in program.outputs}
    return Results(raw, real, data, preprocessing)


def _report_results(program: Program, results: Results, options: RunOptions, outcome: Outcome) -> None:
    frames = results.data.frames
    first = program.outputs[0].name
    outcome.figures["images"] = frames
    outcome.lines.append(f"{frames:,} images")
    if options.labels:
        _labels(results, first, outcome)
    if options.against is not None:
        _against(results, options.against, outcome)
    if options.expect is not None:
        _expect(results, options.expect, outcome)
    if options.output is not None:
        write(options.output, _npz(results))
    if not (options.labels or options.against or options.expect or options.output):
        shown = [int(index) for index in classes(results.real[first][:SHOWN])]
        outcome.figures["classes"] = [int(index) for index in classes(results.real[first])]
        outcome.lines.append(f"classes by {first!r}: {' '.join(map(str, shown))}{' ...' if frames > SHOWN else ''}")


def _labels(results: Results, name: str, outcome: Outcome) -> None:
    data, outputs = results.data, results.real[name]
    if data.labels is None:
        raise ModelError(f"{data.origin}: --labels needs the array 'labels', which it does not have")
    number = int(np.prod(outputs.shape[1:]))
    if outputs.ndim < 2 or outputs.shape[1] != number:
        raise ModelError(f"--labels needs an output with one number a class, {name!r} is {list(outputs.shape[1:])}")
    low, high = int(data.labels.min()), int(data.labels.max())
    if low < 0 or high >= number:
        raise ModelError(
            f"{data.origin}: array 'labels' has values from {low} to {high}, allowed are 0 to {number - 1} by the "
            f"{number} classes of output {name!r}"
        )
    share = top1(outputs, data.labels)
    outcome.figures["top1"] = share
    outcome.lines.append(f"top-1 {share:.2%}")


def _against(results: Results, path: Path, outcome: Outcome) -> None:
    """Compare every output with the one of the same name of a float model."""
    from pqc.report.float_model import FloatModel

    model = FloatModel(path)
    missing = [name for name in results.real if name not in model.outputs]
    if missing:
        raise ModelError(f"{path}: it has no output {missing[0]!r}, as the program has, but {', '.join(model.outputs)}")
    starts = range(0, results.data.frames, BATCH)
    parts = [
        model.run(results.data.prepare(results.preprocessing, start, start + BATCH))
        for start in track(starts, "onnxruntime", len(starts))
    ]
    figures: dict[str, Any] = {"model": str(path), "outputs": {}}
    outcome.figures["against"] = figures
    for name, found in results.real.items():
        reference = np.concatenate([part[name] for part in parts])
        if reference.shape != found.shape:
            raise ModelError(f"{path}: output {name!r} is {list(reference.shape)}, the program's {list(found.shape)}")
        agreement = top1(reference, classes(found))
        ratio = signal_to_noise_db(reference, found)
        figures["outputs"][name] = {"agreement": agreement, "snr_db": ratio if np.isfinite(ratio) else None}
        outcome.lines.append(
            f"against {path}: output {name!r}: same class {agreement:.2%}, signal to noise {ratio:.1f} dB"
        )
        if "top1" in outcome.figures and "top1" not in figures and results.data.labels is not None:
            figures["top1"] = top1(reference, results.data.labels)
            outcome.lines.append(f"top-1 of {path} {figures['top1']:.2%}")


def _expect(results: Results, path: Path, outcome: Outcome) -> None:
    """Require the arrays of a file: raw integers where it has them, else the real numbers."""
    expected = read_arrays(path)
    for name in results.real:
        if name + RAW not in expected and name not in expected:
            raise ModelError(f"{path}: it has the arrays {', '.join(sorted(expected))}; expected is {name!r}")
    different: dict[str, str] = {}
    for name in results.real:
        raw = name + RAW in expected
        found: AnyArray = results.raw[name] if raw else results.real[name]
        difference = first_difference(expected[name + RAW if raw else name], found)
        if difference is not None:
            different[name] = difference
    outcome.figures["expect"] = {"file": str(path), "equal": not different}
    if not different:
        outcome.lines.append(f"all outputs are as {path} expects")
    outcome.failures += [f"output {name!r} is not as {path} expects: {what}" for name, what in different.items()]


def _npz(results: Results) -> bytes:
    """The outputs as a `.npz` file: real numbers by name, and the raw integers behind them."""
    stream = BytesIO()
    arrays: dict[str, AnyArray] = {**results.real, **{name + RAW: array for name, array in results.raw.items()}}
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


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
