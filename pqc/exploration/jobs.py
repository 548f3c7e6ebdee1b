"""The pieces of work of a sweep, each a function of one argument that any process on any machine can execute.

A job names files: whoever executes it must see the sweep's folder, the model and the data under the same paths.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pqc.api import Program
from pqc.codebook.metrics import normalized_error
from pqc.compilation import CompileRequest, compile_quantized, quantize_model
from pqc.dialects.blob import constants_scope
from pqc.errors import ModelError
from pqc.exploration.sources import ERROR_FRAMES, Sources
from pqc.exploration.store import REFUSED, Record
from pqc.frontend import import_model
from pqc.interpreter.reference import run_reference
from pqc.numerics.arrays import AnyArray, FloatArray
from pqc.passes.options import PqOptions
from pqc.passes.text import load_module, save_module
from pqc.planning.target import Target
from pqc.report.compare import top1
from pqc.report.layers import LayerFacts, layer_facts
from pqc.version import __version__

QUANTIZED = "quantized.mlir"
"""The file of a fit: the network at the quantized level; its constants lie beside it."""

BATCH = 256
"""Frames that are executed at once."""

SIGNIFICANT = 9
"""Digits of the error that are kept."""


@dataclass(frozen=True)
class FitJob:
    """Fit the prototypes of one configuration and quantize, into ``folder``, which appears when all is done."""

    folder: Path
    sources: Sources
    pq: PqOptions
    target: Target


@dataclass(frozen=True)
class MeasureJob:
    """Lower the network in ``folder`` for a target, and count cycles and area."""

    folder: Path
    target: Target


@dataclass(frozen=True)
class EvaluateJob:
    """Execute the network in ``folder`` on the machine; every target that it fits gives the same result."""

    folder: Path
    target: Target
    sources: Sources


def fit(job: FitJob) -> Record:
    """Leave the quantized network in the job's folder.

    Returns:
        Nothing, or under ``refused`` why the configuration cannot be fitted.

    Raises:
        ModelError: the data cannot be read, or this machine does not see the sweep's folder.
        InternalError: pqc itself is at fault.
    """
    if not job.folder.parent.is_dir():
        raise ModelError(f"{job.folder.parent}: not there; all machines must see this folder under the same path")
    with constants_scope():
        frames = job.sources.calibration_frames(job.pq)
        request = CompileRequest(
            model=job.sources.model,
            target=job.target,
            pq=job.pq,
            calibration=frames,
            preprocessing=job.sources.preprocessing,
        )
        try:
            module = quantize_model(request)
        except ModelError as error:
            return {REFUSED: str(error)}
        partial = job.folder.with_name(f".{job.folder.name}.{os.uname().nodename}.{os.getpid()}")
        save_module(module, partial / QUANTIZED, f"pqc {__version__}: {job.sources.model.name}, quantized")
    try:
        partial.rename(job.folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        # Whoever was faster fitted the same.
        if not job.folder.is_dir():
            raise ModelError(f"{job.folder}: cannot be written: {error.strerror}") from None
    return {}


def measure(job: MeasureJob) -> Record:
    """The figures of one point that do not depend on data.

    Returns:
        ``cycles`` (of one more frame), ``latency`` (of one frame from cold), ``pq_cycles`` (the part of ``cycles`` that
        PQ layers take), ``microseconds`` (of ``cycles``), ``area_clb`` (of the PQ units), ``table_bytes`` (of all
        tables), ``instructions``; or under ``refused`` why the network does not fit the target.

    Raises:
        ModelError: the fit cannot be read.
        InternalError: pqc itself is at fault.
    """
    with constants_scope():
        module = load_module(job.folder / QUANTIZED)
        try:
            result = compile_quantized(module, job.target)
            report = result.report
        except ModelError as error:
            return {REFUSED: str(error)}
    cycles, layers = report["cycles"], layer_facts(result.program).values()
    return {
        "cycles": cycles["steady_state"],
        "latency": cycles["latency"],
        "pq_cycles": cycles["pq"],
        "microseconds": cycles["steady_state"] / job.target.clock_mhz,
        "area_clb": report["area_clb"],
        "table_bytes": sum(table_bytes(layer) for layer in layers if layer.pq),
        "instructions": report["instructions"],
    }


def table_bytes(layer: LayerFacts) -> int:
    """Bytes of a layer's table: [subspaces, prototypes, outputs] entries of so many bits."""
    return -(-layer.subspaces * layer.prototypes * layer.outputs * layer.table_bits // 8)


def evaluate(job: EvaluateJob) -> Record:
    """How good the program's outputs are.

    Returns:
        ``evaluated`` (how many images), ``accuracy`` (the share that is classified right; None without labels),
        ``error`` (normalized error of the outputs against the float network).

    Raises:
        ModelError: the data cannot be read, or its labels are not classes of the network.
        InternalError: pqc itself is at fault.
    """
    data = job.sources.evaluation_data()
    with constants_scope():
        module = load_module(job.folder / QUANTIZED)
        program = Program(compile_quantized(module, job.target).program)
        first = data.frames(0, ERROR_FRAMES)
        wanted = _float_outputs(job.sources, first)
    parts = [program.run(data.frames(start, start + BATCH), preprocess=False) for start in range(0, data.images, BATCH)]
    found = {name: np.concatenate([part[name] for part in parts]) for name in wanted}
    error = _error(found, wanted)
    accuracy = None if data.labels is None else float(top1(next(iter(found.values())), data.labels))
    return {
        "evaluated": data.images,
        "accuracy": accuracy,
        "error": float(f"{error:.{SIGNIFICANT}g}"),
    }


def _float_outputs(sources: Sources, inputs: Mapping[str, FloatArray]) -> dict[str, AnyArray]:
    """What the float network gives, by output name."""
    imported = import_model(sources.model)
    outputs = run_reference(imported.module, [inputs[name] for name in imported.input_names])
    return dict(zip(imported.output_names, outputs, strict=True))


def _error(found: Mapping[str, AnyArray], wanted: Mapping[str, AnyArray]) -> float:
    """The normalized error of all outputs together, on the frames that ``wanted`` has."""
    exact = [array.reshape(len(array), -1) for array in wanted.values()]
    actual = [found[name][: len(array)].reshape(len(array), -1) for name, array in wanted.items()]
    return normalized_error(np.concatenate(actual, axis=1), np.concatenate(exact, axis=1))
