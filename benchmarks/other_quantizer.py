"""A network in 8 bits by onnxruntime's own quantizer, so that docs/networks.md says what 8 bits can be expected to do.

Static quantization: activations uint8 over what occurs in the frames of the calibration, weights int8, one scale for
each output channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from pqc.data import load_dataset
from pqc.frontend import import_model
from pqc.numerics.arrays import FloatArray
from pqc.report.compare import signal_to_noise_db
from pqc.report.float_model import FloatModel

# onnxruntime comes without types.
_quantization: Any = import_module("onnxruntime.quantization")
_preparation: Any = import_module("onnxruntime.quantization.shape_inference")

FRAMES = 512
"""Of the calibration, at most."""


class Frames:
    """The frames of a calibration one by one, as onnxruntime asks for them."""

    def __init__(self, arrays: Mapping[str, FloatArray]) -> None:
        self._arrays = arrays
        self._next = 0

    def get_next(self) -> dict[str, FloatArray] | None:
        """The next frame by input; None at the end."""
        start, self._next = self._next, self._next + 1
        frame = {name: array[start : start + 1] for name, array in self._arrays.items()}
        return frame if all(len(array) for array in frame.values()) else None


def signal_to_noise(model: Path, calibration: Path, tested: Path, folder: Path) -> float:
    """Signal to noise in dB of the first output on the frames of ``tested``; files are left in ``folder``."""
    preprocessing = import_model(model).preprocessing
    inputs = FloatModel(model).inputs.items()
    shapes = {name: tuple(size for size in shape[1:] if isinstance(size, int)) for name, shape in inputs}
    seen, new = (
        load_dataset(path, shapes, limit).prepare(preprocessing)
        for path, limit in ((calibration, FRAMES), (tested, None))
    )
    prepared, quantized = folder / "prepared.onnx", folder / "onnxruntime.onnx"
    _preparation.quant_pre_process(str(model), str(prepared))
    _quantization.quantize_static(
        str(prepared),
        str(quantized),
        Frames(seen),
        per_channel=True,
        activation_type=_quantization.QuantType.QUInt8,
        weight_type=_quantization.QuantType.QInt8,
    )
    reference, found = (FloatModel(path).run(new) for path in (model, quantized))
    name = next(iter(reference))
    return signal_to_noise_db(reference[name], found[name])
