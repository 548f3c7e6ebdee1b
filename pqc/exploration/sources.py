"""The network of a sweep and its data: where they are, what the network gets of them, and what identifies them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from math import prod
from pathlib import Path

from xdsl.dialects.builtin import TensorType

from pqc.data import Dataset, load_dataset
from pqc.errors import ModelError
from pqc.frontend import ImportedModel, import_model
from pqc.frontend.loader import load_model
from pqc.frontend.preprocessing import Preprocessing
from pqc.frontend.signature import model_inputs
from pqc.interpreter.reference import boundary_types
from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.passes.options import PqOptions
from pqc.passes.text import module_text
from pqc.synthetic import synthetic_count, synthetic_frames

ERROR_FRAMES = 256
"""Frames that the error is measured on, at most: it settles sooner than the accuracy does."""


@dataclass(frozen=True)
class Evaluation:
    """Frames to evaluate on, of which ``preprocessing`` makes what the network takes."""

    data: Dataset
    preprocessing: Preprocessing | None

    @property
    def images(self) -> int:
        """How many frames there are."""
        return self.data.frames

    @property
    def labels(self) -> IntArray | None:
        """[images]; None where they are not known."""
        return self.data.labels

    def frames(self, start: int, stop: int) -> dict[str, FloatArray]:
        """Frames [start, stop) as the network takes them, by input name."""
        return self.data.prepare(self.preprocessing, start, stop)


@dataclass(frozen=True)
class Sources:
    """Where the network and its data are; None: no such data.

    ``images`` limits the frames of ``evaluation``; ``preprocessing`` applies to both sets.
    """

    model: Path
    calibration: Path | None = None
    evaluation: Path | None = None
    images: int | None = None
    preprocessing: Preprocessing | None = None

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of one frame of each input of the model."""
        return {entry.name: tuple(entry.shape[1:]) for entry in model_inputs(load_model(self.model))}

    def calibration_frames(self, options: PqOptions) -> dict[str, FloatArray] | None:
        """The frames that ``options`` look at, as the network takes them; None if there are none to calibrate on.

        Raises:
            ModelError: they cannot be read, or are not for this model.
        """
        if self.calibration is None:
            return None
        return load_dataset(self.calibration, self.shapes, options.frames_of(self.shapes.values())).prepare(
            self.preprocessing
        )

    def evaluation_data(self) -> Evaluation:
        """What to evaluate on: the frames that were given, else those to calibrate on, else synthetic ones.

        Raises:
            ModelError: they cannot be read, or are not for this model.
        """
        if self.evaluation is not None:
            return Evaluation(load_dataset(self.evaluation, self.shapes, self.images), self.preprocessing)
        if self.calibration is not None:
            found = load_dataset(self.calibration, self.shapes, ERROR_FRAMES)
            # Labels of what was learned on would say nothing about accuracy.
            return Evaluation(Dataset(found.origin, found.arrays, None), self.preprocessing)
        count = synthetic_count(self.shapes.values())
        frames: dict[str, AnyArray] = {
            name: synthetic_frames(count, shape, self.preprocessing, 0) for name, shape in self.shapes.items()
        }
        return Evaluation(Dataset("synthetic frames", frames, None), None)


@dataclass(frozen=True)
class Identity:
    """Digests of what a sweep works on: equal digests, equal results.

    ``calibration`` has the digest of the frames that are calibrated on, by the option ``images``.
    """

    model: str
    calibration: Mapping[int | None, str]
    evaluation: str
    labelled: bool


def identify(sources: Sources, limits: Iterable[int | None]) -> Identity:
    """Read everything once, and check it.

    Args:
        sources: the network and its data.
        limits: the options ``images`` of all configurations.

    Raises:
        ModelError: the model cannot be imported, data cannot be read or is not for this model.
    """
    imported = import_model(sources.model)
    # The text names every constant by its digest, those outside of the model file included.
    model = sha256(module_text(imported.module).encode()).hexdigest()
    calibration = dict.fromkeys(limits, "synthetic")
    if sources.calibration is not None:
        counts = {limit: PqOptions(images=limit).frames_of(sources.shapes.values()) for limit in calibration}
        dataset = load_dataset(sources.calibration, sources.shapes, max(counts.values()))
        calibration = {limit: _digest(dataset.arrays, sources.preprocessing, count) for limit, count in counts.items()}
    evaluation = sources.evaluation_data()
    digest = _digest(evaluation.data.arrays, evaluation.preprocessing, None)
    if evaluation.labels is not None:
        digest += _digest({"labels": evaluation.labels}, None, None)
        _check_labels(evaluation.data, imported)
    return Identity(model, calibration, digest, evaluation.labels is not None)


def _check_labels(data: Dataset, imported: ImportedModel) -> None:
    """Check that the labels are classes of the network's first output."""
    if data.labels is None:
        return
    name, kind = imported.output_names[0], boundary_types(imported.module)[1][0]
    shape = kind.get_shape()[1:] if isinstance(kind, TensorType) else ()
    if not shape or shape[0] != prod(shape):
        raise ModelError(
            f"{data.origin}: it has labels, which need an output with one number a class; output {name!r} is "
            f"{list(shape)}"
        )
    low, high = int(data.labels.min()), int(data.labels.max())
    if low < 0 or high >= shape[0]:
        raise ModelError(
            f"{data.origin}: array 'labels' has values from {low} to {high}, allowed are 0 to {shape[0] - 1} by the "
            f"{shape[0]} classes of output {name!r}"
        )


def _digest(arrays: Mapping[str, AnyArray], preprocessing: Preprocessing | None, limit: int | None) -> str:
    """SHA-256 over names, types, shapes and the first ``limit`` frames of ``arrays``."""
    total = sha256(repr(preprocessing).encode())
    for name, array in arrays.items():
        part = array[:limit]
        total.update(f"{name} {part.dtype.str} {part.shape}".encode())
        total.update(part.tobytes())
    return total.hexdigest()
