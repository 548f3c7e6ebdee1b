"""From a request to a program: import, passes, emission, self-test."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from xdsl.dialects.builtin import ModuleOp

from pqc.cache import Cache, using_cache
from pqc.calibration import calibration_frames
from pqc.dialects.pq_types import QuantizedType
from pqc.dialects.pqa_memory import ProgramOp
from pqc.dialects.registry import make_context
from pqc.emission import emitted_program
from pqc.errors import ModelError
from pqc.frontend import ImportedModel, import_model
from pqc.frontend.importer import import_loaded
from pqc.interpreter.reference import main_function
from pqc.isa import program as isa
from pqc.passes.attributes import (
    CALIBRATION,
    choices_of,
    provenance_of,
    schedule_of,
    set_calibration,
    set_choices,
    set_provenance,
    set_schedule,
    set_target,
    target_of,
)
from pqc.passes.dumps import IMPORTED, Dumps
from pqc.passes.fit_prototypes import FitPrototypesPass
from pqc.passes.options import PqOptions, configured_passes
from pqc.passes.phases import IMPORT
from pqc.passes.pipeline import Step, phase_of, pipeline_names, remaining, run_pipeline
from pqc.passes.quantize import QuantizePass
from pqc.passes.retarget import retarget
from pqc.passes.select_pq import SelectPqPass
from pqc.passes.text import load_module, module_text
from pqc.planning.layer_choices import LayerChoices
from pqc.planning.schedule import Schedule
from pqc.planning.target import Target, load_target
from pqc.request import CompileRequest
from pqc.version import __version__

if TYPE_CHECKING:
    from pqc.verification.verifier import Verifier


@dataclass(frozen=True)
class CompileResult:
    """A program, the figures that describe it, the schedule it follows, and how its layers are quantized."""

    program: isa.Program
    schedule: Schedule
    layers: LayerChoices

    @cached_property
    def report(self) -> dict[str, Any]:
        """The report of design, as plain JSON values."""
        # most compilations want none
        from pqc.report.report import build_report

        return build_report(self.program)


def compile_model(request: CompileRequest) -> CompileResult:
    """Compile what ``request`` asks for.

    Raises:
        ModelError: the model, its data, the target or the options are at fault.
        InternalError: pqc itself is.
    """
    module, references, verifier = _compiled(request, pipeline_names()[-1])
    result = _result(module, references[0])
    if verifier is not None:
        verifier.program(result.program)
    return result


def compile_to(request: CompileRequest, phase: str) -> ModuleOp:
    """The IR at ``phase`` (see :mod:`pqc.passes.phases`) of what ``request`` asks for; verified as it asks for.

    Raises:
        ModelError: the model, its data, the target or the options are at fault, or the phase lies before a dump.
        InternalError: pqc itself is.
    """
    return _compiled(request, phase)[0]


def _compiled(request: CompileRequest, last: str) -> tuple[ModuleOp, list[ModuleOp], Verifier | None]:
    """The module at the phase ``last``, the first one with final integers if any was met, and what verified it."""
    for name in request.print_ir_after:
        if name != "all" and name not in pipeline_names():
            raise ModelError(f"--print-ir-after {name}: no such pass; the passes are {', '.join(pipeline_names())}")
    cache = _cache(request)
    resumed = request.model.suffix == ".mlir"
    module = _resumed_module(request) if resumed else _imported_module(request)
    options = PqOptions.from_json(provenance_of(module).get("options", {})) if resumed else request.pq
    options = _with_lowering(request, module, options)
    passes = remaining(configured_passes(options), module, last)
    dumps = None
    if request.dump_ir is not None:
        previous = str(request.model) if resumed else IMPORTED
        dumps = Dumps(request.dump_ir, __version__, request.model.name, previous)
        dumps.forget(remaining(configured_passes(options), module))
    if dumps is not None and not resumed:
        dumps.imported(module)
    references: list[ModuleOp] = [module.clone()] if _has_final_integers(module) else []
    if request.watch is not None:
        request.watch("import", module)
    verifier = None if request.verify is None else request.verify.begin(request.model, module, request.pq.seed)

    def observe(step: Step, current: ModuleOp) -> None:
        if not references and _has_final_integers(current):
            references.append(current.clone())
        if dumps is not None:
            dumps.after(step, current)
        if verifier is not None:
            verifier.after(step, current)
        if request.watch is not None and step.changed:
            request.watch(step.name, current)
        _talk(request, step, current)

    with using_cache(cache):
        run_pipeline(make_context(), module, passes, observe)
    return module, references, verifier


def _with_lowering(request: CompileRequest, module: ModuleOp, options: PqOptions) -> PqOptions:
    """The options with what the request says about the lowering, which is left on the module, too.

    Raises:
        ModelError: the module is lowered already.
    """
    if request.batch is None and request.schedule is None:
        return options
    if isinstance(main_function(module), ProgramOp):
        raise ModelError(f"{request.model}: this IR is lowered already: batch and schedule are decided in it")
    if request.schedule is not None:
        set_schedule(module, request.schedule)
    if request.batch is not None:
        options = replace(options, batch=request.batch)
        set_provenance(module, provenance_of(module) | {"options": options.as_json()})
    return options


def quantize_model(request: CompileRequest) -> ModuleOp:
    """The network of ``request`` at the quantized level, which :func:`compile_quantized` takes from there.

    Raises:
        ModelError: the model, its data, the target or the options are at fault.
        InternalError: pqc itself is.
    """
    module = _imported_module(request)
    passes = configured_passes(request.pq)
    last = pipeline_names().index(QuantizePass.name)
    with using_cache(_cache(request)):
        run_pipeline(make_context(), module, passes[: last + 1])
    return module


def fitted_model(request: CompileRequest) -> tuple[ModuleOp, ModuleOp]:
    """The network of ``request`` with fitted prototypes, and the float network that it was fitted to.

    Both are at the float level and have the same layers.

    Raises:
        ModelError: the model, its data, the target or the options are at fault.
        InternalError: pqc itself is.
    """
    module = _imported_module(request)
    passes = configured_passes(request.pq)
    chosen, fitted = (pipeline_names().index(kind.name) + 1 for kind in (SelectPqPass, FitPrototypesPass))
    run_pipeline(make_context(), module, passes[:chosen])
    exact = module.clone()
    exact.attributes.pop(CALIBRATION, None)
    with using_cache(_cache(request)):
        run_pipeline(make_context(), module, passes[chosen:fitted])
    module.attributes.pop(CALIBRATION, None)
    return module, exact


def compile_quantized(module: ModuleOp, target: Target) -> CompileResult:
    """Compile a quantized network, which stays as it is, for any target that computes with the same numbers.

    Raises:
        ModelError: the target computes with other numbers, or the network does not fit it.
        InternalError: pqc itself is at fault.
    """
    lowered = retarget(module, target)
    references: list[ModuleOp] = [lowered.clone()] if _has_final_integers(lowered) else []

    def observe(_: Step, current: ModuleOp) -> None:
        if not references:
            references.append(current.clone())

    options = PqOptions.from_json(provenance_of(lowered).get("options", {}))
    run_pipeline(make_context(), lowered, remaining(configured_passes(options), lowered), observe)
    return _result(lowered, references[0])


def _cache(request: CompileRequest) -> Cache | None:
    """The cache that was asked for."""
    return None if request.cache is None else Cache.open(request.cache, _warn)


def _warn(sentence: str) -> None:
    """What a person should know of the cache, on stderr."""
    print(sentence, file=sys.stderr)


def _talk(request: CompileRequest, step: Step, module: ModuleOp) -> None:
    """What a person asked to see of a pass, on stderr."""
    if request.time_passes:
        print(f"{step.seconds:8.3f} s  {step.name}", file=sys.stderr)
    if step.name in request.print_ir_after or "all" in request.print_ir_after:
        print(f"// after {step.description}\n{module_text(module)}", file=sys.stderr, end="")


def _resumed_module(request: CompileRequest) -> ModuleOp:
    module = load_module(request.model)
    written = phase_of(module) or IMPORT
    if request.phase is not None and request.phase != written:
        raise ModelError(f"{request.model}: this IR was written at the phase {written!r}, not at {request.phase!r}")
    target = target_of(module)
    if request.target is not None and request.target.fingerprint() != target.fingerprint():
        if phase_of(module) == QuantizePass.name:
            return retarget(module, request.target)
        raise ModelError(
            f"{request.model}: this IR was written for target {target.name!r} ({target.fingerprint()[:12]}), not for "
            f"{request.target.name!r} ({request.target.fingerprint()[:12]}); compile the model itself for that target, "
            "or its dump after the pass quantize"
        )
    return module


def _imported_module(request: CompileRequest) -> ModuleOp:
    if request.loaded is None:
        return prepared_module(import_model(request.model), request)
    return prepared_module(import_loaded(request.loaded), request)


def prepared_module(imported: ImportedModel, request: CompileRequest) -> ModuleOp:
    """The module of an imported model with all that ``request`` says: what the passes begin with.

    Raises:
        ModelError: the data, the target or the options are at fault.
    """
    module = imported.module
    preprocessing = request.preprocessing or imported.preprocessing
    set_target(module, request.target or load_target("pqa"))
    set_choices(module, request.pq.layers)
    frames = calibration_frames(imported, request.calibration, preprocessing, request.pq, request.tell)
    if frames.arrays is not None:
        set_calibration(module, frames.arrays)
    facts: dict[str, Any] = {
        "pqc": __version__,
        "model": imported.digest,
        "options": request.pq.as_json(),
        "calibration": frames.origin,
    }
    if preprocessing is not None:
        facts["preprocessing"] = {"mean": list(preprocessing.mean), "std": list(preprocessing.std)}
    set_provenance(module, facts)
    return module


def _has_final_integers(module: ModuleOp) -> bool:
    """Whether a module computes in integers that no later pass changes: only folding by calibration frames does."""
    if CALIBRATION in module.attributes:
        return False
    main = main_function(module)
    return isinstance(main, ProgramOp) or isinstance(main.function_type.inputs.data[0], QuantizedType)


def _result(module: ModuleOp, reference: ModuleOp) -> CompileResult:
    """What a module that is compiled to the end gives."""
    return CompileResult(emitted_program(module, reference), schedule_of(module), choices_of(module))
