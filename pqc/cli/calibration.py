"""The calibration data of `pqc compile`, as the network will see them."""

from __future__ import annotations

from pathlib import Path

from pqc.data import load_dataset
from pqc.frontend.loader import load_model
from pqc.frontend.preprocessing import Preprocessing, preprocessing_from_metadata, preprocessing_from_numbers
from pqc.frontend.signature import model_inputs
from pqc.numerics.arrays import FloatArray
from pqc.passes.options import PqOptions


def chosen_preprocessing(
    model: Path, mean: tuple[float, ...] | None, std: tuple[float, ...] | None
) -> Preprocessing | None:
    """The preprocessing of the command line, else that of the model file, else None.

    Raises:
        ModelError: it is malformed, or the file is no model.
    """
    if mean is not None and std is not None:
        return preprocessing_from_numbers(mean, std, "--mean and --std")
    return preprocessing_from_metadata(load_model(model).metadata, str(model))


def load_calibration(
    model: Path, path: Path, options: PqOptions, preprocessing: Preprocessing | None
) -> dict[str, FloatArray]:
    """The first frames of a data set as float32 [frames, *shape], by the names of the model's inputs.

    Raises:
        ModelError: the data set is not one for this model.
    """
    inputs = {entry.name: tuple(entry.shape[1:]) for entry in model_inputs(load_model(model))}
    return load_dataset(path, inputs, options.frames_of(inputs.values())).prepare(preprocessing)
