"""From a model to its stages: each one on the accelerator is compiled, each one on the host kept as ONNX."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from pqc.calibration import Frames, frames_for
from pqc.compilation import CompileResult, compile_model
from pqc.frontend.importer import ImportedModel, try_import
from pqc.frontend.loader import LoadedModel, load_model
from pqc.frontend.preprocessing import Preprocessing, preprocessing_from_metadata
from pqc.frontend.signature import model_inputs
from pqc.interpreter.reference import run_reference
from pqc.isa.stages import Stage, StagedProgram, StageInput
from pqc.numerics.arrays import AnyArray
from pqc.request import CompileRequest
from pqc.staging.choices import options_of_stages
from pqc.staging.host_graph import HostGraph
from pqc.staging.inner_layers import as_inner_layers, is_decided
from pqc.staging.plan import PlannedStage, StagePlan, plan_stages
from pqc.staging.schedules import check_names, part_of
from pqc.version import __version__

FLOAT_FRAMES = 16
"""Frames that the float network is executed on at once."""

Values = dict[str, AnyArray]
"""Arrays [frames, ...] by their ONNX name."""

Watch = Callable[[str, ModuleOp], None]


@dataclass(frozen=True)
class StagedResult:
    """All stages, and by the names of those on the accelerator what their compilations gave."""

    staged: StagedProgram
    results: Mapping[str, CompileResult]


def compile_stages(request: CompileRequest, watch: Callable[[str], Watch] | None = None) -> StagedResult:
    """Compile what ``request`` asks for, and leave to the host what cannot be compiled.

    A model that can be compiled as a whole gives the program of :func:`pqc.compilation.compile_model`. Later stages are
    calibrated on what the earlier ones give for the calibration frames, in floating point.

    Args:
        request: what to compile; ``model`` is an ONNX file.
        watch: for the name of a stage, what sees its IR, in place of the request's.

    Raises:
        ModelError: the model, its data, the target or the options are at fault, or the host cannot help.
        InternalError: pqc itself is.
    """
    loaded = load_model(request.model)
    plan = plan_stages(loaded, try_import(loaded))
    if plan is not None:
        return _Compilation(request, loaded, plan, watch).result()
    name = "0-accelerator"
    whole = replace(request, loaded=loaded, watch=request.watch if watch is None else watch(name))
    result = compile_model(whole)
    return StagedResult(StagedProgram.of_program(result.program), {name: result})


class _Compilation:
    """The stages of ``plan``, compiled one after the other."""

    def __init__(
        self, request: CompileRequest, loaded: LoadedModel, plan: StagePlan, watch: Callable[[str], Watch] | None
    ) -> None:
        self._request = request
        self._loaded = loaded
        self._plan = plan
        self._watch = watch
        self._inputs = {entry.name: entry.shape[1:] for entry in model_inputs(loaded)}
        self._preprocessing = request.preprocessing or preprocessing_from_metadata(loaded.metadata, str(request.model))
        imported = [stage.imported for stage in plan.stages if stage.imported is not None]
        if request.schedule is not None:
            on_accelerator = [stage for stage in plan.stages if stage.imported is not None]
            check_names(request.schedule, {name for stage in on_accelerator for name in _names(stage)})
        self._options = dict(zip(map(id, imported), options_of_stages(imported, request.pq), strict=True))
        self._frames = self._calibration(imported)

    def result(self) -> StagedResult:
        """Compile all stages."""
        stages, last = self._plan.stages, self._last_on_accelerator()
        self._request.tell(_announcement(self._plan))
        values: Values = dict(zip(self._inputs, self._frames.arrays or (), strict=True))
        tested = None if self._request.verify is None else self._request.verify.frames
        contents: list[Stage] = []
        results: dict[str, CompileResult] = {}
        for place, stage in enumerate(stages):
            name = f"{place}-{'host' if stage.imported is None else 'accelerator'}"
            if stage.imported is None:
                content = stage.model.model.SerializeToString(deterministic=True)
                contents.append(Stage(stage.nodes, stage.inputs, stage.outputs, content))
            else:
                results[name] = self._compiled(name, stage, stage.imported, values, tested)
                contents.append(Stage(stage.nodes, stage.inputs, stage.outputs, results[name].program))
            if place >= last:
                # nothing is learned from here on: only that the host can execute the rest has to be seen
                values = {value: array[: self._plan.frames] for value, array in values.items()}
            values |= self._forward(name, stage, values)
            if tested is not None:
                tested = dict(tested) | self._forward(name, stage, tested)
        return StagedResult(self._staged(tuple(contents)), results)

    def _last_on_accelerator(self) -> int:
        return max(place for place, stage in enumerate(self._plan.stages) if stage.imported is not None)

    def _calibration(self, imported: list[ImportedModel]) -> Frames:
        """The frames of the model's inputs; nobody hears of them if no stage has anything to learn."""
        learns = not all(is_decided(stage) for stage in imported)
        tell = self._request.tell if learns else _silent
        given = self._request.calibration
        return frames_for(self._inputs, given, self._preprocessing, self._request.pq, tell)

    def _compiled(
        self, name: str, stage: PlannedStage, imported: ImportedModel, values: Values, tested: Mapping[str, Any] | None
    ) -> CompileResult:
        """The program of a stage on the accelerator, calibrated on ``values``."""
        request, options = self._request, self._options[id(imported)]
        with TemporaryDirectory() as folder:
            changed = replace(
                request,
                loaded=stage.model,
                pq=as_inner_layers(imported, options, self._inputs),
                schedule=None if request.schedule is None else part_of(request.schedule, _names(stage)),
                calibration={value: values[value] for value in stage.inputs},
                preprocessing=None,
                dump_ir=None if request.dump_ir is None else request.dump_ir / name,
                watch=request.watch if self._watch is None else self._watch(name),
                tell=_silent if self._frames.origin == "synthetic" else request.tell,
            )
            if request.verify is not None:
                # onnxruntime, which a stage is verified against, wants a file
                path = Path(folder) / f"{name}.onnx"
                path.write_bytes(stage.model.model.SerializeToString(deterministic=True))
                frames = None if tested is None else {value: tested[value] for value in stage.inputs}
                changed = replace(changed, model=path, verify=replace(request.verify.of_stage(name), frames=frames))
            result = compile_model(changed)
        return self._with_origin(result)

    def _with_origin(self, result: CompileResult) -> CompileResult:
        """The same, saying where the frames of the whole are from: a stage is always given some."""
        facts = result.program.provenance
        if facts["calibration"] == "given":
            facts = facts | {"calibration": self._frames.origin}
        return replace(result, program=replace(result.program, provenance=facts))

    def _forward(self, name: str, stage: PlannedStage, values: Mapping[str, AnyArray]) -> Values:
        """What a stage gives for ``values``, in floating point."""
        is_read = any(value in later.inputs for later in self._plan.stages for value in stage.outputs)
        if stage.imported is not None and not is_read:
            return {}
        given = {value: values[value] for value in stage.inputs}
        if stage.imported is None:
            return HostGraph(stage.model.model, self._plan.frames, f"{self._request.model}: stage {name}").run(given)
        return _run_float(stage.imported, given)

    def _staged(self, stages: tuple[Stage, ...]) -> StagedProgram:
        facts: dict[str, Any] = {
            "pqc": __version__,
            "model": self._loaded.digest,
            "options": self._request.pq.as_json(),
            "calibration": self._frames.origin,
        }
        if self._preprocessing is not None:
            facts["preprocessing"] = _recorded(self._preprocessing)
        inputs = tuple(StageInput(name, tuple(shape)) for name, shape in self._inputs.items())
        outputs = tuple(output.name for output in self._loaded.model.graph.output)
        return StagedProgram(inputs, outputs, self._plan.frames, facts, stages)


def _names(stage: PlannedStage) -> set[str]:
    """What a schedule may name in a stage."""
    return {node.name for node in stage.nodes}.union(stage.inputs)


def _silent(_: str) -> None:
    """Nobody listens."""


def _announcement(plan: StagePlan) -> str:
    nodes = plan.host_nodes
    count = "1 node runs" if len(nodes) == 1 else f"{len(nodes)} nodes run"
    return f"NOTE: {count} on the host, not on the accelerator: {', '.join(map(str, nodes))}"


def _recorded(preprocessing: Preprocessing) -> dict[str, list[float]]:
    return {"mean": list(preprocessing.mean), "std": list(preprocessing.std)}


def _run_float(imported: ImportedModel, given: Values) -> Values:
    """What the imported network gives, some frames at a time."""
    count = len(next(iter(given.values())))
    parts = [
        run_reference(imported.module, [given[name][start : start + FLOAT_FRAMES] for name in imported.input_names])
        for start in range(0, count, FLOAT_FRAMES)
    ]
    return {name: np.concatenate([part[at] for part in parts]) for at, name in enumerate(imported.output_names)}
