"""What `pqc run` says of results: compared, counted, written to a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from pqc.cli.output import write
from pqc.cli.progress import track
from pqc.data import Dataset, read_arrays
from pqc.errors import ComparisonError, ModelError
from pqc.frontend.preprocessing import Preprocessing
from pqc.numerics.arrays import AnyArray, IntArray
from pqc.report.compare import are_classes, classes, first_difference, signal_to_noise_db, top1

BATCH = 1024
"""Frames between two steps of the progress bar."""

RAW = "__raw"
"""What follows an output's name where its raw integers are meant."""

SHOWN = 10
"""Frames whose class is shown."""


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
    """What was given for a data set: real numbers (or classes), and where the machine gave them, raw integers."""

    raw: Mapping[str, IntArray]
    real: Mapping[str, AnyArray]
    data: Dataset
    preprocessing: Preprocessing | None


def report_results(first: str, results: Results, options: RunOptions, outcome: Outcome) -> None:
    """Compare, write and show what the options ask for; ``first`` is the output that says the class.

    Raises:
        ModelError: there is nothing of that kind to compare with.
    """
    frames = results.data.frames
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
    if not are_classes(outputs):
        _check_labels(data, data.labels, outputs, name)
    share = top1(outputs, data.labels)
    outcome.figures["top1"] = share
    outcome.lines.append(f"top-1 {share:.2%}")


def _check_labels(data: Dataset, labels: IntArray, outputs: AnyArray, name: str) -> None:
    """Refuse labels that are no classes of an output."""
    number = int(np.prod(outputs.shape[1:]))
    if outputs.ndim < 2 or outputs.shape[1] != number:
        raise ModelError(f"--labels needs an output with one number a class, {name!r} is {list(outputs.shape[1:])}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high >= number:
        raise ModelError(
            f"{data.origin}: array 'labels' has values from {low} to {high}, allowed are 0 to {number - 1} by the "
            f"{number} classes of output {name!r}"
        )


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
        raw = name + RAW in expected and name in results.raw
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
