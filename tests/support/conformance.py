"""ONNX's own tests of backends: those for the operators that pqc claims, and what pqc makes of each."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper

from pqc import backend
from pqc.errors import ModelError
from pqc.frontend.loader import OLDEST_OPSET
from pqc.frontend.node import operator_name
from pqc.frontend.operators import supported_operators
from pqc.numerics.arrays import AnyArray
from pqc.problems import INPUT, OUTPUT, NodeProblem, ProblemsError

NODES = "node"
"""The kind of the tests that every operator of the standard has."""

CONVERTED = ("pytorch-converted", "pytorch-operator")
"""The kinds of tests that PyTorch once exported, most of them for an older operator set than pqc takes."""

QUANTIZED_TOLERANCE = 0.03
"""Of an output's largest value: as far may results in integers of 8 bits be off."""

BEYOND_INTEGERS = {
    "test_operator_sqrt": "it takes roots of negative numbers, and wants NaN, which no integer stands for",
    "test_softmax_large_number": "its numbers lie up to 10,003 and 1 apart, closer than steps of 8 bits",
}
"""Tests that pass in float alone, and why."""

_NODE_CASES: Any = importlib.import_module("onnx.backend.test.case.node")
_LOADER: Any = importlib.import_module("onnx.backend.test.loader")
_RUNNER: Any = importlib.import_module("onnx.backend.test.runner").Runner
_CONVERTER: Any = importlib.import_module("onnx.version_converter")
_CLASS = re.compile(r"^class (\w+)\(Base\)", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """One test: a model, and for each of ``runs`` what it is given and what it shall give."""

    name: str
    kind: str
    operators: tuple[str, ...]
    model: onnx.ModelProto
    runs: Sequence[tuple[Sequence[Any], Sequence[Any]]]
    relative: float
    absolute: float

    def refusal(self) -> str:
        """Run it: empty where it passes, otherwise why pqc refuses the model or its inputs.

        Raises:
            AssertionError: pqc's result differs from ONNX's.
        """
        try:
            prepared = backend.prepare(self.model, "CPU")
            for inputs, expected in self.runs:
                found = prepared.run([_array(value) for value in inputs])
                _RUNNER.assert_similar_outputs([_array(y) for y in expected], found, self.relative, self.absolute)
        except ModelError as error:
            return _reason(error)
        return ""

    def quantized_refusal(self) -> str:
        """Why pqc refuses the test in integers; empty where it does not."""
        try:
            self.quantized_distance()
        except ModelError as error:
            return _reason(error)
        return ""

    def quantized_distance(self) -> float:
        """How far results at the quantized level are off, in units of the largest of each output.

        Raises:
            ModelError: pqc refuses the model or its inputs.
        """
        worst = 0.0
        prepared = backend.prepare(self.model, "CPU", level="quantized")
        for inputs, expected in self.runs:
            found = prepared.run([_array(value) for value in inputs])
            for one, wanted in zip(found, map(_array, expected), strict=True):
                largest = float(np.abs(wanted).max(initial=0.0)) or 1.0
                worst = max(worst, float(np.abs(one - wanted).max(initial=0.0)) / largest)
        return worst


def claimed_operators() -> set[str]:
    """The standard operators that ``pqc ops`` lists."""
    return {name for name, _ in supported_operators() if "." not in name}


@cache
def modules_by_operator() -> dict[str, str]:
    """For each operator of ONNX's package the module that defines its tests."""
    found: dict[str, str] = {}
    for path in sorted(Path(_NODE_CASES.__file__).parent.glob("*.py")):
        for operator in _CLASS.findall(path.read_text(encoding="utf-8")):
            found[operator] = f"{_NODE_CASES.__name__}.{path.stem}"
    return found


@cache
def claimed_cases() -> dict[str, Case]:
    """By name the tests of models whose nodes are all of claimed operators."""
    claimed = claimed_operators()
    cases = [*_node_cases(claimed), *(case for kind in CONVERTED for case in _stored_cases(kind))]
    return {case.name: case for case in cases if claimed.issuperset(case.operators)}


def _node_cases(claimed: set[str]) -> Iterator[Case]:
    """The tests in the modules of ``claimed`` operators.

    Importing a module makes its tests. To import all of them takes minutes, so the others are left alone. What they
    compute meanwhile may be infinite.
    """
    modules = modules_by_operator()
    with np.errstate(all="ignore"):
        for operator in sorted(claimed & set(modules)):
            importlib.import_module(modules[operator])
    for case in _NODE_CASES._NodeTestCases:
        yield Case(case.name, NODES, _operators(case.model), case.model, case.data_sets, case.rtol, case.atol)


def _stored_cases(kind: str) -> Iterator[Case]:
    """The tests in a folder of ONNX's package, brought to an operator set that pqc takes, as it advises."""
    claimed = claimed_operators()
    for case in sorted(_LOADER.load_model_tests(kind=kind), key=lambda case: case.name):
        folder = Path(case.model_dir)
        model = onnx.load_model_from_string((folder / "model.onnx").read_bytes())
        if not claimed.issuperset(_operators(model)):
            continue
        if model.opset_import[0].version < OLDEST_OPSET:
            model = _CONVERTER.convert_version(model, 13)
        runs = [(_stored(run, "input"), _stored(run, "output")) for run in sorted(folder.glob("test_data_set_*"))]
        yield Case(case.name, kind, _operators(model), model, runs, case.rtol, case.atol)


def _stored(folder: Path, side: str) -> list[AnyArray]:
    paths = sorted(folder.glob(f"{side}_*.pb"), key=lambda path: int(path.stem.partition("_")[2]))
    return [onnx.numpy_helper.to_array(onnx.TensorProto.FromString(path.read_bytes())) for path in paths]


def _operators(model: onnx.ModelProto) -> tuple[str, ...]:
    return tuple(sorted({operator_name(node) for node in model.graph.node}))


def _array(value: Any) -> AnyArray:
    return onnx.numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


def _reason(error: ModelError) -> str:
    """What an error says of nodes, inputs and outputs, without the names of nodes; never empty."""
    if not isinstance(error, ProblemsError):
        return str(error).removeprefix("model: ")
    said = "; ".join(_clause(problem) for problem in error.problems)
    assert said, error
    return said


def _clause(problem: NodeProblem) -> str:
    return f"{problem.where}: {problem.found}" if problem.operator in (INPUT, OUTPUT) else problem.found
