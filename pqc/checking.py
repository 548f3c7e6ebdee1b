"""The pre-flight check: the real importer and the real passes, on a few made up frames, and all that they refuse.

Layers that can be imported are tried on the target even if others cannot be: results of refused nodes are further
inputs then. Whether sums and scales fit depends on the calibration images, which are not looked at here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

import onnx

from pqc.compilation import compile_model, prepared_module
from pqc.dialects.onnx import shape_of
from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.frontend.graph import UNSUPPORTED
from pqc.frontend.importer import ImportAttempt, ImportedModel, needed_nodes, try_import
from pqc.frontend.loader import LoadedModel, load_model
from pqc.frontend.node import node_name as onnx_name
from pqc.frontend.node import operator_name
from pqc.frontend.operators import supported_operators
from pqc.isa.stages import StageNode
from pqc.numerics.arrays import FloatArray
from pqc.passes.attributes import main_of
from pqc.passes.lower_to_pqa import LowerToPqaPass
from pqc.passes.node_units import NodeUnit, node_units
from pqc.passes.options import configured_passes
from pqc.passes.pipeline import pipeline_names, run_pipeline
from pqc.passes.select_pq import SelectPqPass
from pqc.problems import INPUT, OUTPUT, NodeProblem, ProblemsError
from pqc.request import CompileRequest
from pqc.staging.checking import check_stages
from pqc.staging.inner_layers import as_inner_layers, is_decided
from pqc.staging.plan import plan_stages
from pqc.synthetic import synthetic_frames

FRAMES = 4
"""How many frames are made up: prototypes are fitted to something, and nothing about them is true."""

ALLOWED = {
    UNSUPPORTED: "an operator that `pqc ops` lists",
    INPUT: "float32 of a fixed size but for the frames, which come first: [frames, channels, height, width] or others",
    OUTPUT: "an activation of at most 9 dimensions, the frames first",
}
"""What is allowed, by what was found or where, for which no operator's demands say it."""

PARTLY = (
    "the layers that were imported are tried on the target by themselves: that the whole network fits is known when "
    "all nodes are accepted"
)

FIRST = "the compiler stops at the first problem of this kind: check again when it is mended"

LATER = "the layers are tried on the target when these problems are mended: check again then"


@dataclass(frozen=True)
class ModelCheck:
    """What a check found.

    ``operators`` counts the nodes that the outputs depend on, ``parameters`` the numbers in the model's initializers;
    both are empty for a model that cannot be read. ``units`` are the nodes that will be executed, as far as they are
    known. ``host`` are the nodes that the host executes if that is allowed, which ``host_allowed`` says it is; they are
    no problems then. ``unchecked`` names the nodes that could not be looked at, and ``notes`` say what else was not.
    """

    model: Path
    target: str
    operators: Mapping[str, int]
    parameters: int
    units: tuple[NodeUnit, ...]
    problems: tuple[NodeProblem, ...]
    unchecked: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    host: tuple[StageNode, ...] = ()
    host_allowed: bool = False

    @property
    def compiles(self) -> bool:
        """Whether nothing stands in the way."""
        return not self.problems

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "model": str(self.model),
            "target": self.target,
            "compiles": self.compiles,
            "nodes": sum(self.operators.values()),
            "operators": dict(self.operators),
            "parameters": self.parameters,
            "units": [unit.as_json() for unit in self.units],
            "problems": [problem.as_json() for problem in self.problems],
            "unchecked": list(self.unchecked),
            "notes": list(self.notes),
            "host_nodes": [node.as_json() for node in self.host],
            "host_allowed": self.host_allowed,
        }


@dataclass(frozen=True)
class _Trial:
    """What the passes said of the layers that were imported."""

    units: tuple[NodeUnit, ...] = ()
    problems: tuple[NodeProblem, ...] = ()
    notes: tuple[str, ...] = ()


