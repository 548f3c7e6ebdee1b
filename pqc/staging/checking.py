"""Whether the stages of a model compile, and all that stands in the way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pqc.compilation import prepared_module
from pqc.dialects.onnx import shape_of
from pqc.dialects.registry import make_context
from pqc.errors import ModelError
from pqc.frontend.importer import ImportedModel, import_loaded
from pqc.frontend.loader import LoadedModel
from pqc.frontend.preprocessing import Preprocessing, preprocessing_from_metadata
from pqc.frontend.signature import model_inputs
from pqc.numerics.arrays import FloatArray
from pqc.passes.attributes import main_of
from pqc.passes.lower_to_pqa import LowerToPqaPass
from pqc.passes.node_units import NodeUnit, node_units
from pqc.passes.options import configured_passes
from pqc.passes.pipeline import pipeline_names, run_pipeline
from pqc.passes.select_pq import SelectPqPass
from pqc.problems import NodeProblem, ProblemsError
from pqc.request import CompileRequest
from pqc.staging.choices import options_of_stages
from pqc.staging.compilation import compile_stages
from pqc.staging.inner_layers import as_inner_layers, is_decided
from pqc.staging.plan import StagePlan
from pqc.synthetic import synthetic_frames


@dataclass(frozen=True)
class StagesCheck:
    """Which unit of the accelerator will execute which node, and what stands in the way."""

    units: tuple[NodeUnit, ...]
    problems: tuple[NodeProblem, ...]


def check_stages(plan: StagePlan, loaded: LoadedModel, request: CompileRequest, frames: int) -> StagesCheck:
    """Try the layers of each stage on the target, and if all fit, compile the stages on ``frames`` made up frames.

    What the host cannot execute is a problem, too.
    """
    imported = [stage.imported for stage in plan.stages if stage.imported is not None]
    if not any(is_decided(stage) for stage in imported):
        # tuning changes prototypes and refuses nothing
        request = replace(request, pq=replace(request.pq, tune=0))
    units: list[NodeUnit] = []
    problems: list[NodeProblem] = []
    try:
        options = options_of_stages(imported, request.pq)
        models = [stage.model for stage in plan.stages if stage.imported is not None]
        for model, stage, own in zip(models, imported, options, strict=True):
            part = replace(request, pq=as_inner_layers(stage, own, plan.inputs), preprocessing=None)
            units += _try_layers(import_loaded(model), part, frames, problems)
        if not problems:
            compile_stages(replace(request, calibration=_made_up(loaded, request, frames)))
    except ProblemsError as error:
        problems += error.problems
    except ModelError as error:
        problems.append(NodeProblem("", "", str(error)))
    return StagesCheck(tuple(units), tuple(problems))


def _try_layers(
    imported: ImportedModel, request: CompileRequest, count: int, problems: list[NodeProblem]
) -> tuple[NodeUnit, ...]:
    """The units of a stage; what its layers do not fit is added to ``problems``."""
    values = zip(imported.input_names, main_of(imported.module).body.block.args, strict=True)
    made = {name: synthetic_frames(count, shape_of(value)[1:], None, request.pq.seed) for name, value in values}
    names, passes = pipeline_names(), configured_passes(request.pq)
    chosen, lowered = (names.index(kind.name) + 1 for kind in (SelectPqPass, LowerToPqaPass))
    units: tuple[NodeUnit, ...] = ()
    try:
        module = prepared_module(imported, replace(request, calibration=made))
        run_pipeline(make_context(), module, passes[:chosen])
        units = node_units(module)
        run_pipeline(make_context(), module, passes[chosen:lowered])
    except ProblemsError as error:
        problems += error.problems
    return units


def _made_up(loaded: LoadedModel, request: CompileRequest, count: int) -> dict[str, FloatArray]:
    """Frames for the inputs of the whole network."""
    preprocessing: Preprocessing | None = request.preprocessing
    preprocessing = preprocessing or preprocessing_from_metadata(loaded.metadata, str(loaded.path))
    seed = request.pq.seed
    return {entry.name: synthetic_frames(count, entry.shape[1:], preprocessing, seed) for entry in model_inputs(loaded)}
