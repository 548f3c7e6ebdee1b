"""The network as it was imported, against onnxruntime on the ONNX file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pqc.interpreter.reference import names_of
from pqc.report.float_model import FloatModel
from pqc.verification.execution import Execution
from pqc.verification.findings import Finding, Pair, compared
from pqc.verification.rules import FLOAT_BOUND


def as_the_runtime_says(model: Path, imported: Execution) -> Finding:
    """Every output is what onnxruntime computes, up to the order of sums.

    Raises:
        ModelError: onnxruntime does not accept the model.
    """
    given = dict(zip(names_of(imported.module, "pqc.inputs"), imported.inputs, strict=True))
    expected = FloatModel(model).run(given)

    def pairs() -> Iterator[Pair]:
        for name, value in imported.outputs.items():
            largest = float(np.abs(expected[name]).max(initial=0.0)) or 1.0
            yield Pair(f"output {name}", expected[name], value.array, FLOAT_BOUND * largest, largest, None)

    return compared(f"onnxruntime, equal to {FLOAT_BOUND:g} of the largest", pairs(), imported)
