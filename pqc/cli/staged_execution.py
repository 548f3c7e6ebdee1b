"""What `pqc run` does with a program of several stages: the machine and the host take turns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pqc.cli.execution import check_self_test
from pqc.cli.progress import track
from pqc.cli.results import BATCH, Outcome, Results, RunOptions, report_results
from pqc.cli.staged_report import staged_report_lines
from pqc.data import load_dataset
from pqc.errors import ModelError
from pqc.frontend.preprocessing import recorded_preprocessing
from pqc.isa.stages import StagedProgram
from pqc.report.staged import build_staged_report, listed_stages
from pqc.staging.execution import StagedMachine, StagedResults

OF_ONE_PROGRAM = {"trace": "--trace", "random_order": "--random-order", "vectors": "--export-vectors"}
"""The options that look into one program."""


def execute_stages(staged: StagedProgram, origin: str, options: RunOptions) -> Outcome:
    """Execute all stages of ``staged``, read from ``origin``; without input the self-tests of its programs.

    Raises:
        ModelError: an input is missing or wrong, a graph cannot be executed, or an option is for one program alone.
        ProgramError: a program breaks a rule of the machine.
    """
    for name, flag in OF_ONE_PROGRAM.items():
        if getattr(options, name) is not None:
            raise ModelError(
                f"{origin}: {flag} is for one program, and these are several stages: take them apart with "
                f"`pqc stages {origin} -o FOLDER`"
            )
    machine = StagedMachine(staged, origin)
    outcome = Outcome()
    outcome.figures["stages"] = listed_stages(staged)
    outcome.lines += stage_lines(staged)
    if options.input_path is None:
        _self_tests(machine, origin, outcome)
    else:
        report_results(staged.outputs[0], _run(machine, origin, options.input_path, options.images), options, outcome)
    if options.timing:
        outcome.figures["timing"] = build_staged_report(staged)
        outcome.lines += ["", *staged_report_lines(staged)]
    return outcome


def stage_lines(staged: StagedProgram) -> Iterator[str]:
    """Where each stage runs, and for one on the host its nodes with their operators."""
    for name, stage in zip(staged.names, staged.stages, strict=True):
        count = f"{len(stage.nodes)} {'node' if len(stage.nodes) == 1 else 'nodes'}"
        what = count if name in staged.programs else f"{count}: {', '.join(map(str, stage.nodes))}"
        yield f"stage {name}: runs on: {stage.kind}, {what}"


def _self_tests(machine: StagedMachine, origin: str, outcome: Outcome) -> None:
    """Execute the self-test of every program; the host has none, its real numbers are not the same everywhere."""
    found = {name: Outcome() for name in machine.machines}
    for name, one in machine.machines.items():
        check_self_test(one, f"{origin}: stage {name}", found[name])
        outcome.lines += [f"stage {name}: {line}" for line in found[name].lines]
        outcome.failures += found[name].failures
    outcome.figures["self_tests"] = {name: one.figures["self_test"] for name, one in found.items()}
    outcome.lines.append("what is on the host has no self-test: it is executed with --input")


def _run(machine: StagedMachine, origin: str, path: Path, limit: int | None) -> Results:
    staged = machine.staged
    data = load_dataset(path, {entry.name: entry.shape for entry in staged.inputs}, limit)
    preprocessing = recorded_preprocessing(staged.provenance, origin)
    starts = range(0, data.frames, BATCH)
    parts: list[StagedResults] = [
        machine.run(data.prepare(preprocessing, start, start + BATCH)) for start in track(starts, "run", len(starts))
    ]
    outputs = {name: np.concatenate([part.outputs[name] for part in parts]) for name in parts[0].outputs}
    raw = {name: np.concatenate([part.raw[name] for part in parts]) for name in parts[0].raw}
    return Results(raw, outputs, data, preprocessing)
