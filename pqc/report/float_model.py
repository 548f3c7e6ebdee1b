"""The float model in onnxruntime: what results are measured against."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from pqc.errors import ModelError
from pqc.numerics.arrays import FloatArray

# onnxruntime comes without types.
_runtime: Any = import_module("onnxruntime")
_state = import_module("onnxruntime.capi.onnxruntime_pybind11_state")

_ERRORS = tuple(kind for kind in vars(_state).values() if isinstance(kind, type) and issubclass(kind, Exception))
"""onnxruntime's exceptions have no common base of their own."""

_WARNINGS_OFF = 3


class FloatModel:
    """An ONNX file, ready to run in onnxruntime.

    Raises:
        ModelError: onnxruntime does not accept the file.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise ModelError(f"{path}: no such file")
        options: Any = _runtime.SessionOptions()
        options.log_severity_level = _WARNINGS_OFF
        try:
            self._session: Any = _runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except _ERRORS as error:
            raise ModelError(f"{path}: onnxruntime does not accept this model: {_first_line(error)}") from None
        self.path = path
        self.inputs: dict[str, list[int | str | None]] = {
            tensor.name: tensor.shape for tensor in self._session.get_inputs()
        }
        self.outputs: tuple[str, ...] = tuple(tensor.name for tensor in self._session.get_outputs())

    def run(self, inputs: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
        """Outputs [frames, ...] by name, for float32 inputs [frames, ...] by name.

        Raises:
            ModelError: the inputs are not those of this model.
        """
        if set(inputs) != set(self.inputs):
            raise ModelError(
                f"{self.path}: its inputs are {_names(self.inputs)}, those of the program {_names(inputs)}"
            )
        frames = len(next(iter(inputs.values())))
        batch = self._batch() or frames
        parts = [self._run_batch(inputs, start, batch) for start in range(0, frames, batch)]
        return {
            name: np.concatenate([part[index] for part in parts])[:frames] for index, name in enumerate(self.outputs)
        }

    def _batch(self) -> int | None:
        """The number of frames that the model is made for; None where any number will do."""
        fixed = [shape[0] for shape in self.inputs.values() if shape and isinstance(shape[0], int)]
        return fixed[0] if fixed else None

    def _run_batch(self, inputs: Mapping[str, FloatArray], start: int, batch: int) -> list[FloatArray]:
        feed: dict[str, FloatArray] = {}
        for name, array in inputs.items():
            part = array[start : start + batch]
            # A model made for a fixed number of frames gets the last one repeatedly, to fill up.
            feed[name] = np.concatenate([part, np.repeat(part[-1:], batch - len(part), axis=0)])
        try:
            return self._session.run(None, feed)
        except _ERRORS as error:
            raise ModelError(f"{self.path}: onnxruntime cannot run this model: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    # Its messages start with a number and its name in capitals, for programs to read.
    return str(error).strip().partition("\n")[0].rpartition(" : ")[2]


def _names(names: Mapping[str, object]) -> str:
    return ", ".join(repr(name) for name in names)
