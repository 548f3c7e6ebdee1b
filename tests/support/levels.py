"""A compiled network with the IR behind each pass, and what each level computes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.network import Network
from support.onnx_models import save
from xdsl.dialects.builtin import ModuleOp

from pqc.api import CompileRequest, compile_model
from pqc.interpreter.reference import run_reference
from pqc.isa.program import Program
from pqc.numerics.arrays import AnyArray, FloatArray, IntArray
from pqc.passes.options import PqOptions
from pqc.passes.pipeline import pipeline_names
from pqc.passes.text import load_module
from pqc.planning.target import load_target

FLOAT = range(pipeline_names().index("choose-bitwidths") + 2)
"""Numbers of the dumps that compute in real numbers, all the same ones (prototypes change them)."""

INTEGER = range(pipeline_names().index("quantize") + 1, len(pipeline_names()) + 1)
"""Numbers of the dumps that compute in integers; a pass that changes nothing leaves none."""

LOWERED = {pipeline_names().index(name) + 1 for name in ("lower-to-pqa", "allocate-memory", "insert-tokens")}
"""Numbers of those that are there whatever the network."""

CALIBRATION = 12
"""Frames that the networks are calibrated on."""


DEFAULT = PqOptions()
"""The options of a compilation where none are given."""


@dataclass(frozen=True)
class Levels:
    """A program, and the folder with its model and dumps."""

    network: Network
    folder: Path
    program: Program
    count: int = CALIBRATION
    """How many frames it was calibrated on."""

    @property
    def model(self) -> Path:
        """The ONNX file."""
        return self.folder / "model.onnx"

    @property
    def dumps(self) -> list[Path]:
        """The dumps, in the order of the passes."""
        return sorted((self.folder / "ir").glob("*.mlir"))

    @property
    def numbers(self) -> list[int]:
        """The numbers of the dumps."""
        return [int(path.name[:2]) for path in self.dumps]

    def modules(self, numbers: range) -> list[ModuleOp]:
        """The dumps with these numbers, read again."""
        return [load_module(path) for path, number in zip(self.dumps, self.numbers, strict=True) if number in numbers]

    @property
    def frames(self) -> dict[str, FloatArray]:
        """The frames that were calibrated on."""
        return self.network.data(self.count)

    @property
    def integers(self) -> dict[str, IntArray]:
        """The same on the grids of the inputs."""
        return {
            tensor.name: tensor.element.quantize(self.frames[tensor.name], tensor.scale)
            for tensor in self.program.inputs
        }

    def outputs(self, module: ModuleOp, inputs: Mapping[str, AnyArray]) -> dict[str, AnyArray]:
        """What the reference interpreter computes."""
        results = run_reference(module, [inputs[name] for name in self.network.inputs])
        return dict(zip(self.network.outputs, results, strict=True))

    def expected(self) -> dict[str, AnyArray]:
        """What onnxruntime computes."""
        runtime: Any = importlib.import_module("onnxruntime")
        options = runtime.SessionOptions()
        # its optimizer turns a padding in front of a pooling into pads that it then refuses
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = runtime.InferenceSession(str(self.model), options, providers=["CPUExecutionProvider"])
        results: list[AnyArray] = session.run(self.network.outputs, self.frames)
        return dict(zip(self.network.outputs, results, strict=True))


def compile_network(
    network: Network, folder: Path, target: str = "pqa", options: PqOptions = DEFAULT, frames: int = CALIBRATION
) -> Levels:
    """Compile ``network`` in ``folder``, calibrated on :attr:`Levels.frames`."""
    path = save(network.proto, folder)
    calibration = network.data(frames)
    request = CompileRequest(path, load_target(target), options, calibration, dump_ir=folder / "ir")
    return Levels(network, folder, compile_model(request).program, frames)
