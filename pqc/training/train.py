"""A training run from a model to a trained one: fit, train, write back; it goes on where it was interrupted."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from pqc.compilation import CompileRequest, fitted_model
from pqc.data import Dataset
from pqc.errors import ModelError
from pqc.passes.attributes import provenance_of, set_provenance
from pqc.training.batches import Batches
from pqc.training.checkpoint import Checkpoint
from pqc.training.network import Network
from pqc.training.options import TrainOptions
from pqc.training.torch_library import Device, torch
from pqc.training.trainer import Quality, Trainer
from pqc.training.write_back import write_back
from pqc.version import __version__
from pqc.workers import worker_threads

SECONDS_BETWEEN_CHECKPOINTS = 60.0
"""An interruption costs no more than the work of this time."""

REPORTS_PER_RUN = 10
"""How often the quality is measured."""


class Watcher(Protocol):
    """Who wants to know how training goes."""

    def started(self, done: int, total: int) -> None:
        """So many of all steps are done when training begins; more than none where an earlier run is continued."""

    def stepped(self, done: int, total: int) -> None:
        """One more step is done."""

    def measured(self, record: dict[str, Any]) -> None:
        """How good the network is now."""


@dataclass(frozen=True)
class TrainRequest:
    """What is to be trained, on which data.

    ``compile`` says which model and how its layers are product-quantized, as for a compilation; its target's other
    keys decide nothing but the accumulator's bits. ``data`` are the training frames as they are in the file.
    """

    compile: CompileRequest
    data: Dataset
    options: TrainOptions
    checkpoint: Path
    device: str = "auto"


@dataclass(frozen=True)
class TrainResult:
    """The trained network at the float level, on its grids, and its quality where that could be measured."""

    module: ModuleOp
    before: Quality | None
    after: Quality | None
    best_step: int | None
    """After how many steps it was as it is now: 0 if training made nothing better, None if that cannot be told."""
    finished: bool
    """False if it was interrupted: then the network is as good as it got, and the same request goes on."""


def train_model(
    request: TrainRequest, names: tuple[str, ...], watcher: Watcher, interrupted: Callable[[], bool] = lambda: False
) -> TrainResult:
    """Train, from the beginning or from where the checkpoint is; ``names`` are the inputs in their order.

    Raises:
        ModelError: the model, its data, the options or the checkpoint are at fault.
    """
    device = chosen_device(request.device)
    checkpoint, facts = Checkpoint(request.checkpoint), _facts(request)
    with computing(device):
        if not checkpoint.belongs_to(facts):
            # scales that are powers of two: float32 computes them exactly, and hardware with shifts alone
            target = request.compile.target
            shifting = None if target is None else replace(target, requantize="shift")
            checkpoint.start(facts, *fitted_model(replace(request.compile, target=shifting)))
        module, exact = checkpoint.modules()
        options = request.options
        batches = Batches(request.data.arrays, request.data.labels, options.batch, options.seed, options.augment)
        student = Network(module, rounded=True, temperature=options.temperature)
        teacher = Network(exact, rounded=False)
        trainer = Trainer(student, teacher, names, batches, request.compile.preprocessing, options, device)
        before, after = _run(trainer, checkpoint, watcher, interrupted)
        best = trainer.take_best() if trainer.done >= trainer.steps else None
    write_back(student)
    if best is not None:
        after = best.quality
    trained: dict[str, Any] = {"steps": trainer.done, "options": options.as_json(), "data": facts["data"]}
    set_provenance(module, provenance_of(module) | {"trained": trained})
    return TrainResult(module, before, after, None if best is None else best.step, trainer.done >= trainer.steps)


def _run(
    trainer: Trainer, checkpoint: Checkpoint, watcher: Watcher, interrupted: Callable[[], bool]
) -> tuple[Quality | None, Quality | None]:
    """Train to the end, or until it is interrupted; the quality at the beginning and at the end."""
    state = checkpoint.load()
    # as it was fitted: training may make nothing better
    before = trainer.measure() if state is None else None
    if state is None:
        trainer.prepare()
    else:
        trainer.restore(state)
    watcher.started(trainer.done, trainer.steps)
    every = max(1, trainer.steps // REPORTS_PER_RUN)
    kept = began = time.monotonic()
    losses: list[float] = []
    quality = before
    while trainer.done < trainer.steps and not interrupted():
        losses.append(trainer.step())
        watcher.stepped(trainer.done, trainer.steps)
        if trainer.done % every == 0 or trainer.done == trainer.steps:
            quality = trainer.measure()
            seconds = time.monotonic() - began
            watcher.measured(_record(trainer.done, float(np.mean(losses)), quality, seconds))
            losses.clear()
        if time.monotonic() - kept > SECONDS_BETWEEN_CHECKPOINTS:
            checkpoint.save(trainer.state())
            kept = time.monotonic()
    checkpoint.save(trainer.state())
    return before, quality


def _record(step: int, loss: float, quality: Quality | None, seconds: float) -> dict[str, Any]:
    measured = {} if quality is None else {"top1": quality.top1, "error": quality.error}
    return {"step": step, "loss": loss, **measured, "seconds": round(seconds, 1)}


def _facts(request: TrainRequest) -> dict[str, Any]:
    """What a run is started with, and must be continued with."""
    digest = hashlib.sha256()
    arrays = dict(request.data.arrays) | ({} if request.data.labels is None else {"labels": request.data.labels})
    for name, array in sorted(arrays.items()):
        digest.update(f"{name}{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).tobytes())
    target = request.compile.target
    return {
        "version": __version__,
        "model": hashlib.sha256(request.compile.model.read_bytes()).hexdigest(),
        "data": digest.hexdigest(),
        "target": None if target is None else target.fingerprint(),
        "quantization": request.compile.pq.as_json(),
        "options": request.options.as_json(),
    }


def chosen_device(name: str) -> Device:
    """The device that ``name`` asks for: ``auto`` takes a GPU where there is one.

    Raises:
        ModelError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:
        sentence = str(error).strip().splitlines()[0]
        raise ModelError(f"--device {name}: not available ({sentence}); allowed are auto, cpu and cuda") from error
    return torch.device(name)


@contextmanager
def computing(device: Device) -> Generator[None, None, None]:
    """Inside, pieces of a batch share the cores, each computed in one thread, and everything is deterministic."""
    threads, deterministic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1 if device.type == "cpu" else threads)
    torch.use_deterministic_algorithms(device.type == "cpu")
    try:
        with worker_threads():
            yield
    finally:
        torch.use_deterministic_algorithms(deterministic)
        torch.set_num_threads(threads)
