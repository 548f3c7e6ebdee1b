"""The network as it was imported, against onnxruntime on the ONNX file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx

from pqc.interpreter.reference import names_of
from pqc.report.float_model import FloatModel
from pqc.verification.execution import Execution
from pqc.verification.findings import Finding, Pair, Violation, compared
from pqc.verification.rules import FLOAT_BOUND

ROUNDED_BOUND = 0.05
"""Of the largest value of an output: how far the results of a model with QuantizeLinear may be off on the mean."""


def as_the_runtime_says(model: Path, imported: Execution) -> Finding:
    """Every output is what onnxruntime computes, up to the order of sums, or close to it if the model itself rounds.

    Raises:
        ModelError: onnxruntime does not accept the model.
    """
    if any(one.op_type == "QuantizeLinear" for one in onnx.load_model_from_string(model.read_bytes()).graph.node):
        return _close_to_the_runtime(model, imported)
    given = dict(zip(names_of(imported.module, "pqc.inputs"), imported.inputs, strict=True))
    expected = FloatModel(model).run(given)

    def pairs() -> Iterator[Pair]:
        for name, value in imported.outputs.items():
            largest = float(np.abs(expected[name]).max(initial=0.0)) or 1.0
            yield Pair(f"output {name}", expected[name], value.array, FLOAT_BOUND * largest, largest, None)

    return compared(f"onnxruntime, equal to {FLOAT_BOUND:g} of the largest", pairs(), imported)


def _close_to_the_runtime(model: Path, imported: Execution) -> Finding:
    """The outputs of a model that rounds: zero points and halves are rounded otherwise here, and layers add that up."""
    given = dict(zip(names_of(imported.module, "pqc.inputs"), imported.inputs, strict=True))
    expected = FloatModel(model).run(given)
    rule = f"onnxruntime, on the mean within {ROUNDED_BOUND:g} of the largest"
    worst, worst_node = 0.0, ""
    for name, value in imported.outputs.items():
        largest = float(np.abs(expected[name]).max(initial=0.0)) or 1.0
        distance = float(np.sqrt(np.mean((expected[name] - value.array) ** 2))) / largest
        if not distance <= ROUNDED_BOUND:
            said = Violation(
                f"output {name!r} is {distance:.3g} of its largest value off, in the root of the mean square"
            )
            return Finding(rule, len(imported.outputs), distance, f"output {name}", said)
        if distance >= worst:
            worst, worst_node = distance, f"output {name}"
    return Finding(rule, len(imported.outputs), worst, worst_node)