def check_model(request: CompileRequest, *, allow_host: bool = False) -> ModelCheck:
    """Import and compile what ``request`` asks for as far as that goes, and say what stands in the way.

    Its calibration frames are not used. Nothing is written. With ``allow_host``, nodes that cannot be compiled are left
    to the host, as :func:`pqc.staging.compilation.compile_stages` does.

    Raises:
        ModelError: the file is no ONNX model, or none of its nodes can be looked at.
        InternalError: pqc itself is at fault.
    """
    target = "pqa" if request.target is None else request.target.name
    try:
        loaded = load_model(request.model)
    except ProblemsError as error:
        return ModelCheck(request.model, target, {}, 0, (), error.problems)
    attempt = try_import(loaded)
    nodes = needed_nodes(loaded.model.graph)
    found = ModelCheck(
        model=request.model,
        target=target,
        operators=dict(sorted(Counter(operator_name(node) for node in nodes).items())),
        parameters=_parameters(loaded),
        units=(),
        problems=_with_demands(attempt.problems),
        unchecked=attempt.unchecked,
    )
    try:
        plan = plan_stages(loaded, attempt)
    except ModelError as error:
        plan = None
        found = replace(found, notes=(_no_help(error),))
    if plan is not None and allow_host:
        tried = check_stages(plan, loaded, request, FRAMES)
        problems = _with_operators(tried.problems, nodes)
        return replace(
            found, units=tried.units, problems=problems, unchecked=(), host=plan.host_nodes, host_allowed=True
        )
    declared = {entry.name for entry in loaded.model.graph.input}
    trial = _Trial() if attempt.imported is None else _tried(attempt, attempt.imported, request, declared)
    return replace(
        found,
        units=trial.units,
        problems=(*found.problems, *_with_operators(trial.problems, nodes)),
        notes=(*trial.notes, *found.notes),
        host=() if plan is None else plan.host_nodes,
    )


def _no_help(error: ModelError) -> str:
    """Why nothing can be left to the host."""
    if isinstance(error, ProblemsError):
        places = ", ".join(problem.where for problem in error.problems)
        return f"--allow-host helps with the rest when this is mended: {places}"
    return f"--allow-host does not help: {error}"


def _parameters(loaded: LoadedModel) -> int:
    tensors = (tensor for tensor in loaded.model.graph.initializer if tensor.data_type == onnx.TensorProto.FLOAT)
    return sum(prod(tensor.dims) for tensor in tensors)


def _with_demands(problems: Sequence[NodeProblem]) -> tuple[NodeProblem, ...]:
    """The problems of an import, with what their operators demand."""
    demands = dict(supported_operators())

    def allowed(problem: NodeProblem) -> str:
        special = ALLOWED.get(problem.found) or ALLOWED.get(problem.operator)
        return problem.allowed or special or demands.get(problem.operator, "")

    return tuple(replace(problem, allowed=allowed(problem)) for problem in problems)


def _with_operators(problems: Sequence[NodeProblem], nodes: Sequence[onnx.NodeProto]) -> tuple[NodeProblem, ...]:
    """The problems of the passes, which know no ONNX operators, with those of the nodes that they name."""
    operators = {onnx_name(node): operator_name(node) for node in nodes}
    return tuple(replace(problem, operator=operators.get(problem.node, "")) for problem in problems)


def _tried(
    attempt: ImportAttempt, imported: ImportedModel, request: CompileRequest, declared: Container[str]
) -> _Trial:
    """What the passes say of an imported network, or of the part of one that was imported.

    ``declared`` are the names of the inputs that are really ones.
    """
    partly = bool(attempt.problems)
    request = replace(request, calibration=_frames(imported, request))
    if not is_decided(imported):
        # tuning changes prototypes and refuses nothing; a model that has its own takes no word on it
        request = replace(request, pq=replace(request.pq, tune=0))
    if partly:
        request = replace(request, pq=as_inner_layers(imported, request.pq, declared))
    names, passes = pipeline_names(), configured_passes(request.pq)
    chosen, lowered = (names.index(kind.name) + 1 for kind in (SelectPqPass, LowerToPqaPass))
    units: tuple[NodeUnit, ...] = ()
    try:
        module = prepared_module(imported, request)
        run_pipeline(make_context(), module, passes[:chosen])
        units = node_units(module)
        if partly:
            run_pipeline(make_context(), module, passes[chosen:lowered])
        else:
            compile_model(request)
    except ProblemsError as error:
        # what refuses all layers at once is the choice of the layers or the lowering
        notes = [LATER] if not units else [PARTLY] if partly else []
        return _Trial(units, error.problems, tuple(notes))
    except ModelError as error:
        if partly:
            # a pattern may name a node that was refused, and a stand-in may have a range that nothing else has
            return _Trial(units, (), (f"the layers that were imported cannot be tried on the target: {error}",))
        return _Trial(units, (NodeProblem("", "", str(error)),), (FIRST,))
    return _Trial(units, (), (PARTLY,) if partly else ())


def _frames(imported: ImportedModel, request: CompileRequest) -> dict[str, FloatArray]:
    """Made up frames for every input."""
    inputs = zip(imported.input_names, main_of(imported.module).body.block.args, strict=True)
    preprocessing = request.preprocessing or imported.preprocessing
    return {
        name: synthetic_frames(FRAMES, shape_of(value)[1:], preprocessing, request.pq.seed) for name, value in inputs
    }
